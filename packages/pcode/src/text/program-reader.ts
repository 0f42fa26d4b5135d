import { DoppelError } from '@doppel/base'
import { CODE_WORDS, LINE_BITS, type Program, type Routine, type ValueType, type Variable } from '../program/program.ts'
import type { TypeSymbol } from '../program/type-symbol.ts'
import { type InstructionName, Row, ROWS } from '../rows/p5.ts'
import { Csp, type StandardName } from '../rows/standard.ts'
import { PROGRAM_TEXT_MARK } from './program-writer.ts'

const HEX = 16
const UNKNOWN: TypeSymbol = { kind: 'unknown' }

type Mutable<T> = { -readonly [key in keyof T]: T[key] }
type MutableRoutine = Mutable<Routine> & { variables: Variable[] }

/** Reads what `writeProgramText` wrote, or a person did. Throws `pcode.syntax` with the line. Verifying comes after. */
export function readProgramText(text: string): Program {
  return new ProgramReader(text).program()
}

class ProgramReader {
  readonly #lines: string[]
  #number = 1
  readonly #bytes: number[] = []
  readonly #code: number[][] = []
  #line = 0
  readonly #made: Mutable<Program> & {
    routines: MutableRoutine[]
    sources: string[]
    files: Program['files'][number][]
    reals: number[]
    sets: Uint8Array[]
    tables: Program['tables'][number][]
    signatures: Program['signatures'][number][]
    globals: Variable[]
  } = {
    name: '',
    sources: [],
    routines: [],
    globalBytes: 0,
    globals: [],
    constants: new Uint8Array(0),
    reals: [],
    sets: [],
    tables: [],
    signatures: [],
    files: [],
    fileIdBytes: 4,
    undefined: false,
    overflow: true,
  }

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/)
    if (this.#lines[0] !== PROGRAM_TEXT_MARK) this.#fail(PROGRAM_TEXT_MARK)
  }

  program(): Program {
    for (const [i, content] of this.#lines.entries()) {
      this.#number = i + 1
      const words =
        content
          .split('!')[0]
          ?.split(' ')
          .filter(word => word !== '') ?? []
      if (words.length > 0) this.#read(words, content)
    }
    const made = this.#made
    made.constants = Uint8Array.from(this.#bytes)
    const routines = made.routines.map((routine, i) => ({
      ...routine,
      code: Int32Array.from(this.#code[i] as number[]),
    }))
    return { ...made, routines }
  }

  #read(words: readonly string[], content: string): void {
    const [kind = '', ...rest] = words
    const made = this.#made
    const integer = (i: number): number => this.#integer(rest[i])
    const name = (i: number): string => (rest[i] === '-' ? '' : (rest[i] ?? this.#fail('a name')))
    const variable = (): Variable => ({ name: name(0), offset: integer(1), bytes: integer(2), type: UNKNOWN })
    if (kind.startsWith(':')) {
      this.#line = this.#integer(kind.slice(1)) + (rest.length > 0 ? integer(0) << LINE_BITS : 0)
      return
    }
    if (/^\d/.test(kind)) return this.#instruction(this.#integer(kind), rest)
    switch (kind) {
      case 'program':
        made.name = name(0)
        made.globalBytes = integer(1)
        made.fileIdBytes = integer(2)
        return
      case 'option':
        made.undefined = rest[1] === '1'
        made.overflow = rest[3] === '1'
        return
      case 'style':
        made.realStyle = { exponentLetter: name(0), exponentDigits: integer(1) }
        return
      case 'source':
        made.sources.push(content.slice('source '.length))
        return
      case 'file': {
        const opened = rest[4] === 'reading' || rest[4] === 'writing' ? rest[4] : undefined
        const file = { name: name(0), offset: integer(1), text: rest[2] === '1', componentBytes: integer(3) }
        made.files.push(opened ? { ...file, opened } : file)
        return
      }
      case 'bytes':
        this.#bytes.push(...this.#hex(rest[0]))
        return
      case 'real':
        made.reals.push(this.#real(rest[1]))
        return
      case 'set':
        made.sets.push(Uint8Array.from(this.#hex(rest[1])))
        return
      case 'table':
        made.tables.push({
          low: integer(1),
          fallback: integer(2),
          targets: rest.slice(3).map(word => this.#integer(word)),
        })
        return
      case 'signature':
        made.signatures.push({ params: this.#types(rest[1]), result: this.#types(rest[2])[0] })
        return
      case 'global':
        made.globals.push(variable())
        return
      case 'routine': {
        const params = rest.slice(5).map(word => word.split('@'))
        this.#code.push([])
        made.routines.push({
          name: name(1),
          parent: integer(2),
          frameBytes: integer(3),
          result: this.#types(rest[4])[0],
          params: params.map(([type]) => this.#types(type)[0] ?? this.#fail('a type of parameter')),
          paramOffsets: params.map(([, offset]) => this.#integer(offset)),
          variables: [],
          code: new Int32Array(0),
        })
        this.#line = 0
        return
      }
      case 'local':
        this.#routine().variables.push(variable())
        return
      default:
        this.#fail('a directive or an instruction')
    }
  }
  #routine(): MutableRoutine {
    return this.#made.routines[this.#made.routines.length - 1] ?? this.#fail('a routine first')
  }
  #instruction(index: number, [name = '', ...rest]: readonly string[]): void {
    const code = this.#code[this.#code.length - 1] ?? this.#fail('a routine first')
    if (index * CODE_WORDS !== code.length) this.#fail(`instruction ${code.length / CODE_WORDS}`)
    const number = Row[name as InstructionName]
    const row = ROWS[number]
    if (!row) this.#fail('the name of an instruction')
    if (rest.length !== row.operands.length) this.#fail(`${row.operands.length} operands of ${name}`)
    const values = { p: 0, q: 0, r: 0 }
    row.operands.forEach(({ word, kind }, i) => {
      const standard = kind === 'standard' ? Csp[rest[i] as StandardName] : undefined
      values[word] = standard ?? this.#integer(rest[i])
    })
    code.push(number, values.p, values.q, values.r, this.#line)
  }
  #integer(word: string | undefined): number {
    const value = Number(word)
    if (word === undefined || !/^[+-]?\d+$/.test(word) || value > 0xffff_ffff || value < -0x8000_0000)
      this.#fail('an integer')
    return value
  }
  #real(word: string | undefined): number {
    const value = Number(word)
    if (word === undefined || word === '' || Number.isNaN(value)) this.#fail('a real')
    return value
  }
  #hex(word: string | undefined): number[] {
    if (word === undefined || !/^([0-9a-f]{2})+$/.test(word)) this.#fail('bytes in hexadecimal')
    return (word.match(/../g) ?? []).map(pair => Number.parseInt(pair, HEX))
  }
  #types(word: string | undefined): ValueType[] {
    if (word === undefined || !/^([irst]+|-)$/.test(word)) this.#fail('types i, r, s, t or -')
    return word === '-' ? [] : (word.split('') as ValueType[])
  }
  #fail(expected: string): never {
    throw new DoppelError(
      'pcode.syntax',
      `p-code, line ${this.#number}: expected ${expected}: ${(this.#lines[this.#number - 1] ?? '').slice(0, 80)}`,
      { line: this.#number },
    )
  }
}
