import type { JumpTable, Program } from '../../program/program.ts'
import type { CheckedProgram } from '../analysis/checked.ts'
import type { FileType, Type } from '../analysis/types.ts'
import type { Sources } from '../source.ts'
import { Frame } from './frame.ts'
import { type CodeOptions, Generator } from './generator.ts'
import { reachPlace } from './reach.ts'
import { emitRoutine, finishRoutine, layOutRoutine } from './routines.ts'
import { emitStatement } from './statements.ts'
import { FILE_ID_BYTES, sizeOf } from './storage.ts'
import { comparingRoutines } from './structures.ts'
import { emitValue } from './values.ts'

/** Makes p-code of a program that was found right. */
export function generate(program: CheckedProgram, sources: Sources, options: CodeOptions): Program {
  const g = new Generator(sources, options, { value: emitValue, reach: reachPlace, statement: emitStatement })
  const globals = new Frame()
  for (const routine of program.routines) layOutRoutine(g, routine, globals)
  for (const { name, type, offset } of program.parameters) {
    if (type.kind === 'file') g.files.push({ name, offset, text: type.isText, componentBytes: componentBytes(type) })
  }
  for (const unit of g.units.values()) emitRoutine(g, unit)
  const [main] = program.routines
  const comparing = main ? comparingRoutines(g, main) : []
  for (const { code, at, target } of g.outerGotos) {
    const outer = g.units.get(target.owner)
    if (outer) code.patch(at, 'q', outer.code.index(g.labelOf(target)))
  }
  const tables = g.tables.map(
    ({ code, low, targets, fallback }): JumpTable => ({
      low,
      targets: targets.map(label => code.index(label)),
      fallback: code.index(fallback),
    }),
  )
  return {
    name: program.name,
    sources: sources.names,
    locate: position => sources.locate(position),
    routines: [...[...g.units.values()].map(unit => finishRoutine(unit)), ...comparing],
    globalBytes: globals.bytes,
    globals: globals.variables,
    constants: g.pool.bytes(),
    reals: g.pool.reals,
    sets: g.pool.sets,
    tables,
    signatures: g.signatures,
    files: g.files,
    fileIdBytes: FILE_ID_BYTES,
    undefined: options.undefined,
    overflow: options.checks,
  }
}

function componentBytes(type: Type): number {
  return sizeOf((type as FileType).component).bytes
}
