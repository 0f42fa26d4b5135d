import { DoppelError } from '@doppel/base'
import { type Geometry, P5_GEOMETRY } from './geometry.ts'
import { LineReader } from './line-reader.ts'
import { checkTextSize, noEnd, readCharacter, readElements } from './text-operands.ts'

/** An instruction of P5's text as it stands there. */
export interface TextInstruction {
  readonly name: string
  /** Line of the p-code text, for errors. */
  readonly textLine: number
  /** Line of the source, by the last `:` line. */
  readonly line: number
  readonly numbers: readonly number[]
  /** Label operand; -1 when there is none. */
  readonly label: number
  readonly real: number
  readonly string: string
  readonly set: readonly number[]
}

/** P5's text, read: one row of instructions; labels with what they stand for. */
export interface TextProgram {
  readonly code: readonly TextInstruction[]
  /** Labels of places in the code. */
  readonly places: ReadonlyMap<number, number>
  /** Labels that are numbers. */
  readonly values: ReadonlyMap<number, number>
  /** Tables of variants: how many values, the least, a variant for each. */
  readonly tables: ReadonlyMap<number, readonly number[]>
  readonly globalBytes: number
  /** The label of the main program's code. */
  readonly main: number
  readonly overflow: boolean
  readonly geometry: Geometry
}

/** How the operands of instructions are written, where that is not the numbers and labels themselves. */
const WRITTEN: Readonly<Record<string, (line: LineReader) => Partial<TextInstruction>>> = {
  ldcr: line => ({ real: line.real() }),
  ldcc: line => ({ numbers: [readCharacter(line)] }),
  ldcs: line => ({ set: readElements(line) }),
  lca: line => ({ numbers: [line.integer()], string: line.string() }),
  csp: line => ({ string: line.name() }),
}

/** Reads textual p-code as Pascal-P5's compiler writes it (The P5 Compiler, "Intermediate code"). */
export function readP5(text: string): TextProgram {
  checkTextSize(text)
  const code: TextInstruction[] = []
  const places = new Map<number, number>()
  const values = new Map<number, number>()
  const tables = new Map<number, readonly number[]>()
  let [globalBytes, main, sourceLine, segments] = [-1, -1, 0, 0]
  let overflow = true
  const define = (line: LineReader, label: number, map: Map<number, number>, value: number): void => {
    if (places.has(label) || values.has(label) || tables.has(label)) line.fail(`label ${label} only once`)
    map.set(label, value)
  }
  const lines = text.split(/\r?\n/)
  lines.forEach((content, i) => {
    if (segments >= 2 || content === '') return
    const line = new LineReader(content, i + 1)
    const kind = content[0] as string
    if (kind !== ' ') line.accept(kind)
    switch (kind) {
      case '!':
        return
      case ':':
        sourceLine = line.integer()
        return
      case 'l': {
        const label = line.integer()
        line.skipSpaces()
        if (line.accept('=')) define(line, label, values, line.integer())
        else define(line, label, places, code.length)
        return
      }
      case 'q':
        segments++
        return
      case 'g':
        globalBytes = line.integer()
        return
      case 'f':
        refuseFaulty(line.integer())
        return
      case 'v': {
        const label = line.label()
        const count = line.integer()
        const table = [count]
        while (!line.atEnd) table.push(line.integer())
        if (table.length !== count + 2) line.fail(`a least value and ${count} variants`)
        tables.set(label, table)
        return
      }
      case 'o':
        if (content.includes('o-', 1)) overflow = false
        return
      case ' ': {
        if (line.atEnd) return
        const instruction = readInstruction(line, sourceLine)
        if (segments === 1 && instruction.name === 'cup') main = instruction.label
        else if (segments === 0) code.push(instruction)
        return
      }
      default:
        line.fail('an instruction, a label or a directive')
    }
  })
  if (segments < 2 || main < 0 || globalBytes < 0) {
    noEnd(lines.length)
  }
  return { code, places, values, tables, globalBytes, main, overflow, geometry: P5_GEOMETRY }
}

function refuseFaulty(errors: number): void {
  if (errors === 0) return
  throw new DoppelError('pcode.faulty', `the compiler found ${errors} errors in the program that made this p-code`, {
    errors,
  })
}

function readInstruction(line: LineReader, sourceLine: number): TextInstruction {
  const name = line.name()
  const plain = { name, textLine: line.number, line: sourceLine, numbers: [], label: -1, real: 0, string: '', set: [] }
  const written = WRITTEN[name]
  if (written) return { ...plain, ...written(line) }
  const numbers: number[] = []
  let label = -1
  while (!line.atEnd) {
    if (line.ahead === 'l') label = line.label()
    else numbers.push(line.integer())
  }
  return { ...plain, numbers, label }
}
