import { CODE_WORDS, Field, LINE_BITS, type Program, type Routine } from '../program/program.ts'
import { ROW_NAMES, ROWS } from '../rows/p5.ts'
import { STANDARD_NAMES } from '../rows/standard.ts'

/** The first line of a text that holds a whole program of this machine. */
export const PROGRAM_TEXT_MARK = '! doppel p-code 1'

/*
 * A directive a line, then instructions as the rows spell their operands; a jump's target is the number of an instruction
 * of its routine. Numbers of reals are written so that they are read again bit by bit.
 */

const HEX = 16

/** A program as text that `readProgramText` reads again: what a disassembler shows. */
export function writeProgramText(program: Program): string {
  const out = [PROGRAM_TEXT_MARK, `program ${nameOf(program)} ${program.globalBytes} ${program.fileIdBytes}`]
  out.push(`option undefined ${Number(program.undefined)} overflow ${Number(program.overflow)}`)
  if (program.realStyle) out.push(`style ${program.realStyle.exponentLetter} ${program.realStyle.exponentDigits}`)
  for (const source of program.sources) out.push(`source ${source}`)
  for (const f of program.files)
    out.push(`file ${f.name} ${f.offset} ${Number(f.text)} ${f.componentBytes} ${f.opened ?? '-'}`)
  for (let at = 0; at < program.constants.length; at += 32)
    out.push(`bytes ${hexOf(program.constants.subarray(at, at + 32))}`)
  program.reals.forEach((value, i) => out.push(`real ${i} ${Object.is(value, -0) ? '-0' : value}`))
  program.sets.forEach((set, i) => out.push(`set ${i} ${hexOf(set)}`))
  program.tables.forEach((t, i) => out.push(`table ${i} ${t.low} ${t.fallback} ${t.targets.join(' ')}`))
  program.signatures.forEach((s, i) => out.push(`signature ${i} ${s.params.join('') || '-'} ${s.result ?? '-'}`))
  for (const v of program.globals) out.push(`global ${nameOf(v)} ${v.offset} ${v.bytes}`)
  program.routines.forEach((routine, index) => writeRoutine(program, routine, index, out))
  return `${out.join('\n')}\n`
}

function writeRoutine(program: Program, routine: Routine, index: number, out: string[]): void {
  const params = routine.params.map((type, i) => `${type}@${routine.paramOffsets[i]}`).join(' ')
  out.push(
    `routine ${index} ${nameOf(routine)} ${routine.parent} ${routine.frameBytes} ${routine.result ?? '-'} ${params}`.trimEnd(),
  )
  for (const v of routine.variables) out.push(`local ${nameOf(v)} ${v.offset} ${v.bytes}`)
  let line = 0
  for (let word = 0, at = 0; word < routine.code.length; word += CODE_WORDS, at++) {
    const now = routine.code[word + Field.line] as number
    if (now !== line) {
      const file = now >>> LINE_BITS
      out.push(`:${now & ((1 << LINE_BITS) - 1)}${file === 0 ? '' : ` ${file}`}`)
      line = now
    }
    out.push(`${String(at).padStart(5)} ${instructionText(program, routine.code, word)}`)
  }
}

/** One instruction as its row spells it, with what its operand names after a `!`. */
export function instructionText(program: Program, code: Int32Array, word: number): string {
  const number = code[word + Field.row] as number
  const row = ROWS[number]
  const operands = (row?.operands ?? []).map(({ word: field, kind }) => {
    const value = code[word + Field[field]] as number
    return kind === 'standard' ? (STANDARD_NAMES[value] ?? String(value)) : String(value)
  })
  const text = [ROW_NAMES[number] ?? `?${number}`, ...operands].join(' ')
  const [only] = row?.operands ?? []
  const value = code[word + Field.q] as number
  if (only?.kind === 'routine') return `${text} ! ${program.routines[value]?.name ?? ''}`
  if (only?.kind === 'real') return `${text} ! ${program.reals[value]}`
  return text
}
function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(HEX).padStart(2, '0')).join('')
}
/** A name as one word. */
function nameOf({ name }: { readonly name: string }): string {
  return name === '' ? '-' : name.replaceAll(' ', '_')
}
