import { readI2, readI4 } from '../class-file/bytes.ts'
import type { Handler } from '../class-file/code.ts'
import { JavaProblem } from '../problem.ts'
import { instructionLength, OPCODES } from '../opcodes.ts'

/** A stretch of bytecode with one way in at its start. */
export interface BasicBlock {
  readonly start: number
  /** Offset after the last instruction. */
  readonly end: number
  /** Handlers that cover it, in the order of the exception table. */
  readonly handlers: readonly Handler[]
}

/** Where an instruction may go besides the next one; undefined when it is no branch. */
export function branchTargets(code: Uint8Array, at: number): number[] | undefined {
  const opcode = OPCODES[code[at] as number]
  switch (opcode?.operands) {
    case 'j':
      return [at + readI2(code, at + 1)]
    case 'J':
      return [at + readI4(code, at + 1)]
    case 'T':
    case 'L': {
      const { targets, fallback } = switchTable(code, at)
      return [...targets.map(([, to]) => to), fallback]
    }
    default:
      return undefined
  }
}

/** Keys and targets of a switch instruction. */
export function switchTable(
  code: Uint8Array,
  at: number,
): { readonly targets: (readonly [key: number, to: number])[]; readonly fallback: number } {
  const base = (at + 4) & ~3
  const fallback = at + readI4(code, base)
  const targets: (readonly [number, number])[] = []
  if (code[at] === 0xaa) {
    const low = readI4(code, base + 4)
    const high = readI4(code, base + 8)
    for (let key = low; key <= high; key++) targets.push([key, at + readI4(code, base + 12 + (key - low) * 4)])
  } else {
    for (let i = 0, count = readI4(code, base + 4); i < count; i++) {
      targets.push([readI4(code, base + 8 + i * 8), at + readI4(code, base + 12 + i * 8)])
    }
  }
  return { targets, fallback }
}

/** True when control never goes on to the next instruction. */
export function endsFlow(op: number): boolean {
  return (
    op === 0xa7 ||
    op === 0xa8 ||
    op === 0xc8 ||
    op === 0xc9 ||
    op === 0xa9 ||
    op === 0xaa ||
    op === 0xab ||
    (op >= 0xac && op <= 0xb1) ||
    op === 0xbf
  )
}

/** Cuts code into basic blocks, by their starts. Throws VerifyError for code that is no sequence of instructions. */
export function basicBlocks(code: Uint8Array, handlers: readonly Handler[]): Map<number, BasicBlock> {
  const leaders = new Set<number>([0])
  const starts = new Set<number>()
  for (let at = 0; at < code.length; ) {
    const length = instructionLength(code, at)
    if (length === 0) throw new JavaProblem('java/lang/VerifyError', `Bad instruction at offset ${at}`)
    starts.add(at)
    const targets = branchTargets(code, at)
    if (targets) for (const to of targets) leaders.add(to)
    if (targets || endsFlow(code[at] as number)) leaders.add(at + length)
    at += length
  }
  for (const { start, end, target } of handlers) for (const at of [start, end, target]) leaders.add(at)
  leaders.delete(code.length)
  const order = [...leaders].sort((a, b) => a - b)
  const blocks = new Map<number, BasicBlock>()
  order.forEach((start, i) => {
    if (!starts.has(start)) throw new JavaProblem('java/lang/VerifyError', `Illegal target of jump or branch: ${start}`)
    const end = order[i + 1] ?? code.length
    blocks.set(start, { start, end, handlers: handlers.filter(h => h.start <= start && start < h.end) })
  })
  return blocks
}

/** Where a `ret` may go back to: behind the calls of the subroutines that reach it (JVMS §6.5 ret). */
export function returnTargets(code: Uint8Array, ret: number): number[] {
  const targets: number[] = []
  for (let at = 0; at < code.length; at += instructionLength(code, at)) {
    const op = code[at] as number
    if (op !== 0xa8 && op !== 0xc9) continue
    const [subroutine] = branchTargets(code, at) as [number]
    if (reaches(code, subroutine, ret)) targets.push(at + instructionLength(code, at))
  }
  return targets
}
/** Whether code at `from` comes to `to`; subroutines that it calls come back. */
function reaches(code: Uint8Array, from: number, to: number): boolean {
  const open = [from]
  const seen = new Set(open)
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === to) return true
    const op = code[at] as number
    const isCall = op === 0xa8 || op === 0xc9
    const next = isCall ? [] : [...(branchTargets(code, at) ?? [])]
    if (isCall || !endsFlow(op)) next.push(at + instructionLength(code, at))
    for (const target of next) {
      if (target < code.length && !seen.has(target)) {
        seen.add(target)
        open.push(target)
      }
    }
  }
  return false
}
