import { F64, I32, I64, type Local, type Node, type ValueType as WasmType } from '@doppel/wasm'

/** The lowest word. */
export const MIN_WORD = -0x8000_0000
/** The highest word. */
export const MAX_WORD = 0x7fff_ffff

/**
 * A value of the operand stack while code is made: a constant, a local, an expression not yet evaluated (used once), or
 * the words of a set; of words also what is added to it, and between which bounds the sum lies.
 */
export interface Value {
  readonly type: WasmType
  readonly kind: 'constant' | 'local' | 'node' | 'set'
  /** Constant, local or node. */
  readonly base: number
  /** High half of an i64 constant. */
  readonly high32: number
  readonly offset: number
  readonly low: number
  readonly high: number
  /** The words of a set, the lowest elements first. */
  readonly parts: readonly Value[]
  /** True when the local is one that nothing assigns again while the value is in use. */
  readonly stable: boolean
}

const PLAIN = { high32: 0, offset: 0, low: MIN_WORD, high: MAX_WORD, parts: [], stable: false } as const

/** A word known now. */
export function constant(value: number): Value {
  return { ...PLAIN, type: I32, kind: 'constant', base: value | 0, low: value | 0, high: value | 0, stable: true }
}
/** A word of a set known now. */
export function constant64(low: number, high: number): Value {
  return { ...PLAIN, type: I64, kind: 'constant', base: low | 0, high32: high | 0, stable: true }
}
/** A value that an expression, used once, will give. */
export function inNode(type: WasmType, node: Node, low: number = MIN_WORD, high: number = MAX_WORD): Value {
  return { ...PLAIN, type, kind: 'node', base: node, low, high }
}
/** A value in a local. */
export function inLocal(type: WasmType, local: Local, stable: boolean): Value {
  return { ...PLAIN, type, kind: 'local', base: local, stable }
}
/** A set of these words. */
export function ofParts(parts: readonly Value[]): Value {
  return { ...PLAIN, type: I64, kind: 'set', base: 0, parts }
}
/** True when a value is known now. */
export function isConstant(value: Value): boolean {
  return value.kind === 'constant' || (value.kind === 'set' && value.parts.every(isConstant))
}
/** The bits of a set's words that are constants, two numbers for each. */
export function setBits(value: Value): number[] {
  return value.parts.flatMap(part => [part.base, part.high32])
}
/** The WebAssembly types that hold a value of a type of the operand stack. */
export const WASM_TYPES: Readonly<Record<string, readonly WasmType[]>> = {
  i: [I32],
  r: [F64],
  t: [I64],
  s: [I64, I64, I64, I64],
}
