import type { ValueType } from '../../program/program.ts'
import type { Actual, Call, Value } from '../analysis/checked.ts'
import type { Heading, Parameter } from '../analysis/symbols.ts'
import { type ConformantType, type OrdinalType, type Type } from '../analysis/types.ts'
import type { Generator } from './generator.ts'
import { loadBound } from './reach.ts'
import { beginReference, checkWhole } from './references.ts'
import { emitSet, memberRange } from './sets.ts'
import { setKind, storageOf, valueType } from './storage.ts'

/** Writes a call: its arguments, then the call; a function’s result is left. */
export function emitCall(g: Generator, call: Call, position: number): void {
  const guards = call.args.map(actual => emitActual(g, actual))
  g.line(position)
  const { callee } = call
  if (callee.kind === 'routine') {
    g.op('cup', callee.index)
  } else {
    g.op2('lip', g.levelsTo(callee.owner), callee.offset)
    const { heading } = callee
    g.op('cip', g.signature(signatureOf(heading), heading.result && valueType(heading.result)))
  }
  for (const end of guards) end?.()
}

/** What a routine’s parameters are on the operand stack. */
export function signatureOf(heading: Heading): ValueType[] {
  let section = -1
  return heading.parameters.flatMap(parameter => {
    const isFirst = parameter.section !== section
    section = parameter.section
    return wordsOf(parameter, isFirst)
  })
}

function wordsOf(parameter: Parameter, isFirst: boolean): ValueType[] {
  if (parameter.kind === 'routine') return ['i', 'i']
  const { variable } = parameter
  if (variable.type.kind === 'conformant') return ['i', ...(isFirst ? variable.bounds.map(() => 'i' as const) : [])]
  return [variable.byReference ? 'i' : valueType(variable.type)]
}

/** Writes an argument; what ends the reference that it is, if that needs an end. */
function emitActual(g: Generator, actual: Actual): (() => void) | undefined {
  switch (actual.kind) {
    case 'value':
      emitAs(g, actual.value, actual.type)
      break
    case 'variable': {
      const end = beginReference(g, actual.place)
      g.address(g.reach(actual.place))
      checkWhole(g, actual.place)
      return end
    }
    case 'routine':
      if (actual.routine.kind === 'routine') g.op('lpa', actual.routine.index)
      else g.op2('lip', g.levelsTo(actual.routine.owner), actual.routine.offset)
      break
    default:
      if ('op' in actual.source) g.value(actual.source)
      else g.address(g.reach(actual.source))
      if (actual.givesBounds) emitBounds(g, actual.source.type, actual.formal.type as ConformantType)
  }
  return undefined
}

/** The bounds of an array, dimension by dimension; those that only the call knows are checked (§6.6.3.8). */
function emitBounds(g: Generator, type: Type, formal: ConformantType): void {
  if (type.kind === 'array') {
    g.op('ldci', type.index.low)
    g.op('ldci', type.index.high)
  } else if (type.kind === 'conformant') {
    for (const bound of [type.low, type.high]) {
      loadBound(g, bound)
      if (g.options.checks && type.index !== formal.index) g.op2('chki', formal.index.low, formal.index.high)
    }
  }
  if (formal.component.kind === 'conformant' && (type.kind === 'array' || type.kind === 'conformant')) {
    emitBounds(g, type.component, formal.component)
  }
}

/** Copies what has a length of its own, from one address on the stack to another, with a check of it; false for other types. */
export function emitSizedCopy(g: Generator, type: Type): boolean {
  if (type.kind !== 'string' && type.kind !== 'long') return false
  g.op('ldci', type.kind === 'string' ? type.max : type.digits)
  g.standard(type.kind === 'string' ? 'sta' : 'lgv')
  return true
}

/** Writes what pushes a value for a variable of a type, with the checks of assignment (ISO 7185 §6.4.6). */
export function emitAs(g: Generator, value: Value, type: Type, packed = false): void {
  if (type.kind === 'set') {
    emitSet(g, value, setKind(type))
    const [low, high] = memberRange(value)
    const { base } = type
    if (g.options.checks && base && low <= high && (low < base.low || high > base.high)) {
      g.op2(setKind(type) === 's' ? 'chks' : 'chkt', base.low, base.high)
    }
    return
  }
  g.value(value)
  if (type.kind === 'ordinal') emitRange(g, value, type, packed)
}

/** Checks that an ordinal on the stack is a value of a type, unless that is known. */
export function emitRange(
  g: Generator,
  value: { readonly low: number; readonly high: number; readonly pos?: number },
  type: OrdinalType,
  packed = false,
): void {
  if (!g.options.checks || (value.low >= type.low && value.high <= type.high)) return
  const storage = storageOf(type, packed)
  const check = storage === 'c' ? 'chkc' : storage === 'b' ? 'chkb' : 'chki'
  g.checkAt(value.pos ?? g.code.position, check, type.low, type.high)
}
