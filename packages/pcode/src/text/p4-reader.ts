import { CELL_BYTES, P4_GEOMETRY } from './geometry.ts'
import { LineReader } from './line-reader.ts'
import type { TextInstruction, TextProgram } from './p5-reader.ts'
import { checkTextSize, noEnd, readCharacter, readElements } from './text-operands.ts'

/** Every string of P4's text is this long. */
const STRING_LENGTH = 200
/** Instructions whose last number counts cells, or is the address of one. */
const COUNTS_CELLS = /^(lod.|str.|ldo.|sro.|ind.|lda|lao|ixa|inca|deca|mov|(equ|neq|geq|grt|leq|les)m)$/
/** A load of the buffer variable of `input` or `prd`, by its cell, and a store into that of `output` or `prr`. */
const READ_BUFFERS: ReadonlySet<number> = new Set([5, 7])
const WRITTEN_BUFFERS: ReadonlySet<number> = new Set([6, 8])

/** Cells of a mark and of the four files after it. */
const MARK_AND_FILES = 9

/** Reads textual p-code as Pascal-P4's compiler writes it, in the terms of P5: bytes for cells, P5's names. */
export function readP4(text: string): TextProgram {
  checkTextSize(text)
  const code: TextInstruction[] = []
  const places = new Map<number, number>()
  const values = new Map<number, number>()
  let [main, segments, globals] = [-1, 0, -1]
  const lines = text.split(/\r?\n/)
  lines.forEach((content, i) => {
    if (segments >= 2 || content === '') return
    const line = new LineReader(content, i + 1)
    const kind = line.take()
    switch (kind) {
      case 'i':
        return
      case 'l': {
        const label = line.integer()
        line.skipSpaces()
        const isValue = line.accept('=')
        if (places.has(label) || values.has(label)) line.fail(`label ${label} only once`)
        // Labels that are numbers are the sizes of frames.
        if (isValue) values.set(label, line.integer() * CELL_BYTES)
        else places.set(label, code.length)
        return
      }
      case 'q':
        segments++
        return
      case ' ': {
        if (line.atEnd) return
        const read = readInstruction(line)
        if (segments === 1 && read.some(instruction => instruction.name === 'cup')) main = read[0]?.label ?? -1
        else if (segments === 0) code.push(...read)
        return
      }
      default:
        line.fail('an instruction, a label or the end')
    }
  })
  if (segments < 2 || main < 0) noEnd(lines.length)
  const entry = code[places.get(main) ?? -1]
  globals = values.get(entry?.label ?? -1) ?? 0
  return {
    code,
    places,
    values,
    tables: new Map(),
    globalBytes: Math.max(globals, MARK_AND_FILES * CELL_BYTES),
    main,
    overflow: true,
    geometry: P4_GEOMETRY,
  }
}
function readInstruction(line: LineReader): TextInstruction[] {
  const name = line.name()
  const make = (more: Partial<TextInstruction>): TextInstruction => ({
    name,
    textLine: line.number,
    line: 0,
    numbers: [],
    label: -1,
    real: 0,
    string: '',
    set: [],
    ...more,
  })
  switch (name) {
    case 'ldc':
      return [make({ name: 'ldcs', set: readElements(line) })]
    case 'ldcr':
      return [make({ real: line.real() })]
    case 'ldcc':
      return [make({ numbers: [readCharacter(line)] })]
    case 'lca':
      if (!line.accept("'")) line.fail('a string')
      return [make({ numbers: [STRING_LENGTH], string: line.take(STRING_LENGTH) })]
    case 'csp':
      return [make({ string: `p4${line.name()}` })]
    case 'eof':
      return [make({ name: 'csp', string: 'eof' })]
    case 'ent': {
      const which = line.integer()
      return [make({ name: which === 1 ? 'ents' : 'ente', label: line.label() })]
    }
    default:
  }
  const numbers: number[] = []
  let label = -1
  while (!line.atEnd) {
    if (line.ahead === 'l') label = line.label()
    else numbers.push(line.integer())
  }
  if (!COUNTS_CELLS.test(name)) return [make({ numbers, label })]
  const cell = numbers.pop() ?? line.fail('an operand')
  const scaled = cell * CELL_BYTES
  if (Math.abs(scaled) > 0x7fff_ffff) line.fail('a smaller number of cells')
  if (name.startsWith('ldo') && READ_BUFFERS.has(cell)) {
    // What lies ahead in a text is looked for when it is asked for, not before.
    const address = make({ name: 'lao', numbers: [scaled] })
    return [address, make({ name: 'csp', string: 'fbv' }), make({ name: 'indc', numbers: [1] })]
  }
  if (name.startsWith('sro') && WRITTEN_BUFFERS.has(cell)) {
    const address = make({ name: 'lao', numbers: [scaled] })
    const ready = [address, make({ name: 'csp', string: 'fbv' }), make({ name: 'dmp', numbers: [4] })]
    return [make({ name: 'sroc', numbers: [scaled + 1] }), ...ready]
  }
  return [make({ numbers: [...numbers, scaled], label })]
}
