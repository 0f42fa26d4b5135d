import { INSTRUCTIONS } from '../../src/ucsd/instructions.ts'
import type { Format } from '../../src/ucsd/row.ts'

/** An instruction: its name and operands; text, bytes or words follow as its tail. `exit` marks where EXIT goes on. */
export type Line = readonly [name: string, ...operands: (number | string | readonly number[])[]] | 'exit'

/** Names of short forms whose operands count from 1. */
const FROM_ONE = new Set(['SLDL', 'SLDO'])

/** Instructions written as text: `NAME operands ; NAME …`; text in quotes, words in brackets, `REAL x` for a constant. */
export function linesOf(text: string): Line[] {
  return text.split(';').map(each => {
    const [name = '', ...operands] = each.match(/'[^']*'|\[[^\]]*\]|\S+/g) ?? []
    if (name === 'REAL') return ['LDC', realWords(Number(operands[0]))]
    return [name, ...operands.map(operandOf)]
  })
}
function operandOf(text: string): number | string | readonly number[] {
  if (text.startsWith("'")) return text.slice(1, -1)
  return text.startsWith('[') ? text.slice(1, -1).split(/ +/).map(Number) : Number(text)
}
/** A real as a constant has it: the word for the top last. */
function realWords(value: number): number[] {
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, value)
  return [view.getUint16(0), view.getUint16(2)]
}

/** Code for instructions by their names, from the rows. */
export function assemble(
  lines: readonly Line[],
  bigEndian = false,
): { readonly bytes: number[]; readonly exit: number } {
  const bytes: number[] = []
  let exit = 0
  for (const line of lines) {
    if (line === 'exit') {
      exit = bytes.length
      continue
    }
    const [name, ...operands] = line
    const row = INSTRUCTIONS.find(each => each.name === name)
    if (row === undefined) throw new Error(`no instruction is called ${name}`)
    const numbers = operands.filter(operand => typeof operand === 'number')
    const rest = operands.find(operand => typeof operand !== 'number')
    if (row.opcodes > 1) {
      bytes.push(row.opcode + (numbers[0] as number) - (FROM_ONE.has(name) ? 1 : 0))
      continue
    }
    bytes.push(row.opcode, ...(row.operandType === undefined ? [] : [row.operandType]))
    const tail = typeof rest === 'string' ? Array.from(rest, letter => letter.charCodeAt(0)) : (rest ?? [])
    row.formats.forEach((format, i) => {
      const isCount = row.tail !== undefined && i === row.formats.length - 1
      bytes.push(...operandBytes(format, isCount ? tail.length : (numbers[i] as number)))
    })
    if (row.tail === 'words') {
      if (bytes.length % 2 === 1) bytes.push(0)
      for (const word of tail) bytes.push(...wordBytes(word, bigEndian))
    } else bytes.push(...tail)
  }
  return { bytes, exit }
}

function operandBytes(format: Format, value: number): number[] {
  if (format === 'W') return [value & 0xff, (value >> 8) & 0xff]
  return format === 'B' && value > 127 ? [0x80 | (value >> 8), value & 0xff] : [value & 0xff]
}
/** A word in the order of a byte sex. */
export function wordBytes(word: number, bigEndian: boolean): number[] {
  const bytes = [word & 0xff, (word >> 8) & 0xff]
  return bigEndian ? bytes.reverse() : bytes
}

/** A procedure to be built. */
export interface ProcedureSource {
  readonly level?: number
  readonly parameterWords?: number
  readonly dataWords?: number
  readonly code: readonly Line[]
  readonly isNative?: boolean
  /** Where jumps backwards lead: offsets in the code; the first is that of displacement −10, then −12 and so on. */
  readonly jumps?: readonly number[]
}

/** The code of a segment: its procedures and their dictionary. */
export function segmentBytes(number: number, procedures: readonly ProcedureSource[], bigEndian = false): Uint8Array {
  const bytes: number[] = []
  const word = (value: number): void => void bytes.push(...wordBytes(value, bigEndian))
  const tables = procedures.map(
    ({ level = 0, parameterWords = 0, dataWords = 0, code, isNative = false, jumps = [] }, i) => {
      const enter = bytes.length
      const assembled = assemble(code, bigEndian)
      bytes.push(...assembled.bytes)
      if (bytes.length % 2 === 1) bytes.push(0)
      for (const target of jumps.toReversed()) word(bytes.length - (enter + target))
      word(2 * dataWords)
      word(2 * parameterWords)
      word(bytes.length - (enter + assembled.exit))
      word(bytes.length - enter)
      const table = bytes.length
      word((isNative ? 0 : i + 1) | ((level & 0xff) << 8))
      return table
    },
  )
  for (const table of tables.reverse()) word(bytes.length - table)
  word(number | (procedures.length << 8))
  return Uint8Array.from(bytes)
}

/** A segment to be built into a codefile. */
export interface SegmentSource {
  readonly number: number
  readonly name: string
  readonly code: Uint8Array
}

/** A codefile of II.0: a segment's number is its slot. */
export function codefileBytes(segments: readonly SegmentSource[], bigEndian = false): Uint8Array {
  const blocks = segments.map(({ code }) => Math.ceil(code.length / 512))
  const bytes = new Uint8Array(512 * (1 + blocks.reduce((sum, each) => sum + each, 0)))
  const view = new DataView(bytes.buffer)
  bytes.fill(32, 64, 192)
  let block = 1
  segments.forEach(({ number, name, code }, i) => {
    view.setUint16(4 * number, block, !bigEndian)
    view.setUint16(4 * number + 2, code.length, !bigEndian)
    bytes.set(
      Array.from(name, letter => letter.charCodeAt(0)),
      64 + 8 * number,
    )
    bytes.set(code, block * 512)
    block += blocks[i] as number
  })
  return bytes
}
