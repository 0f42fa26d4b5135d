import { FORM } from './dwarf-constants.ts'
import { DwarfReader } from './dwarf-reader.ts'

/** How entries of a kind are laid out. */
export interface Abbreviation {
  readonly tag: number
  readonly hasChildren: boolean
  /** Attribute and form in turn. */
  readonly fields: readonly number[]
  /** The values that stand here in place of the entry, by attribute. */
  readonly implicit: ReadonlyMap<number, bigint> | undefined
}

/** A unit of C has some hundred. */
const MAX_ABBREVIATIONS = 100_000

/** Reads the declarations from an offset on (DWARF 5 §7.5.3). Throws `dwarf.truncated`, `dwarf.limit`. */
export function readAbbreviations(section: Uint8Array, offset: number, name: string): Map<number, Abbreviation> {
  const reader = new DwarfReader(section, `${name}, .debug_abbrev`)
  reader.skip(offset)
  const found = new Map<number, Abbreviation>()
  for (let code = reader.length(); code !== 0; code = reader.length()) {
    if (found.size === MAX_ABBREVIATIONS) throw reader.fault('limit', `more than ${MAX_ABBREVIATIONS} abbreviations`)
    const tag = reader.length()
    const hasChildren = reader.u8() !== 0
    const fields: number[] = []
    let implicit: Map<number, bigint> | undefined
    for (;;) {
      const [attribute, form] = [reader.length(), reader.length()]
      if (form === FORM.implicitConst) (implicit ??= new Map()).set(attribute, reader.sleb())
      if (attribute === 0 && form === 0) break
      fields.push(attribute, form)
    }
    found.set(code, { tag, hasChildren, fields, implicit })
  }
  return found
}
