import { type Abbreviation, readAbbreviations } from './dwarf-abbreviations.ts'
import { AT, FORM } from './dwarf-constants.ts'
import { type FormValue, readFormValue, type UnitFormat } from './dwarf-forms.ts'
import { DwarfReader } from './dwarf-reader.ts'

/** The sections of a file by name; each is read when it is first asked for. Undefined for one that is not there. */
export type DwarfSections = (section: string) => Uint8Array | undefined

/** How deep entries are in one another at most: a compiler's are some twenty deep. */
const MAX_DEPTH = 512
const MAX_TEXT_BYTES = 4096
/** Kinds of units, DWARF 5 §7.5.1: these have more in their headers. */
const UT = { type: 2, skeleton: 4, splitCompile: 5, splitType: 6 } as const
const MIN_VERSION = 2
const MAX_VERSION = 5

/** What all units of a file share. */
export interface DwarfFile {
  readonly name: string
  readonly section: DwarfSections
  /** By how much the code is elsewhere than the file says. */
  readonly moved: bigint
  readonly abbreviations: Map<number, Map<number, Abbreviation>>
  /** The entry at a place in .debug_info. */
  entry(at: number): DwarfEntry | undefined
}

/** A compilation unit: what one run of the compiler made (DWARF 5 §3.1). */
export class DwarfUnit implements UnitFormat {
  readonly file: DwarfFile
  readonly version: number
  readonly is64: boolean
  readonly offset: number
  readonly end: number
  readonly #info: Uint8Array
  readonly #abbreviationsAt: number
  readonly #firstEntry: number
  #root: DwarfEntry | undefined

  /** Reads the header of the unit that begins at an offset. Throws `dwarf.*`. */
  constructor(file: DwarfFile, info: Uint8Array, offset: number) {
    this.file = file
    this.#info = info
    this.offset = offset
    const reader = this.reader(offset)
    const first = reader.u32()
    this.is64 = first === 0xffff_ffff
    const lengthBytes = this.is64 ? reader.offset(true) : first
    const from = reader.at
    reader.skip(lengthBytes)
    this.end = reader.at
    reader.at = from
    this.version = reader.u16()
    if (this.version < MIN_VERSION || this.version > MAX_VERSION) {
      throw reader.fault('version', `a unit of version ${this.version}, expected ${MIN_VERSION} to ${MAX_VERSION}`)
    }
    const kind = this.version >= 5 ? reader.u8() : 0
    if (this.version >= 5) reader.skip(1)
    this.#abbreviationsAt = reader.offset(this.is64)
    if (this.version < 5) reader.skip(1)
    if (kind === UT.skeleton || kind === UT.splitCompile) reader.skip(8)
    if (kind === UT.type || kind === UT.splitType) reader.skip(this.is64 ? 16 : 12)
    this.#firstEntry = reader.at
  }
  reader(at: number): DwarfReader {
    const reader = new DwarfReader(this.#info, `${this.file.name}, .debug_info`)
    reader.skip(at)
    return reader
  }
  get abbreviations(): Map<number, Abbreviation> {
    const known = this.file.abbreviations.get(this.#abbreviationsAt)
    if (known) return known
    const section = this.file.section('.debug_abbrev') ?? new Uint8Array()
    const read = readAbbreviations(section, this.#abbreviationsAt, this.file.name)
    this.file.abbreviations.set(this.#abbreviationsAt, read)
    return read
  }
  /** The entry that stands for all of it. */
  get root(): DwarfEntry {
    if (this.#root) return this.#root
    const root = this.entryAt(this.#firstEntry)
    if (!root) throw this.reader(this.#firstEntry).fault('truncated', 'a unit without entries')
    return (this.#root = root)
  }
  /** The entry at a place within the unit; undefined for the end of a list of children. */
  entryAt(at: number): DwarfEntry | undefined {
    const reader = this.reader(at)
    const code = reader.length()
    if (code === 0) return undefined
    const abbreviation = this.abbreviations.get(code)
    if (!abbreviation) throw reader.fault('form', `an entry of unknown kind ${code}`)
    const values = new Map<number, FormValue>()
    const { fields, implicit } = abbreviation
    for (let i = 0; i < fields.length; i += 2) {
      const [attribute, form] = [fields[i] as number, fields[i + 1] as number]
      const value: FormValue =
        form === FORM.implicitConst
          ? { kind: 'constant', value: implicit?.get(attribute) ?? 0n }
          : readFormValue(reader, form, this)
      values.set(attribute, value)
    }
    return new DwarfEntry(this, at, abbreviation, values, reader.at)
  }
  /** A number from a table of another section, by its index: entries are `widthBytes`. */
  indexed(section: string, base: number, index: number, widthBytes: 4 | 8): bigint {
    const bytes = this.file.section(section) ?? new Uint8Array()
    const reader = new DwarfReader(bytes, `${this.file.name}, ${section}`)
    reader.skip(base + index * widthBytes)
    return widthBytes === 8 ? reader.u64() : BigInt(reader.u32())
  }
  /** Where one of the unit's tables begins, by the attribute that says so (DWARF 5 §3.1.1). */
  base(attribute: number): number {
    const value = this.root.value(attribute)
    return value?.kind === 'offset' ? value.at : value?.kind === 'constant' ? Number(value.value) : 0
  }
  textAt(section: string, at: number): string {
    const reader = new DwarfReader(this.file.section(section) ?? new Uint8Array(), `${this.file.name}, ${section}`)
    reader.skip(at)
    return reader.text(MAX_TEXT_BYTES)
  }
}

/** A debugging information entry (DWARF 5 §2.1). */
export class DwarfEntry {
  readonly unit: DwarfUnit
  /** Its place in .debug_info. */
  readonly at: number
  readonly tag: number
  readonly #hasChildren: boolean
  readonly #values: ReadonlyMap<number, FormValue>
  readonly #end: number
  #children: readonly DwarfEntry[] | undefined

  constructor(
    unit: DwarfUnit,
    at: number,
    { tag, hasChildren }: Abbreviation,
    values: ReadonlyMap<number, FormValue>,
    end: number,
  ) {
    this.unit = unit
    this.at = at
    this.tag = tag
    this.#hasChildren = hasChildren
    this.#values = values
    this.#end = end
  }
  value(attribute: number): FormValue | undefined {
    return this.#values.get(attribute)
  }
  /** A text; undefined where there is none. */
  text(attribute: number): string | undefined {
    const value = this.value(attribute)
    const { unit } = this
    if (value?.kind === 'text') return value.text
    if (value?.kind === 'strings') return unit.textAt('.debug_str', value.at)
    if (value?.kind === 'lineStrings') return unit.textAt('.debug_line_str', value.at)
    if (value?.kind !== 'stringIndex') return undefined
    const width = unit.is64 ? 8 : 4
    const at = unit.indexed('.debug_str_offsets', unit.base(AT.strOffsetsBase), value.index, width)
    return unit.textAt('.debug_str', Number(at))
  }
  /** A constant, a flag or an address, as the guest has it. */
  number(attribute: number): bigint | undefined {
    const value = this.value(attribute)
    if (value?.kind === 'constant') return value.value
    return this.#address(value)
  }
  /** An address, as the guest has it; undefined where the attribute is something else. */
  address(attribute: number): bigint | undefined {
    return this.#address(this.value(attribute))
  }
  #address(value: FormValue | undefined): bigint | undefined {
    const { unit } = this
    if (value?.kind === 'address') return BigInt.asUintN(64, value.value + unit.file.moved)
    if (value?.kind !== 'addressIndex') return undefined
    const found = unit.indexed('.debug_addr', unit.base(AT.addrBase), value.index, 8)
    return BigInt.asUintN(64, found + unit.file.moved)
  }
  /** The entry that an attribute leads to. */
  reference(attribute: number): DwarfEntry | undefined {
    const value = this.value(attribute)
    return value?.kind === 'reference' ? this.unit.file.entry(value.at) : undefined
  }

  /** Read when first asked for. Throws `dwarf.*`. */
  get children(): readonly DwarfEntry[] {
    return (this.#children ??= this.#hasChildren ? this.#readChildren() : [])
  }
  #readChildren(): DwarfEntry[] {
    const found: DwarfEntry[] = []
    for (let at = this.#end; at < this.unit.end; ) {
      const child = this.unit.entryAt(at)
      if (!child) break
      found.push(child)
      at = child.behind()
    }
    return found
  }
  /** Where what follows it and all that is in it begins. */
  behind(): number {
    if (!this.#hasChildren) return this.#end
    const sibling = this.value(AT.sibling)
    if (sibling?.kind === 'reference' && sibling.at > this.at && sibling.at <= this.unit.end) return sibling.at
    let at = this.#end
    for (let depth = 1; depth > 0 && at < this.unit.end; ) {
      const entry: DwarfEntry | undefined = this.unit.entryAt(at)
      at = entry ? entry.#end : at + 1
      if (!entry) depth--
      else if (entry.#hasChildren && ++depth > MAX_DEPTH) {
        throw this.unit.reader(at).fault('limit', `entries more than ${MAX_DEPTH} deep`)
      }
    }
    return at
  }
}
