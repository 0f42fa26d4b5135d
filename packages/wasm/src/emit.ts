import type { Arena } from './arena.ts'
import type { ByteWriter } from './bytes.ts'
import { type FunctionBuilder, Kind } from './function.ts'
import { emitGc, GC_KINDS } from './gc-emit.ts'
import { codeOf, Immediate, immediateOf, prefixOf } from './opcodes.ts'
import { VOID, writeValueType } from './types.ts'

/** A branch hint: the byte offset of the branch in the function's code, and whether it is taken as a rule. */
export interface BranchHint {
  readonly offset: number
  readonly likely: boolean
}

/** Writes an expression tree, operands first. */
export function emitNode(fn: FunctionBuilder, node: number, out: ByteWriter): void {
  const arena = fn.arena
  const first = arena.first[node] as number
  const end = first + (arena.count[node] as number)
  for (let i = first; i < end; i++) emitNode(fn, arena.operands[i] as number, out)
  const op = arena.op[node] as number
  if (op < Kind.localGet) return emitPlain(arena, node, op, out)
  const imm0 = arena.imm0[node] as number
  if (op >= GC_KINDS) return emitGc(arena, node, op, out)
  switch (op) {
    case Kind.localGet:
      return emitIndexed(out, 0x20, imm0)
    case Kind.globalGet:
      return emitIndexed(out, 0x23, imm0)
    case Kind.call:
      out.u8(0x10)
      return out.functionIndex(imm0)
    case Kind.callIndirect:
      out.u8(0x11)
      out.typeIndex(imm0)
      return out.u32(arena.imm1[node] as number)
    case Kind.select:
      return out.u8(0x1b)
  }
}

function emitIndexed(out: ByteWriter, code: number, index: number): void {
  out.u8(code)
  out.u32(index)
}

/** Natural alignment (log2) by what a plain memory opcode touches; over-stated alignment is only a hint. */
function emitPlain(arena: Arena, node: number, op: number, out: ByteWriter): void {
  const prefix = prefixOf(op)
  if (prefix) {
    out.u8(prefix)
    out.u32(codeOf(op))
  } else out.u8(op)
  const imm0 = arena.imm0[node] as number
  switch (immediateOf[op]) {
    case Immediate.memory:
      // Guest accesses may be misaligned, so no alignment is promised.
      out.u8(0)
      out.u32(imm0)
      return
    case Immediate.atomic32:
    case Immediate.atomic64:
      out.u8(immediateOf[op] === Immediate.atomic32 ? 2 : 3)
      out.u32(imm0)
      return
    case Immediate.i32:
      return out.s32(imm0)
    case Immediate.i64:
      return out.s64(imm0, arena.imm1[node] as number)
    case Immediate.f32:
      return out.fixed32(imm0)
    case Immediate.f64:
      out.fixed32(imm0)
      return out.fixed32(arena.imm1[node] as number)
    case Immediate.index:
    case Immediate.lane:
    case Immediate.zero:
      return out.u32(imm0)
  }
}

/**
 * Writes a block's statements; hints of its `if`s are appended to `hints`. `labels` labels are open, the outermost of them
 * the cold blocks', the first-made outermost.
 */
export function emitStatements(
  fn: FunctionBuilder,
  first: number,
  out: ByteWriter,
  hints: BranchHint[],
  labels: number,
): void {
  const arena = fn.arena
  let open = labels
  for (let s = first; s; s = arena.next[s] as number) {
    const op = arena.op[s] as number
    if (op < Kind.localGet || op >= GC_KINDS) {
      emitNode(fn, s, out)
      continue
    }
    const from = arena.first[s] as number
    const end = from + (arena.count[s] as number)
    for (let i = from; i < end; i++) emitNode(fn, arena.operands[i] as number, out)
    const imm0 = arena.imm0[s] as number
    switch (op) {
      case Kind.localSet:
        emitIndexed(out, 0x21, imm0)
        break
      case Kind.globalSet:
        emitIndexed(out, 0x24, imm0)
        break
      case Kind.effect:
        if ((arena.type[arena.operands[from] as number] as number) !== VOID) out.u8(0x1a)
        break
      case Kind.if:
        if (imm0) hints.push({ offset: out.length, likely: imm0 === 2 })
        out.u8(0x04)
        out.u8(0x40)
        open++
        break
      case Kind.else:
        out.u8(0x05)
        break
      case Kind.end:
        out.u8(0x0b)
        open--
        break
      case Kind.leave:
      case Kind.leaveIf:
        if (imm0) hints.push({ offset: out.length, likely: imm0 === 2 })
        emitIndexed(out, op === Kind.leave ? 0x0c : 0x0d, open - 1 - (arena.imm1[s] as number))
        break
      case Kind.return:
        out.u8(0x0f)
        break
      case Kind.returnCall:
        out.u8(0x12)
        out.functionIndex(imm0)
        break
      case Kind.returnCallIndirect:
        out.u8(0x13)
        out.typeIndex(imm0)
        out.u32(arena.imm1[s] as number)
        break
      case Kind.mark:
        fn.marks.push(out.length, imm0)
        break
      case Kind.unreachable:
        out.u8(0x00)
    }
  }
}

/** Writes a function's local declarations, runs of one type together. */
export function emitLocals(fn: FunctionBuilder, out: ByteWriter): void {
  const runs: [number, number][] = []
  for (const type of fn.locals) {
    const last = runs[runs.length - 1]
    if (last && last[1] === type) last[0]++
    else runs.push([1, type])
  }
  out.u32(runs.length)
  for (const [count, type] of runs) {
    out.u32(count)
    writeValueType(out, type)
  }
}
