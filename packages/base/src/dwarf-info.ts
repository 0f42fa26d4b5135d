import { countBefore } from './search.ts'
import { AT, TAG } from './dwarf-constants.ts'
import { type CodeSpan, spansOf } from './dwarf-lists.ts'
import { DwarfReader } from './dwarf-reader.ts'
import { type DwarfEntry, type DwarfFile, type DwarfSections, DwarfUnit } from './dwarf-unit.ts'

/** A debug kernel has some five thousand. */
const MAX_UNITS = 1_000_000

interface UnitSpan extends CodeSpan {
  readonly unit: DwarfUnit
}

/**
 * What a compiler left for debuggers (DWARF 2 to 5). Units' headers are gone through when first asked for, their entries as far as
 * they are looked at.
 */
export class DwarfInfo implements DwarfFile {
  readonly name: string
  readonly section: DwarfSections
  readonly moved: bigint
  readonly abbreviations: DwarfFile['abbreviations'] = new Map()
  #units: readonly DwarfUnit[] | undefined
  #spans: readonly UnitSpan[] | undefined
  readonly #variables = new Map<string, DwarfEntry>()
  #searched = 0

  constructor(section: DwarfSections, name: string, moved = 0n) {
    this.section = section
    this.name = name
    this.moved = moved
  }
  /** All units, by their places. Throws `dwarf.*`. */
  get units(): readonly DwarfUnit[] {
    return (this.#units ??= this.#readUnits())
  }
  #readUnits(): DwarfUnit[] {
    const info = this.section('.debug_info') ?? new Uint8Array()
    const found: DwarfUnit[] = []
    for (let at = 0; at < info.length; at = (found.at(-1) as DwarfUnit).end) {
      if (found.length === MAX_UNITS) {
        throw new DwarfReader(info, `${this.name}, .debug_info`).fault('limit', `more than ${MAX_UNITS} units`)
      }
      found.push(new DwarfUnit(this, info, at))
    }
    return found
  }
  /** The unit of a place in .debug_info. */
  #unitOf(at: number): DwarfUnit | undefined {
    const { units } = this
    const count = countBefore(units, unit => unit.offset <= at)
    const found = units[count - 1]
    return found && at < found.end ? found : undefined
  }
  entry(at: number): DwarfEntry | undefined {
    return this.#unitOf(at)?.entryAt(at)
  }

  /** The unit that the code at an address is of. Throws `dwarf.*`. */
  unitAt(address: bigint): DwarfUnit | undefined {
    const spans = (this.#spans ??= this.#readSpans())
    const count = countBefore(spans, span => span.start <= address)
    const found = spans[count - 1]
    return found && address < found.end ? found.unit : undefined
  }
  /** By .debug_aranges, and by their own entries for units that it does not tell of. */
  #readSpans(): UnitSpan[] {
    const spans: UnitSpan[] = []
    const told = new Set<DwarfUnit>()
    const section = this.section('.debug_aranges')
    if (section) this.#readAranges(section, spans, told)
    for (const unit of this.units) {
      if (told.has(unit) || unit.root.tag !== TAG.compileUnit) continue
      for (const span of spansOf(unit.root)) spans.push({ ...span, unit })
    }
    return spans.sort((a, b) => (a.start < b.start ? -1 : 1))
  }
  /** DWARF 5 §6.1.2. */
  #readAranges(section: Uint8Array, spans: UnitSpan[], told: Set<DwarfUnit>): void {
    const reader = new DwarfReader(section, `${this.name}, .debug_aranges`)
    while (!reader.isAtEnd) {
      const begin = reader.at
      const first = reader.u32()
      const is64 = first === 0xffff_ffff
      const lengthBytes = is64 ? reader.offset(true) : first
      const from = reader.at
      reader.skip(lengthBytes)
      const end = reader.at
      reader.at = from
      reader.skip(2)
      const unit = this.#unitOf(reader.offset(is64))
      const [addressBytes, segmentBytes] = [reader.u8(), reader.u8()]
      // Pairs are aligned to their size, counted from the beginning of the set.
      reader.skip((16 - ((reader.at - begin) % 16)) % 16)
      while (unit && addressBytes === 8 && segmentBytes === 0 && reader.at + 16 <= end) {
        const [start, size] = [reader.u64(), reader.u64()]
        if (start === 0n && size === 0n) break
        told.add(unit)
        const at = BigInt.asUintN(64, start + this.moved)
        if (size > 0n) spans.push({ start: at, end: at + size, unit })
      }
      reader.at = end
    }
  }

  /**
   * A variable outside of all functions, by its name: of a unit first, else the first unit's that defines it. Units are gone through
   * once, as far as it takes: a kernel's take seconds.
   */
  variable(name: string, unit?: DwarfUnit): DwarfEntry | undefined {
    const own = unit?.root.children.filter(({ tag }) => tag === TAG.variable) ?? []
    const near = own.filter(entry => nameOf(entry) === name)
    // What is only declared here is defined elsewhere, or told of by the linker's symbols.
    const defined = near.find(isDefinition)
    if (defined) return defined
    while (!this.#variables.has(name) && this.#searched < this.units.length) {
      const root = (this.units[this.#searched++] as DwarfUnit).root
      for (const entry of root.children) {
        if (entry.tag !== TAG.variable || !isDefinition(entry)) continue
        const found = nameOf(entry)
        if (found !== undefined && !this.#variables.has(found)) this.#variables.set(found, entry)
      }
    }
    return this.#variables.get(name) ?? near[0]
  }
}

/** How far from an entry to the one that it is made from. */
const MAX_ORIGINS = 8

/** An attribute's entry: its own, or that of what it is made from (DWARF 5 §2.13, §3.3.8). */
export function entryWith(entry: DwarfEntry, attribute: number): DwarfEntry | undefined {
  let at: DwarfEntry | undefined = entry
  for (let i = 0; at && i < MAX_ORIGINS; i++) {
    if (at.value(attribute)) return at
    at = at.reference(AT.abstractOrigin) ?? at.reference(AT.specification)
  }
  return undefined
}
/** An entry's name, or that of what it is made from. */
export function nameOf(entry: DwarfEntry): string | undefined {
  return entryWith(entry, AT.name)?.text(AT.name)
}
/** The type of what an entry is; undefined for none (void). */
export function typeOf(entry: DwarfEntry): DwarfEntry | undefined {
  return entryWith(entry, AT.type)?.reference(AT.type)
}
function isDefinition(entry: DwarfEntry): boolean {
  return entry.value(AT.location) !== undefined || entry.value(AT.constValue) !== undefined
}
