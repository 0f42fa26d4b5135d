import { countBefore } from './search.ts'
import { DwarfReader } from './dwarf-reader.ts'
import { readFileTable, type UnitFiles } from './dwarf-files.ts'

/** The sections that line tables are made of, as far as the file has them. */
export interface LineSections {
  readonly line: Uint8Array
  readonly lineStrings?: Uint8Array | undefined
  readonly strings?: Uint8Array | undefined
}

/** A line of a source file. */
export interface SourceLine {
  readonly file: string
  readonly line: number
}

/** The code from `start` to before `end` was made from a line. */
export interface LineRange extends SourceLine {
  readonly start: bigint
  readonly end: bigint
}

/** A debug kernel has some five million. */
const MAX_ROWS = 32_000_000
/** Standard opcodes, DWARF 5 §6.2.5.2. */
const LNS = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  negateStmt: 6,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const
/** Extended opcodes, DWARF 5 §6.2.5.3. */
const LNE = { endSequence: 1, setAddress: 2 } as const
const CONST_ADD_OPCODE = 255
const MIN_VERSION = 2
const MAX_VERSION = 5

/** Which line the code at an address was made from. */
export class LineTable {
  readonly #files: readonly string[]
  /** Where a row's code begins and ends, ascending; what file and line. */
  readonly #starts: BigUint64Array
  readonly #ends: BigUint64Array
  readonly #places: Uint32Array

  constructor(files: readonly string[], rows: RowList) {
    this.#files = files
    const count = rows.kept.reduce((sum, { from, to }) => sum + to - from, 0)
    this.#starts = new BigUint64Array(count)
    this.#ends = new BigUint64Array(count)
    this.#places = new Uint32Array(count * 2)
    let at = 0
    for (const { from, to } of rows.kept) {
      this.#starts.set(rows.starts.subarray(from, to), at)
      this.#ends.set(rows.ends.subarray(from, to), at)
      this.#places.set(rows.places.subarray(from * 2, to * 2), at * 2)
      at += to - from
    }
  }
  get size(): number {
    return this.#starts.length
  }
  /** The line of the code at an address; undefined where the file says nothing of it. */
  at(address: bigint): SourceLine | undefined {
    const last = countBefore(this.#starts, start => start <= address) - 1
    return last >= 0 && address < (this.#ends[last] as bigint) ? this.#place(last) : undefined
  }
  /** All code that has lines, by ascending address. */
  *ranges(): Generator<LineRange> {
    for (let i = 0; i < this.#starts.length; i++) {
      yield { start: this.#starts[i] as bigint, end: this.#ends[i] as bigint, ...this.#place(i) }
    }
  }
  #place(i: number): SourceLine {
    return { file: this.#files[this.#places[i * 2] as number] ?? '', line: this.#places[i * 2 + 1] as number }
  }
}

/** Takes rows as they are read; those of a sequence have ascending addresses (DWARF 5 §6.2.5). */
export interface RowSink {
  /** The code of the last row ends there. */
  close(end: bigint): void
  /** `isStatement` is true where a statement begins. */
  add(start: bigint, file: string, line: number, isStatement: boolean): void
  endSequence(): void
}

class RowList implements RowSink {
  starts: BigUint64Array = new BigUint64Array(1024)
  ends: BigUint64Array = new BigUint64Array(1024)
  /** File and line of each. */
  places: Uint32Array = new Uint32Array(2048)
  count = 0
  readonly files: string[] = []
  readonly #known = new Map<string, number>()
  readonly #sequences: { readonly from: number; readonly to: number }[] = []
  #from = 0

  add(start: bigint, path: string, line: number): void {
    let file = this.#known.get(path)
    if (file === undefined) this.#known.set(path, (file = this.files.push(path) - 1))
    if (this.count === this.starts.length) this.#grow()
    this.starts[this.count] = start
    this.ends[this.count] = start
    this.places[this.count * 2] = file
    this.places[this.count * 2 + 1] = line
    this.count++
  }
  #grow(): void {
    const [starts, ends, places] = [this.starts, this.ends, this.places]
    this.starts = new BigUint64Array(starts.length * 2)
    this.ends = new BigUint64Array(starts.length * 2)
    this.places = new Uint32Array(places.length * 2)
    this.starts.set(starts)
    this.ends.set(ends)
    this.places.set(places)
  }
  /** The code of the last row ends where the next one's begins; a row without code goes. */
  close(end: bigint): void {
    const last = this.count - 1
    if (last < this.#from) return
    this.ends[last] = end
    // Line 0 stands for code that no line was made into. Addresses that descend are a damaged file's.
    const isBad = this.places[last * 2 + 1] === 0 || end <= (this.starts[last] as bigint)
    if (isBad || (last > this.#from && (this.starts[last] as bigint) < (this.ends[last - 1] as bigint))) this.count--
  }
  endSequence(): void {
    if (this.count > this.#from) this.#sequences.push({ from: this.#from, to: this.count })
    this.#from = this.count
  }
  /** The sequences by ascending address. What overlaps is code that the linker has left out, which all is at one address. */
  get kept(): readonly { readonly from: number; readonly to: number }[] {
    const start = (i: number): bigint => this.starts[i] as bigint
    const sorted = this.#sequences.toSorted((a, b) => (start(a.from) < start(b.from) ? -1 : 1))
    let end = 0n
    return sorted.filter(({ from, to }) => {
      if (start(from) < end) return false
      end = this.ends[to - 1] as bigint
      return true
    })
  }
}

/**
 * Reads all line number programs (DWARF 2 to 5, §6.2), moved by `offset`. Throws `dwarf.truncated`, `dwarf.version`,
 * `dwarf.form` or `dwarf.limit`; never anything else, whatever the bytes.
 */
export function parseLineTable(sections: LineSections, name: string, offset = 0n): LineTable {
  const rows = new RowList()
  const reader = new DwarfReader(sections.line, `${name}, .debug_line`)
  while (!reader.isAtEnd) readLineProgram(reader, sections, name, rows, offset)
  return new LineTable(rows.files, rows)
}

/** Reads the line number program at the reader's place: its rows, moved by `moved`, or its files alone where nobody takes rows. Throws as `parseLineTable`. */
export function readLineProgram(
  section: DwarfReader,
  sections: LineSections,
  name: string,
  rows: RowSink | undefined,
  moved: bigint,
): UnitFiles {
  const first = section.u32()
  const is64 = first === 0xffff_ffff
  const lengthBytes = is64 ? section.offset(true) : first
  const from = section.at
  section.skip(lengthBytes)
  const unit = new DwarfReader(section.bytes.subarray(from, section.at), `${name}, .debug_line from byte ${from}`)
  const version = unit.u16()
  if (version < MIN_VERSION || version > MAX_VERSION) {
    throw unit.fault('version', `line table of version ${version}, expected ${MIN_VERSION} to ${MAX_VERSION}`)
  }
  if (version >= 5) unit.skip(2)
  const headerBytes = unit.offset(is64)
  const program = unit.at + headerBytes
  const minimum = BigInt(unit.u8())
  if (version >= 4) unit.skip(1)
  const isStatementFirst = unit.u8() !== 0
  const [lineBase, lineRange, opcodeBase] = [unit.i8(), unit.u8(), unit.u8()]
  if (lineRange === 0 || opcodeBase === 0) throw unit.fault('form', 'a line range or opcode base of 0')
  const lengths = Array.from({ length: opcodeBase - 1 }, () => unit.u8())
  const table = readFileTable(unit, version, is64, sections, name)
  if (!rows) return table
  if (!(program <= unit.bytes.length)) throw unit.fault('truncated', 'its program lies outside')
  unit.at = program
  const begin = { address: 0n, file: 1, line: 1, isStatement: isStatementFirst }
  const state = { ...begin }
  let count = 0
  const here = (): bigint => BigInt.asUintN(64, state.address + moved)
  const emit = (): void => {
    rows.close(here())
    if (++count > MAX_ROWS) throw unit.fault('limit', `more than ${MAX_ROWS} rows`)
    rows.add(here(), table.path(state.file), Math.max(0, state.line), state.isStatement)
  }
  const advance = (operations: bigint): void => {
    state.address = BigInt.asUintN(64, state.address + operations * minimum)
  }
  const special = (opcode: number): bigint => BigInt(Math.floor((opcode - opcodeBase) / lineRange))
  while (!unit.isAtEnd) {
    const opcode = unit.u8()
    if (opcode >= opcodeBase) {
      advance(special(opcode))
      state.line += lineBase + ((opcode - opcodeBase) % lineRange)
      emit()
    } else if (opcode === 0) {
      const length = unit.length()
      const end = unit.at + length
      unit.skip(length)
      if (length === 0) continue
      unit.at = end - length
      const what = unit.u8()
      if (what === LNE.endSequence) {
        rows.close(here())
        rows.endSequence()
        Object.assign(state, begin)
      } else if (what === LNE.setAddress && length === 9) state.address = unit.u64()
      unit.at = end
    } else if (opcode === LNS.copy) emit()
    else if (opcode === LNS.advancePc) advance(unit.uleb())
    else if (opcode === LNS.advanceLine) state.line = Number(BigInt.asIntN(32, BigInt(state.line) + unit.sleb()))
    else if (opcode === LNS.setFile) state.file = unit.length()
    else if (opcode === LNS.negateStmt) state.isStatement = !state.isStatement
    else if (opcode === LNS.constAddPc) advance(special(CONST_ADD_OPCODE))
    else if (opcode === LNS.fixedAdvancePc) state.address = BigInt.asUintN(64, state.address + BigInt(unit.u16()))
    else for (let i = lengths[opcode - 1] ?? 0; i > 0; i--) unit.uleb()
  }
  return table
}
