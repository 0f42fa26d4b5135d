import type { Diagnostics } from './diagnostics.ts'
import type { Names } from './syntax/names.ts'
import type { Name, ProgramNode, UnitNode } from './syntax/tree.ts'

/** Where units come from that are not in the program’s text. */
export interface UnitFiles {
  readonly names: Names
  readonly diagnostics: Diagnostics
  /** Reads a file of units; undefined where there is none. */
  readonly read: (file: string) => readonly UnitNode[] | undefined
}

/** The units that a program needs, each after those that it uses itself. Reports those that are nowhere, or use themselves. */
export function unitsOf(program: ProgramNode, from: UnitFiles): readonly UnitNode[] {
  const { names, diagnostics, read } = from
  const known = new Map(program.units.map(unit => [unit.name.id, unit]))
  const done = new Set<number>()
  const under = new Set<number>()
  const order: UnitNode[] = []
  const files = new Map<string, readonly UnitNode[] | undefined>()
  const need = (name: Name & { readonly file?: string | undefined }): void => {
    if (name.id < 0 || done.has(name.id)) return
    if (under.has(name.id)) {
      diagnostics.report('unit-cycle', name, [`'${names.text(name.id)}'`])
      return
    }
    const unit = known.get(name.id) ?? readUnit(name, name.file)
    if (unit === undefined) return
    under.add(name.id)
    for (const used of unit.uses) need(used)
    under.delete(name.id)
    done.add(name.id)
    order.push(unit)
  }
  const readFile = (file: string): readonly UnitNode[] | undefined => {
    const units = files.get(file) ?? read(file)
    files.set(file, units)
    // Units of a file use one another.
    for (const unit of units ?? []) if (!known.has(unit.name.id)) known.set(unit.name.id, unit)
    return units
  }
  const readUnit = (name: Name, library: string | undefined): UnitNode | undefined => {
    const file = library === undefined ? `${names.text(name.id)}.pas` : sourceOf(library)
    const units = readFile(file)
    const unit = units?.find(other => other.name.id === name.id) ?? units?.[0]
    if (unit === undefined) {
      done.add(name.id)
      diagnostics.report('unit-missing', name, [`'${names.text(name.id)}'`, file])
    } else if (unit.name.id !== name.id && unit.name.id >= 0) {
      diagnostics.report('unit-name', unit.name, [file, `'${names.text(unit.name.id)}'`])
    }
    return unit
  }
  // Those in the text are checked though nobody uses them.
  for (const unit of program.units) need(unit.name)
  for (const name of program.uses) need(name)
  return order
}

/** The text of units that a program names the code of, or their text. */
function sourceOf(library: string): string {
  return /\.(pas|text)$/i.test(library) ? library : `${library.replace(/\.code$/i, '')}.pas`
}
