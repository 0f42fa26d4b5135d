import { CodeBuilder, type Label } from '../program/code-builder.ts'
import { type JumpTable, type Program, type Routine, type Signature } from '../program/program.ts'
import { type InstructionName, Row } from '../rows/p5.ts'
import { Csp, type StandardName } from '../rows/standard.ts'
import { ConstantBytes } from './constant-bytes.ts'
import { CELL_BYTES } from './geometry.ts'
import { readP4 } from './p4-reader.ts'
import { readP5, type TextInstruction, type TextProgram } from './p5-reader.ts'
import { enclosingText, refuseText, structureOf, type TextRoutine, type TextStructure } from './p5-structure.ts'

const SET_BYTES = 32
const SPACE = 32
const MAX_STRING = 1 << 20
/** At least the four files are among the globals. */
const HEADER_BYTES = 8

/** Loads textual p-code of Pascal-P4. Throws a DoppelError `pcode.…` that names the line at fault. */
export function loadP4(text: string): Program {
  const source = readP4(text)
  return new Loader(source, structureOf(source)).program()
}

/** Loads textual p-code of Pascal-P5 (32-bit parameters). Throws a DoppelError `pcode.…` that names the line at fault. */
export function loadP5(text: string): Program {
  const source = readP5(text)
  return new Loader(source, structureOf(source)).program()
}

/** What instructions on frames are called for globals. */
const GLOBAL_NAMES: Readonly<Record<string, string>> = { lod: 'ldo', str: 'sro', lda: 'lao' }

class Loader {
  readonly #text: TextProgram
  readonly #structure: TextStructure
  readonly #constants = new ConstantBytes()
  readonly #reals: number[] = []
  readonly #sets: Uint8Array[] = []
  readonly #tables: JumpTable[] = []
  readonly #signatures: Signature[] = []
  readonly #tableAddresses = new Map<number, number>()
  /** For each routine, the index that each of its instructions in the text got. */
  readonly #placed: Int32Array[] = []
  /** Gotos out of routines, to be resolved when all are written. */
  readonly #gotos: { builder: CodeBuilder; at: number; routine: number; target: number }[] = []

  constructor(text: TextProgram, structure: TextStructure) {
    this.#text = text
    this.#structure = structure
    for (const [label, table] of text.tables) {
      this.#tableAddresses.set(label, this.#constants.length)
      for (const value of table) this.#constants.appendWord(value)
    }
  }

  program(): Program {
    const { routines } = this.#structure
    const built = routines.map((_, index) => this.#write(index))
    for (const { builder, at, routine, target } of this.#gotos) {
      const first = (routines[routine] as TextRoutine).first
      builder.patch(at, 'q', (this.#placed[routine] as Int32Array)[target - first] as number)
    }
    return {
      name: '',
      sources: [],
      routines: built.map(({ builder, routine }) => ({ ...routine, code: builder.finish() })),
      globalBytes: Math.max(this.#text.globalBytes, HEADER_BYTES),
      globals: [],
      constants: this.#constants.take(),
      reals: this.#reals,
      sets: this.#sets,
      tables: this.#tables,
      signatures: this.#signatures,
      files: this.#text.geometry.files,
      fileIdBytes: this.#text.geometry.fileIdBytes,
      undefined: false,
      overflow: this.#text.overflow,
      realStyle: { exponentLetter: 'e', exponentDigits: 2 },
    }
  }

  #write(index: number): { builder: CodeBuilder; routine: Omit<Routine, 'code'> } {
    const text = this.#structure.routines[index] as TextRoutine
    const builder = new CodeBuilder()
    const labels = new Map<number, Label>()
    const code = this.#text.code.slice(text.first, text.end)
    const targets = new Set(code.map(i => this.#text.places.get(i.label)).filter(place => place !== undefined))
    const placed = new Int32Array(code.length)
    const labelAt = (place: number): Label => {
      const known = labels.get(place) ?? builder.label()
      labels.set(place, known)
      return known
    }
    code.forEach((instruction, i) => {
      const place = text.first + i
      // What a table of jumps is made of is reached too.
      if (targets.has(place) || instruction.name === 'ujp' || instruction.name === 'ujc') builder.place(labelAt(place))
      placed[i] = builder.length
      builder.line(instruction.line)
      this.#instruction(builder, index, place, instruction, target => {
        if (target < text.first || target >= text.end) refuseText(instruction, 'the target is in another routine')
        return labelAt(target)
      })
    })
    this.#placed.push(placed)
    const params = text.params ?? []
    return {
      builder,
      routine: {
        name: index === 0 ? 'main program' : `routine at label ${text.label}`,
        parent: Math.max(text.parent, index === 0 ? -1 : 0),
        params,
        result: text.result,
        paramOffsets: this.#text.geometry.paramOffsets(text.ents, params),
        frameBytes: this.#isGlobal(index) ? 0 : (this.#text.geometry.frameBytes(text.ents) ?? 0),
        variables: [],
      },
    }
  }
  #owner(index: number, levels: number): number {
    return enclosingText(this.#structure.routines, index, levels)
  }
  #isGlobal(routine: number): boolean {
    return routine === 0 && this.#text.geometry.mainIsGlobal
  }
  /** Where in the frame of a routine an offset of the text is. */
  #offset(index: number, levels: number, q: number): number {
    const owner = this.#structure.routines[this.#owner(index, levels)]
    return owner ? this.#text.geometry.offset(owner.ents, q) : -1
  }
  #target(instruction: TextInstruction): number {
    return this.#text.places.get(instruction.label) ?? refuseText(instruction, `there is no label ${instruction.label}`)
  }

  #instruction(
    to: CodeBuilder,
    index: number,
    place: number,
    instruction: TextInstruction,
    label: (place: number) => Label,
  ): void {
    const { name } = instruction
    const [first = 0, second = 0] = instruction.numbers
    const text = this.#structure.routines[index] as TextRoutine
    if (/^(lod|str).$/.test(name) || name === 'lda') {
      const global = GLOBAL_NAMES[name.slice(0, 3)] as string
      const globalName = name === 'lda' ? global : global + (name[3] as string)
      if (this.#isGlobal(this.#owner(index, first))) to.emit(Row[globalName as InstructionName], 0, second)
      else to.emit(Row[name as InstructionName], first, this.#offset(index, first, second))
      return
    }
    if (/^ivt.$/.test(name)) {
      const [count = 0, low = 0] =
        this.#text.tables.get(instruction.label) ?? refuseText(instruction, 'there is no such table')
      to.emit(Row.chki, low, low + count - 1)
      return
    }
    if (/^cvb.$|^cta$/.test(name)) {
      const at = this.#tableAddresses.get(instruction.label) ?? refuseText(instruction, 'there is no such table')
      to.emit(Row[name as InstructionName], first, second, at)
      return
    }
    if (name.startsWith('ret')) {
      // The result lies in the frame, above the mark.
      if (text.result) to.emit(Row[`lod${text.returns}` as InstructionName], 0, this.#offset(index, 0, 0))
      to.emit(Row[name as InstructionName] ?? refuseText(instruction, 'there is no such instruction'))
      return
    }
    switch (name) {
      case 'ents':
      case 'ente':
      case 'mst':
        return
      case 'cup':
      case 'lpa':
        to.emit(Row[name], 0, this.#structure.byLabel.get(instruction.label))
        return
      case 'cip':
        // The address of a pair, code below link.
        to.emit(Row.dupa)
        to.emit(Row.inda, 0, 4)
        to.emit(Row.swp)
        to.emit(Row.inda, 0, 0)
        to.emit(Row.cip, 0, this.#signature(this.#structure.indirect.get(place) as Signature))
        return
      case 'lip':
        to.emit(Row.loda, first, this.#offset(index, first, second + 4))
        to.emit(Row.loda, first, this.#offset(index, first, second))
        return
      case 'ujp':
      case 'fjp':
      case 'tjp':
        to.jump(Row[name], label(this.#target(instruction)))
        return
      case 'xjp':
        this.#table(to, instruction, label)
        return
      case 'ipj': {
        const routine = enclosingText(this.#structure.routines, index, first)
        const target = this.#target(instruction)
        const owner = this.#structure.routines[routine]
        if (!owner || target < owner.first || target >= owner.end)
          refuseText(instruction, 'the label is in no enclosing routine')
        this.#gotos.push({ builder: to, at: to.emit(Row.ipj, first), routine, target })
        return
      }
      case 'ldcr':
        to.emit(Row.ldcr, 0, this.#reals.push(instruction.real) - 1)
        return
      case 'ldcs':
        to.emit(Row.ldcs, 0, this.#sets.push(setBytes(instruction.set)) - 1)
        return
      case 'lca':
        to.emit(Row.lca, 0, this.#string(instruction.string, first))
        return
      case 'chka':
      case 'ckla':
        to.emit(Row[name], 0, first)
        return
      case 'chki':
      case 'chkb':
      case 'chkc':
      case 'chkx':
      case 'chks':
      case 'pck':
      case 'upk':
        to.emit(Row[name], first, second)
        return
      case 'vbs':
        to.emit(Row.ldci, 0, first)
        to.emit(Row.csp, 0, Csp.vbs)
        return
      case 'wbs':
        to.emit(Row.dupa)
        to.emit(Row.csp, 0, Csp.wbs)
        return
      case 'vbe':
      case 'wbe':
        to.emit(Row.csp, 0, Csp[name])
        return
      case 'inv':
        // Undefined storage is not tracked byte by byte.
        to.emit(Row.dmp, 0, 4)
        return
      case 'csp':
        return this.#standard(to, place, instruction)
      default: {
        const row = Row[name as InstructionName]
        if (row === undefined) refuseText(instruction, 'there is no such instruction')
        to.emit(row, 0, first)
      }
    }
  }
  #signature(wanted: Signature): number {
    const known = this.#signatures.findIndex(
      s => s.result === wanted.result && s.params.join() === wanted.params.join(),
    )
    return known >= 0 ? known : this.#signatures.push(wanted) - 1
  }
  /** A jump into a row of jumps, one for each value from 0. */
  #table(to: CodeBuilder, instruction: TextInstruction, label: (place: number) => Label): void {
    const start = this.#target(instruction)
    let end = start
    while (['ujp', 'ujc'].includes(this.#text.code[end]?.name ?? '')) end++
    if (end === start) refuseText(instruction, 'its label is not that of a row of jumps')
    const places = Array.from({ length: end - start }, (_, i) => label(start + i))
    const table = { low: 0, targets: [] as number[], fallback: 0 }
    to.emit(Row.xjp, 0, this.#tables.push(table) - 1)
    const fallback = to.length
    to.emit(Row.ujc)
    table.fallback = fallback
    to.whenPlaced(() => table.targets.push(...places.map(place => to.index(place))))
  }
  #string(text: string, length: number): number {
    if (length < 0 || length > MAX_STRING) return this.#constants.length
    // In P4 each character has a cell.
    const step = this.#text.geometry.mainIsGlobal ? CELL_BYTES : 1
    const at = this.#constants.reserve(length * step)
    for (let i = 0; i < length; i++) {
      this.#constants.setByte(at + i * step, i < text.length ? text.charCodeAt(i) & 255 : SPACE)
    }
    return at
  }
  #standard(to: CodeBuilder, place: number, instruction: TextInstruction): void {
    if (instruction.string !== 'nwl' && instruction.string !== 'dsl') {
      // P5 looks whether a with statement or a var parameter still refers to what is disposed of.
      to.emit(Row.csp, 0, instruction.string === 'dsp' ? Csp.dsc : Csp[instruction.string as StandardName])
      return
    }
    // On the stack: address, tags, how many, size. The last two are constants, written right before.
    const [count, size] = [this.#text.code[place - 2], this.#text.code[place - 1]]
    const tags = count?.numbers[0] ?? 0
    if (count?.name !== 'ldci' || size?.name !== 'ldci' || tags < 0 || tags > 256)
      refuseText(instruction, 'no constant number of tags')
    to.emit(Row.dmp, 0, 8)
    for (let i = 0; i < tags; i++) to.emit(Row.csp, 0, Csp.tag)
    to.emit(Row.ldci, 0, size.numbers[0])
    to.emit(Row.csp, 0, instruction.string === 'nwl' ? Csp.nwt : Csp.dst)
  }
}

function setBytes(elements: readonly number[]): Uint8Array {
  const set = new Uint8Array(SET_BYTES)
  for (const e of elements) set[e >> 3] = (set[e >> 3] as number) | (1 << (e & 7))
  return set
}
