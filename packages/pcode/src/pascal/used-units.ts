import type { Diagnostics } from './diagnostics.ts'
import type { Names } from './syntax/names.ts'
import type { Name, ProgramNode, UnitNode } from './syntax/tree.ts'

/** Where units come from that are not in the program’s text. */
export interface UnitFiles {
  readonly names: Names
  readonly diagnostics: Diagnostics
  /** Reads a unit’s file; undefined where there is none. */
  readonly read: (file: string) => UnitNode | undefined
}

/** The units that a program needs, each after those that it uses itself. Reports those that are nowhere, or use themselves. */
export function unitsOf(program: ProgramNode, files: UnitFiles): readonly UnitNode[] {
  const { names, diagnostics, read } = files
  const known = new Map(program.units.map(unit => [unit.name.id, unit]))
  const done = new Set<number>()
  const under = new Set<number>()
  const order: UnitNode[] = []
  const need = (name: Name): void => {
    if (name.id < 0 || done.has(name.id)) return
    if (under.has(name.id)) {
      diagnostics.report('unit-cycle', name, [`'${names.text(name.id)}'`])
      return
    }
    const unit = known.get(name.id) ?? readUnit(name)
    if (unit === undefined) return
    under.add(name.id)
    for (const used of unit.uses) need(used)
    under.delete(name.id)
    done.add(name.id)
    order.push(unit)
  }
  const readUnit = (name: Name): UnitNode | undefined => {
    const file = `${names.text(name.id)}.pas`
    const unit = read(file)
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
