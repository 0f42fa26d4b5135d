import type { Diagnostics } from '../diagnostics.ts'
import type { Dialect } from '../dialect.ts'
import { MAXINT } from '../limits.ts'
import type { Sources } from '../source.ts'
import type { IoSwitches } from '../syntax/io-switches.ts'
import type { Names } from '../syntax/names.ts'
import type { Name, ProgramNode, UnitNode } from '../syntax/tree.ts'
import { analyseBlock, analyseUnit, makeRoutine } from './blocks.ts'
import type { CheckedProgram } from './checked.ts'
import { Context } from './context.ts'
import { makeVariable } from './headings.ts'
import { analysePlace } from './places.ts'
import { REQUIRED_ROUTINES } from './required-procedures.ts'
import { analyseStatement } from './statements.ts'
import { UCSD_FILES } from './ucsd-files.ts'
import { UCSD_ROUTINES } from './ucsd-routines.ts'
import { UCSD_SYSTEM } from './ucsd-system.ts'
import type { Entity, Routine, Variable } from './symbols.ts'
import { BOOLEAN, CHAR, INTEGER, REAL, STRING, TEXT, type Type } from './types.ts'
import { analyseValue } from './values.ts'

/** Required types (ISO 7185 §6.4.2.2, §6.4.3.5). */
const REQUIRED_TYPES: readonly (readonly [string, Type])[] = [
  ['integer', INTEGER],
  ['real', REAL],
  ['boolean', BOOLEAN],
  ['char', CHAR],
  ['text', TEXT],
]
/** Required constants (§6.4.2.2). */
const REQUIRED_CONSTANTS: readonly (readonly [string, Type, number])[] = [
  ['maxint', INTEGER, MAXINT],
  ['false', BOOLEAN, 0],
  ['true', BOOLEAN, 1],
]

/** Finds what a program means, and what is wrong with it. The result is of use where there are no errors. */
export function analyse(
  program: ProgramNode,
  units: readonly UnitNode[],
  names: Names,
  sources: Sources,
  diagnostics: Diagnostics,
  dialect: Dialect,
  ioSwitches: IoSwitches,
): CheckedProgram {
  const stages = { value: analyseValue, place: analysePlace, statement: analyseStatement }
  const c = new Context(names, sources, diagnostics, dialect, stages, ioSwitches)
  c.scopes.open()
  const required = (text: string, entity: Entity): void =>
    void c.define({ id: names.of(text), pos: -1, end: -1 }, entity)
  for (const [name, type] of REQUIRED_TYPES) required(name, { kind: 'type', type })
  for (const [name, type, value] of REQUIRED_CONSTANTS) required(name, { kind: 'constant', value: { type, value } })
  if (dialect.strings) required('string', { kind: 'type', type: STRING })
  if (dialect.titles) required('interactive', { kind: 'type', type: TEXT })
  const rows = dialect.strings
    ? [...REQUIRED_ROUTINES, ...UCSD_ROUTINES, ...UCSD_FILES, ...UCSD_SYSTEM]
    : REQUIRED_ROUTINES
  // A later row of a name takes the place of an earlier one.
  for (const row of new Map(rows.map(row => [row.name, row])).values()) required(row.name, { kind: 'required', row })
  c.programName = sources.slice(program.name.pos, program.name.end)
  const main = makeRoutine(c, names.text(program.name.id), program.name, false)
  c.routine = main
  c.scopes.open()
  const parameters = withStandardFiles(c, distinct(c, program.parameters), program.name)
  defineStandardFiles(c, main, parameters)
  for (const unit of units) {
    c.scopes.open()
    analyseUnit(c, unit)
  }
  if (units.length > 0) c.scopes.open()
  const files: Variable[] = []
  c.onDeclared = routine => {
    if (routine === main) files.push(...parameterVariables(c, main, parameters))
  }
  analyseBlock(c, program.block)
  c.scopes.close()
  return {
    name: c.programName,
    routines: c.routines,
    parameters: files,
    asksIoResult: c.asksIoResult,
    marksHeap: c.marksHeap,
    disposed: c.disposed,
  }
}

function distinct(c: Context, parameters: readonly Name[]): readonly Name[] {
  return parameters.filter((name, i) => {
    const isFirst = parameters.findIndex(({ id }) => id === name.id) === i
    if (!isFirst) c.report('program-parameter-twice', name, c.quote(name))
    return isFirst && name.id >= 0
  })
}

/** `input` and `output` are there without being named, where the dialect says so. */
function withStandardFiles(c: Context, parameters: readonly Name[], at: Name): readonly Name[] {
  if (!c.dialect.standardFiles) return parameters
  const implied = ['input', 'output'].map(text => ({ ...at, id: c.names.of(text) }))
  return [...implied.filter(({ id }) => !parameters.some(known => known.id === id)), ...parameters]
}

/** `input` and `output` as program parameters are declared by that (§6.10). */
function defineStandardFiles(c: Context, main: Routine, parameters: readonly Name[]): void {
  for (const name of parameters) {
    const text = c.names.text(name.id)
    if (text !== 'input' && text !== 'output') continue
    const variable = makeVariable(main, text, TEXT)
    variable.isAssigned = true
    main.variables.push(variable)
    c.standardFiles[text] = variable
    c.define(name, variable)
    if (text === 'input' && c.dialect.titles) c.define({ ...name, id: c.names.of('keyboard') }, variable)
  }
}

/** Each program parameter is a variable of the program’s block (§6.10). */
function parameterVariables(c: Context, main: Routine, parameters: readonly Name[]): Variable[] {
  return parameters.flatMap(name => {
    const entity = c.scopes.peek(name.id)?.entity
    if (entity?.kind === 'variable' && entity.owner === main) {
      entity.isAssigned = true
      return [entity]
    }
    if (entity?.kind !== 'unknown') c.reportAbsence('program-parameter', name, c.quote(name))
    return []
  })
}
