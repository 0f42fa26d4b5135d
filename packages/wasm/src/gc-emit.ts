import type { Arena } from './arena.ts'
import type { ByteWriter } from './bytes.ts'
import { writeHeapType } from './types.ts'

/** Node kinds of WasmGC and exceptions stand above every other: this plus the 0xfb opcode, or one of `GcKind`. */
export const GC_KINDS = 0x2000

/** Kinds that are not simply an 0xfb opcode. */
export const GcKind = {
  refNull: 0x2100,
  refIsNull: 0x2101,
  refAsNonNull: 0x2102,
  refEq: 0x2103,
  tableGet: 0x2104,
  tableSet: 0x2105,
  throw: 0x2106,
  nonNullOr: 0x2107,
  arrayCopy: 0x2108,
  tableGrow: 0x2109,
  memoryCopy: 0x210a,
  tableCopy: 0x210b,
} as const

/** What follows each 0xfb opcode: how many type or field indices, or a heap type (`'heap'`). Core spec §5.4.4. */
const FB_IMMEDIATES: Readonly<Record<number, number | 'heap'>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 2,
  5: 2,
  6: 1,
  7: 1,
  8: 2,
  11: 1,
  12: 1,
  13: 1,
  14: 1,
  15: 0,
  16: 1,
  20: 'heap',
  21: 'heap',
  22: 'heap',
  23: 'heap',
}

/** Writes the instruction of a node of these kinds, whose operands have been written. */
export function emitGc(arena: Arena, node: number, kind: number, out: ByteWriter): void {
  const imm0 = arena.imm0[node] as number
  const imm1 = arena.imm1[node] as number
  switch (kind) {
    case GcKind.refNull:
      out.u8(0xd0)
      return writeHeapType(out, imm0)
    case GcKind.refIsNull:
      return out.u8(0xd1)
    case GcKind.refAsNonNull:
      return out.u8(0xd4)
    case GcKind.refEq:
      return out.u8(0xd3)
    case GcKind.tableGet:
      out.u8(0x25)
      return out.u32(imm0)
    case GcKind.tableSet:
      out.u8(0x26)
      return out.u32(imm0)
    case GcKind.throw:
      out.u8(0x08)
      return out.u32(imm0)
    case GcKind.arrayCopy:
      out.u8(0xfb)
      out.u32(17)
      out.typeIndex(imm0)
      return out.typeIndex(imm1)
    case GcKind.tableGrow:
      out.u8(0xfc)
      out.u32(15)
      return out.u32(imm0)
    case GcKind.memoryCopy:
      out.u8(0xfc)
      out.u32(10)
      out.u8(0)
      return out.u8(0)
    case GcKind.tableCopy:
      out.u8(0xfc)
      out.u32(14)
      out.u32(imm0)
      return out.u32(imm1)
    case GcKind.nonNullOr:
      return emitNonNullOr(imm0, imm1, out)
  }
  const code = kind - GC_KINDS
  out.u8(0xfb)
  out.u32(code)
  const immediates = FB_IMMEDIATES[code]
  if (immediates === 'heap') return writeHeapType(out, imm0)
  if (immediates !== 0) out.typeIndex(imm0)
  if (immediates === 2) out.u32(imm1)
}

/** The operand is on the stack of the block around: `block (param S) (result T) br_on_non_null 0; call f; unreachable`. */
function emitNonNullOr(blockType: number, fail: number, out: ByteWriter): void {
  out.u8(0x02)
  out.signedTypeIndex(blockType)
  out.u8(0xd6)
  out.u32(0)
  out.u8(0x10)
  out.functionIndex(fail)
  out.u8(0x00)
  out.u8(0x0b)
}
