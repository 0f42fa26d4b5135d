import { type Arena, type Node, Op } from '@doppel/wasm'
import type { RegisterSlot } from './usage.ts'

/**
 * How far a value that an instruction writes may lie from the one it writes in the next round of a loop: `own` bytes, and what
 * each of the registers that it is the sum of moves by, times two to the `shift`. 'imm' stands for the instruction's immediate.
 */
export interface Spread {
  readonly terms: readonly { readonly slot: RegisterSlot; readonly shift: number | 'imm' }[]
  readonly own: number | 'imm'
}

/** What leaves of an expression are: registers, and the immediate. */
export interface Leaves {
  register(node: Node): RegisterSlot | undefined
  isImmediate(node: Node): boolean
}

const STILL: Spread = { terms: [], own: 0 }
const SUMS: ReadonlySet<number> = new Set([Op.i64Add, Op.i64Sub, Op.i32Add, Op.i32Sub])
const SAME: ReadonlySet<number> = new Set([Op.i64ExtendI32S, Op.i64ExtendI32U, Op.i32WrapI64, Op.i64Extend32S])
const SHIFTS: ReadonlySet<number> = new Set([Op.i64Shl, Op.i32Shl])
const MASKS: ReadonlySet<number> = new Set([Op.i64And, Op.i32And])
const CONSTANTS: ReadonlySet<number> = new Set([Op.i64Const, Op.i32Const])
const MAX_BYTE = 255

/** The spread of an expression; undefined when nothing is known of it. */
export function spreadOf(arena: Arena, leaves: Leaves, node: Node): Spread | undefined {
  const slot = leaves.register(node)
  if (slot) return { terms: [{ slot, shift: 0 }], own: 0 }
  const op = arena.op[node] as number
  if (CONSTANTS.has(op)) return STILL
  const operand = (index: number): Node => arena.operands[(arena.first[node] as number) + index] as Node
  if (op === Op.i64Load8U || op === Op.i64Load8S) return { terms: [], own: MAX_BYTE }
  if (SAME.has(op)) return spreadOf(arena, leaves, operand(0))
  if (MASKS.has(op)) return isImmediate(arena, leaves, operand(1)) ? { terms: [], own: 'imm' } : undefined
  if (SUMS.has(op)) return sum(spreadOf(arena, leaves, operand(0)), spreadOf(arena, leaves, operand(1)))
  if (SHIFTS.has(op)) return shifted(spreadOf(arena, leaves, operand(0)), shiftBy(arena, leaves, operand(1)))
  return undefined
}

/** The immediate, perhaps as 32 bits. */
function isImmediate(arena: Arena, leaves: Leaves, node: Node): boolean {
  if (leaves.isImmediate(node)) return true
  return arena.op[node] === Op.i32WrapI64 && leaves.isImmediate(arena.operands[arena.first[node] as number] as Node)
}
function shiftBy(arena: Arena, leaves: Leaves, node: Node): number | 'imm' | undefined {
  if (isImmediate(arena, leaves, node)) return 'imm'
  return CONSTANTS.has(arena.op[node] as number) ? arena.imm0[node] : undefined
}
function sum(a: Spread | undefined, b: Spread | undefined): Spread | undefined {
  if (!a || !b || a.own === 'imm' || b.own === 'imm') return undefined
  return { terms: [...a.terms, ...b.terms], own: a.own + b.own }
}
function shifted(value: Spread | undefined, by: number | 'imm' | undefined): Spread | undefined {
  if (!value || by === undefined || value.own !== 0 || value.terms.some(({ shift }) => shift !== 0)) return undefined
  return { terms: value.terms.map(({ slot }) => ({ slot, shift: by })), own: 0 }
}
