import { BY_OPCODE } from './instructions.ts'
import type { Format, Instruction, Tail } from './row.ts'
import { Attribute } from './frame.ts'

/** An instruction as it stands in code. */
export interface Decoded {
  readonly row: Instruction
  /** For short forms, which of them; then the operands. */
  readonly operands: readonly number[]
  /** What follows the operands: words of a constant, bytes, or the targets of a case jump. */
  readonly tail: readonly number[]
  /** The offset behind it. */
  readonly next: number
}

/** Code as decoding sees it: a segment. */
export interface CodeView {
  readonly bytes: Uint8Array
  readonly bigEndian: boolean
}

/** Decodes the instruction at an offset; undefined where there is none, or it does not end within the bytes. */
export function decode({ bytes, bigEndian }: CodeView, offset: number): Decoded | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const opcode = bytes[offset]
  const rows = opcode === undefined ? [] : (BY_OPCODE[opcode] as readonly Instruction[])
  const typed = rows[0]?.operandType !== undefined
  const row = typed ? rows.find(({ operandType }) => operandType === bytes[offset + 1]) : rows[0]
  if (row === undefined) return undefined
  const operands = row.opcodes > 1 ? [(opcode as number) - row.opcode] : []
  let at = offset + (typed ? 2 : 1)
  for (const format of row.formats) {
    const length = operandBytes(format, bytes[at] ?? 0)
    if (at + length > bytes.length) return undefined
    operands.push(operandAt(view, format, at, length))
    at += length
  }
  if (row.tail === undefined) return { row, operands, tail: [], next: at }
  const tail = tailAt(view, row.tail, at, operands.at(-1) ?? 0, bigEndian)
  return tail && { row, operands, tail: tail.values, next: tail.next }
}

function operandBytes(format: Format, first: number): number {
  if (format === 'W') return 2
  return format === 'B' && first > 127 ? 2 : 1
}
function operandAt(view: DataView, format: Format, at: number, length: number): number {
  if (format === 'SB') return view.getInt8(at)
  if (format === 'W') return view.getUint16(at, true)
  return length === 1 ? view.getUint8(at) : view.getUint16(at) & 0x7fff
}

function tailAt(
  view: DataView,
  tail: Tail,
  at: number,
  count: number,
  bigEndian: boolean,
): { readonly values: readonly number[]; readonly next: number } | undefined {
  const size = view.byteLength
  if (tail === 'characters' || tail === 'bytes') {
    if (at + count > size) return undefined
    return { values: Array.from({ length: count }, (_, i) => view.getUint8(at + i)), next: at + count }
  }
  const aligned = (at + 1) & ~1
  const word = (offset: number): number => view.getUint16(offset, !bigEndian)
  if (tail === 'words') {
    if (aligned + 2 * count > size) return undefined
    return { values: Array.from({ length: count }, (_, i) => word(aligned + 2 * i)), next: aligned + 2 * count }
  }
  if (aligned + CASE_HEAD_BYTES > size) return undefined
  const [low, high] = [view.getInt16(aligned, !bigEndian), view.getInt16(aligned + 2, !bigEndian)]
  const table = aligned + CASE_HEAD_BYTES
  const cases = Math.max(0, high - low + 1)
  if (table + 2 * cases > size) return undefined
  const targets = Array.from({ length: cases }, (_, i) => table + 2 * i - word(table + 2 * i))
  // The jump for all other cases stands before the table, and is an instruction of its own.
  return { values: [low, high, ...targets], next: aligned + 4 }
}
/** Lowest and highest case, and the two bytes of the jump for all others. */
export const CASE_HEAD_BYTES = 6

/** Where a jump of the procedure with this attribute table leads, from the offset behind it. */
export function jumpTarget({ bytes, bigEndian }: CodeView, table: number, next: number, displacement: number): number {
  if (displacement >= 0) return next + displacement
  const entry = table + displacement
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (entry < 0 || entry + 2 > bytes.length || displacement >= Attribute.dataBytes) return -1
  return entry - view.getUint16(entry, !bigEndian)
}
