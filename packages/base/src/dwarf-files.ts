import type { LineSections } from './dwarf-lines.ts'
import { FORM } from './dwarf-constants.ts'
import { DwarfReader } from './dwarf-reader.ts'

/** Content types of entries, DWARF 5 §6.2.4.1. */
const LNCT = { path: 1, directoryIndex: 2 } as const
const MAX_TEXT_BYTES = 4096
/** A whole kernel's largest unit has some thousands. */
const MAX_ENTRIES = 1_000_000

/** A unit's files, as whole paths where the unit says where they are. */
export interface UnitFiles {
  readonly files: readonly string[]
  /** By number; '' where there is none. */
  path(file: number): string
}

/** Reads the files of a unit's line number program. Throws `dwarf.*`. */
export function readFileTable(
  unit: DwarfReader,
  version: number,
  is64: boolean,
  sections: LineSections,
  name: string,
): UnitFiles {
  if (version < 5) return readOldTable(unit)
  const folders = readEntries(unit, is64, sections, name).map(entry => entry.path)
  const root = folders[0] ?? ''
  const files = readEntries(unit, is64, sections, name).map(({ path, folder }) =>
    joined(joined(root, folders[folder] ?? ''), path),
  )
  return { files, path: file => files[file] ?? '' }
}

/** Folder 0 is where the compiler ran, which only another section says (DWARF 4 §6.2.4). */
function readOldTable(unit: DwarfReader): UnitFiles {
  const folders = ['']
  for (let text = unit.text(MAX_TEXT_BYTES); text !== ''; text = unit.text(MAX_TEXT_BYTES)) folders.push(text)
  const files: string[] = []
  for (let text = unit.text(MAX_TEXT_BYTES); text !== ''; text = unit.text(MAX_TEXT_BYTES)) {
    const folder = unit.length()
    unit.uleb()
    unit.uleb()
    files.push(joined(folders[folder] ?? '', text))
  }
  return { files, path: file => files[file - 1] ?? '' }
}

function joined(folder: string, path: string): string {
  return path.startsWith('/') || folder === '' ? path : path === '' ? folder : `${folder}/${path}`
}

interface Entry {
  readonly path: string
  readonly folder: number
}

/** A table whose format precedes it (DWARF 5 §6.2.4). */
function readEntries(unit: DwarfReader, is64: boolean, sections: LineSections, name: string): Entry[] {
  const format = Array.from({ length: unit.u8() }, () => ({ content: unit.length(), form: unit.length() }))
  const count = unit.length()
  // An entry without any field has no bytes: there could be as many as the file likes.
  if (count > MAX_ENTRIES || (format.length === 0 && count > 0)) throw unit.fault('limit', `${count} file entries`)
  const entries: Entry[] = []
  for (let i = 0; i < count; i++) {
    let [path, folder] = ['', 0]
    for (const { content, form } of format) {
      const value = readForm(unit, form, is64, sections, name)
      if (content === LNCT.path && typeof value === 'string') path = value
      if (content === LNCT.directoryIndex && typeof value === 'number') folder = value
    }
    entries.push({ path, folder })
  }
  return entries
}

function readForm(
  unit: DwarfReader,
  form: number,
  is64: boolean,
  sections: LineSections,
  name: string,
): string | number | undefined {
  const textAt = (section: Uint8Array | undefined, what: string): string => {
    const strings = new DwarfReader(section ?? new Uint8Array(), `${name}, ${what}`)
    strings.skip(unit.offset(is64))
    return strings.text(MAX_TEXT_BYTES)
  }
  switch (form) {
    case FORM.string:
      return unit.text(MAX_TEXT_BYTES)
    case FORM.lineStrp:
      return textAt(sections.lineStrings, '.debug_line_str')
    case FORM.strp:
      return textAt(sections.strings, '.debug_str')
    case FORM.udata:
      return unit.length()
    case FORM.data1:
      return unit.u8()
    case FORM.data2:
      return unit.u16()
    case FORM.data4:
      return unit.u32()
    case FORM.data8:
      return unit.size(unit.u64())
    case FORM.data16:
      unit.skip(16)
      return undefined
    case FORM.block:
      unit.skip(unit.length())
      return undefined
    case FORM.block1:
      unit.skip(unit.u8())
      return undefined
    case FORM.block2:
      unit.skip(unit.u16())
      return undefined
    case FORM.block4:
      unit.skip(unit.u32())
      return undefined
    default:
      throw unit.fault('form', `a file entry of unknown form ${form}`)
  }
}
