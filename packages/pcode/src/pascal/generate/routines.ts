import { CodeBuilder } from '../../program/code-builder.ts'
import { VALUE_BYTES, type Routine as MachineRoutine } from '../../program/program.ts'
import type { InstructionName } from '../../rows/p5.ts'
import type { CheckedBlock } from '../analysis/checked.ts'
import type { Parameter, Routine, Variable } from '../analysis/symbols.ts'
import { type ConformantType, containsFile } from '../analysis/types.ts'
import { emitSizedCopy, signatureOf } from './calls.ts'
import { Definite } from './definite.ts'
import { emitFileVariables } from './file-variables.ts'
import { Frame } from './frame.ts'
import type { Generator, Unit } from './generator.ts'
import { pushBytes } from './reach.ts'
import { isScalar, sizeOf, storageOf, typeSymbol, valueType } from './storage.ts'

/** What of a routine’s frame is filled in from its parameters. */
interface Entry {
  readonly offsets: readonly number[]
  /** Value parameters that came as addresses and are copied, and where their addresses are. */
  readonly copies: readonly { readonly variable: Variable; readonly address: number }[]
}

const entries = new WeakMap<Unit, Entry>()

/** Gives a routine’s parameters and variables their places; those of the program are globals where they are shared. */
export function layOutRoutine(g: Generator, routine: Routine, globals: Frame): void {
  const frame = new Frame()
  const unit: Unit = { routine, code: new CodeBuilder(), frame, labels: new Map() }
  g.units.set(routine, unit)
  const offsets: number[] = []
  const copies: { variable: Variable; address: number }[] = []
  let section = -1
  for (const parameter of routine.heading.parameters) {
    layOutParameter(parameter, parameter.section !== section, frame, offsets, copies)
    section = parameter.section
  }
  for (const { variable } of copies) placeVariable(variable, frame)
  if (routine.result) placeVariable(routine.result, frame)
  for (const variable of routine.variables) {
    const isMain = routine.parent === undefined
    variable.isInFrame = isMain && !variable.isShared && isScalar(variable.type)
    placeVariable(variable, isMain && !variable.isInFrame ? globals : frame)
  }
  entries.set(unit, { offsets, copies })
}

function placeVariable(variable: Variable, frame: Frame): void {
  const { bytes, align } = sizeOf(variable.type)
  variable.offset = frame.add(variable.name, bytes, align, typeSymbol(variable.type))
}

function layOutParameter(
  parameter: Parameter,
  isFirst: boolean,
  frame: Frame,
  offsets: number[],
  copies: { variable: Variable; address: number }[],
): void {
  if (parameter.kind === 'routine') {
    const { formal } = parameter
    formal.offset = frame.add(formal.name, 8, 4, { kind: 'procedure' })
    offsets.push(formal.offset, formal.offset + 4)
    return
  }
  const { variable } = parameter
  const { type, byReference } = variable
  if (type.kind === 'conformant') {
    // Its bounds get their places only now.
    variable.offset = frame.add(variable.name, 4, 4, { kind: 'reference', target: () => typeSymbol(type) })
    offsets.push(variable.offset)
    if (!isFirst) return
    for (const bound of variable.bounds) {
      bound.offset = frame.add(bound.name, 4, 4, { kind: 'integer', bytes: 4 })
      offsets.push(bound.offset)
    }
  } else if (byReference) {
    variable.offset = frame.add(variable.name, 4, 4, { kind: 'reference', target: () => typeSymbol(type) })
    offsets.push(variable.offset)
  } else if (isScalar(type)) {
    const bytes = VALUE_BYTES[valueType(type)]
    variable.offset = frame.add(variable.name, bytes, Math.min(bytes, 8), typeSymbol(type))
    offsets.push(variable.offset)
  } else {
    const address = frame.add('', 4, 4)
    offsets.push(address)
    copies.push({ variable, address })
  }
}

/** Writes a routine’s code: its value parameters copied, its files, its statements, its way out. */
export function emitRoutine(g: Generator, unit: Unit): void {
  const { routine } = unit
  const { body, endPos } = routine.checked as CheckedBlock
  g.unit = unit
  g.definite = new Definite()
  g.line(routine.checked?.startPos ?? endPos)
  for (const { variable, address } of entries.get(unit)?.copies ?? []) {
    g.op2('lda', 0, variable.offset)
    g.op2('loda', 0, address)
    if (!emitSizedCopy(g, variable.type)) g.op('mov', sizeOf(variable.type).bytes)
  }
  const conformant = conformantValues(routine)
  for (const variable of conformant) copyConformant(g, variable)
  for (const parameter of routine.heading.parameters) {
    if (parameter.kind === 'variable') g.definite.add(parameter.variable)
  }
  const files = routine.variables.filter(variable => containsFile(variable.type) && !isProgramFile(g, variable))
  for (const variable of files) emitFileVariables(g, variable.type, () => g.address(g.locate(variable)), 'fin')
  for (const statement of body) g.statement(statement)
  if (routine.exit) {
    g.definite.clear()
    g.place(g.labelOf(routine.exit))
  }
  g.line(endPos)
  for (const variable of files) emitFileVariables(g, variable.type, () => g.address(g.locate(variable)), 'fcl')
  for (const variable of conformant) {
    g.op2('loda', 0, variable.offset)
    pushBytes(g, variable.type as ConformantType)
    g.standard('dsp')
  }
  emitReturn(g, routine)
}

function isProgramFile(g: Generator, variable: Variable): boolean {
  return variable.owner.parent === undefined && g.files.some(file => file.offset === variable.offset)
}

function conformantValues(routine: Routine): readonly Variable[] {
  return routine.heading.parameters.flatMap(parameter =>
    parameter.kind === 'variable' && parameter.variable.type.kind === 'conformant' && !parameter.variable.byReference
      ? [parameter.variable]
      : [],
  )
}

/** A conformant value parameter gets a copy of its own on the heap, where its size may be known only now. */
function copyConformant(g: Generator, variable: Variable): void {
  const kept = g.unit.frame.temporary('i')
  const type = variable.type as ConformantType
  g.op2('lda', 0, kept)
  pushBytes(g, type)
  g.standard('new')
  g.op2('loda', 0, kept)
  g.op2('loda', 0, variable.offset)
  pushBytes(g, type)
  g.op('mvv')
  g.op2('loda', 0, kept)
  g.op2('stra', 0, variable.offset)
  g.unit.frame.release('i', kept)
}

function emitReturn(g: Generator, routine: Routine): void {
  const { result } = routine
  if (routine.parent === undefined) {
    g.op('stp')
  } else if (result === undefined) {
    g.op('retp')
  } else {
    const storage = storageOf(result.type)
    g.op2(`lod${storage}`, 0, result.offset)
    if (g.options.undefined && storage === 'i') g.op('ckdi')
    else if (g.options.undefined && storage === 'r') g.op('ckdr')
    g.op(`ret${storage === 'h' ? 'i' : storage}` satisfies InstructionName)
  }
}

/** The routine as the machine takes it. */
export function finishRoutine(unit: Unit): MachineRoutine {
  const { routine, frame, code } = unit
  const { heading } = routine
  return {
    name: routine.name,
    parent: routine.parent?.index ?? -1,
    params: signatureOf(heading),
    result: heading.result && valueType(heading.result),
    paramOffsets: entries.get(unit)?.offsets ?? [],
    frameBytes: frame.bytes,
    variables: frame.variables,
    code: code.finish(),
    positions: code.positions(),
  }
}
