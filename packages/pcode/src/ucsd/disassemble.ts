import type { Codefile, CodeSegment } from './codefile.ts'
import { CASE_HEAD_BYTES, type CodeView, decode, type Decoded, jumpTarget } from './decode.ts'
import { readProcedures, type SegmentProcedure } from './procedures.ts'
import { BY_NUMBER } from './standard/standard-procedures.ts'

/** A codefile as text: its segments, their procedures, and the p-code of each. */
export function disassembleCodefile(file: Codefile): string {
  const head = [
    `; UCSD p-System codefile, ${file.bigEndian ? 'big' : 'little'}-endian`,
    ...(file.comment === '' ? [] : [`; ${file.comment}`]),
  ]
  const segments = file.segments.map(segment => segmentText(file, segment))
  return `${[...head, ...segments.flat()].join('\n')}\n`
}

function segmentText(file: Codefile, segment: CodeSegment): string[] {
  const { name, kind, number, slot, codeBlock, lengthBytes, textBlock } = segment
  const interfaceText = textBlock === 0 ? '' : `, interface in block ${textBlock}`
  const where = codeBlock === 0 ? 'no code here' : `block ${codeBlock}`
  const head = [
    '',
    `segment ${name}  ; ${number}, ${kind}, slot ${slot}, ${where}, ${lengthBytes} bytes${interfaceText}`,
  ]
  const code = file.code(segment)
  if (code.length < 2) return head
  const view: CodeView = { bytes: code, bigEndian: file.bigEndian }
  const { procedures } = readProcedures(code, file.bigEndian)
  return [
    ...head,
    ...procedures.flatMap((procedure, i) =>
      procedure === undefined
        ? ['', `procedure ${i + 1}  ; its attribute table is not in the segment`]
        : procedureText(view, procedure),
    ),
  ]
}

function procedureText(view: CodeView, procedure: SegmentProcedure): string[] {
  const { number, level, parameterBytes, dataBytes, enter, exit, table, isNative } = procedure
  if (isNative) return ['', `procedure ${number}  ; native code, ${table - enter} bytes`]
  const lines = [
    '',
    `procedure ${number}  ; level ${level}, parameters ${parameterBytes >> 1}, variables ${dataBytes >> 1} words`,
  ]
  let caseTable: { readonly at: number; readonly next: number } | undefined
  for (let at = enter; at < table; ) {
    const decoded = decode(view, at)
    if (decoded === undefined) {
      // What cannot be decoded is the jump table, behind the last instruction, or damage.
      if (at <= exit) lines.push(`${place(at - enter)}  ? ${view.bytes[at]}`)
      return lines
    }
    lines.push(`${place(at - enter)}${at === exit ? '=' : ' '} ${instructionText(view, procedure, decoded)}`)
    if (decoded.row.tail === 'cases') {
      const cases = Math.max(0, (decoded.tail[1] as number) - (decoded.tail[0] as number) + 1)
      caseTable = { at: decoded.next + 2, next: decoded.next - 4 + CASE_HEAD_BYTES + 2 * cases }
    }
    at = decoded.next
    if (caseTable?.at === at) at = caseTable.next
    if (LAST.has(decoded.row.name) && at > exit) return lines
  }
  return lines
}
/** Instructions that a procedure ends with. */
const LAST: ReadonlySet<string> = new Set(['RNP', 'RBP', 'XIT'])

function place(offset: number): string {
  return offset.toString().padStart(6)
}

function instructionText(view: CodeView, { enter, table }: SegmentProcedure, decoded: Decoded): string {
  const { row, operands, tail, next } = decoded
  const name = row.name.padEnd(8)
  if (row.formats[0] === 'SB') {
    return `${name}${jumpTarget(view, table, next, operands[0] as number) - enter}`.trimEnd()
  }
  if (row.name === 'CSP') return `${name}${BY_NUMBER.get(operands[0] as number)?.name ?? operands[0]}`
  if (row.tail === 'characters') return `${name}'${String.fromCharCode(...tail).replaceAll(/[^ -~]/g, '.')}'`
  if (row.tail === 'cases') {
    const [low = 0, high = 0, ...targets] = tail
    return `${name}${low}..${high}: ${targets.map(target => target - enter).join(' ')}`.trimEnd()
  }
  // Short forms of variables count from 1.
  const shown = row.opcodes > 1 && row.opcodes === 16 ? [(operands[0] as number) + 1] : operands
  return `${name}${[...shown, ...(tail.length > 0 ? [`[${tail.join(' ')}]`] : [])].join(' ')}`.trimEnd()
}
