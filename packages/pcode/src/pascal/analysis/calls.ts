import type { Span } from '../diagnostics.ts'
import { type Expression, isAccess } from '../syntax/tree.ts'
import type { Actual, Call, Place, Value } from './checked.ts'
import { assignmentFault, compatible, isInteger } from './compatibility.ts'
import { type Context, entityName } from './context.ts'
import { asLong } from './longs.ts'
import { toReal } from './operators.ts'
import { asString } from './strings.ts'
import type { FormalRoutine, Heading, Parameter, Routine, Variable } from './symbols.ts'
import {
  type ArrayType,
  type ConformantType,
  containsFile,
  hostOf,
  isString,
  lengthOf,
  showOrdinal,
  showType,
  type Type,
} from './types.ts'

type CallNode = Expression & { readonly kind: 'call' }

/** A call of a routine of the program: its arguments fit its parameters (ISO 7185 §6.6.3). */
export function analyseCall(c: Context, callee: Routine | FormalRoutine, node: CallNode): Call | undefined {
  const { parameters } = callee.heading
  if (node.args.length !== parameters.length) {
    const takes = parameters.length === 0 ? 'no parameters' : countOf(parameters.length, 'parameter')
    c.report('argument-count', node, c.quote(node.callee), takes, node.args.length)
  }
  const args: Actual[] = []
  let sectionType: { readonly section: number; readonly type: Type } | undefined
  node.args.forEach(({ value: argument, width }, i) => {
    const parameter = parameters[i]
    if (width) c.report('write-format', width)
    if (parameter === undefined) {
      c.value(argument)
    } else if (parameter.kind === 'routine') {
      const actual = routineActual(c, parameter.formal, argument)
      if (actual) args.push(actual)
    } else if (parameter.variable.type.kind === 'conformant') {
      const isFirst = sectionType?.section !== parameter.section
      const actual = conformantActual(c, parameter.variable, argument, isFirst)
      if (actual === undefined) return
      const { type } = actual.source
      if (!isFirst && sectionType && sectionType.type !== type && !sameString(sectionType.type, type)) {
        c.report('conformant-same', argument)
      }
      sectionType = { section: parameter.section, type }
      args.push(actual)
    } else if (parameter.variable.byReference) {
      const place = variableActual(c, parameter.variable, argument)
      args.push({ kind: 'variable', place })
    } else {
      args.push(valueActual(c, parameter.variable, argument))
    }
  })
  return args.length === parameters.length ? { callee, args } : undefined
}

function sameString(a: Type, b: Type): boolean {
  return isString(a) && isString(b) && lengthOf(a) === lengthOf(b)
}

/** `1 parameter`, `2 parameters`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function valueActual(c: Context, variable: Variable, argument: Expression): Actual {
  const value = c.value(argument)
  const { type } = variable
  if (type.kind === 'string' || type.kind === 'long')
    return { kind: 'value', value: converted(c, type, value, argument), type }
  if (assignmentFault(type, value.type) === 'file' || containsFile(value.type)) {
    c.report('value-file', argument)
  } else if (assignmentFault(type, value.type) === 'type') {
    c.report('argument-type', argument, `'${variable.name}'`, showType(type), `of type ${showType(value.type)}`)
  }
  return { kind: 'value', value: converted(c, type, value, argument), type }
}

/** How an integer is made of what is none. */
const TRANSFERS: Partial<Record<Type['kind'], string>> = { real: 'use trunc or round', long: 'use trunc' }

/**
 * A value as a variable of another type takes it: the types must be assignment-compatible (§6.4.6); says why they
 * are not. Whether an ordinal is in range is checked here where both are known, else when the program runs.
 */
export function converted(c: Context, to: Type, value: Value, span: Span): Value {
  const text = to.kind === 'string' ? asString(value) : undefined
  if (text) return text
  const long = to.kind === 'long' ? asLong(value) : undefined
  if (long) return long
  const fault = assignmentFault(to, value.type)
  if (fault === 'file') c.report('assignment-file', span)
  else if (fault === 'lengths' && isString(to) && isString(value.type)) {
    c.report('assignment-lengths', span, lengthOf(to), lengthOf(value.type))
  } else if (fault) {
    const hint = to.kind === 'ordinal' && isInteger(to) ? TRANSFERS[value.type.kind] : undefined
    c.diagnostics.report('assignment-type', span, [showType(to), showType(value.type)], hint)
  } else if (to.kind === 'real') {
    return toReal(value)
  } else if (to.kind === 'ordinal' && value.op === 'ordinal' && value.type.kind === 'ordinal') {
    if (value.value < to.low || value.value > to.high) {
      c.report('assignment-range', span, showOrdinal(hostOf(to), value.value), showType(to))
    }
  }
  return value
}

/** An actual variable parameter (§6.6.3.3). */
function variableActual(c: Context, variable: Variable, argument: Expression): Place {
  const { type, name } = variable
  if (!isAccess(argument)) {
    if (c.value(argument).type.kind !== 'error') c.report('var-variable', argument, `'${name}'`)
    return { at: 'bad', pos: argument.pos, type: { kind: 'error', name: '' }, isPackedComponent: false }
  }
  const place = c.place(argument)
  if (place.type.kind === 'error' || type.kind === 'error') return place
  // A string of varying length may be longer than what the routine knows of.
  const isLongEnough = place.type.kind === 'string' && type.kind === 'string' && place.type.max >= type.max
  const isSameLength = place.type.kind === 'long' && type.kind === 'long' && place.type.digits === type.digits
  if (place.type !== type && !isLongEnough && !isSameLength)
    c.report('var-type', argument, `'${name}'`, showType(type), showType(place.type))
  checkReference(c, place, argument)
  changed(c, place, argument)
  return place
}

/** What cannot be passed by reference: components of packed variables, and tag fields. */
function checkReference(c: Context, place: Place, span: Span): void {
  if (place.at === 'field' && place.field.tagOf) c.report('var-tag', span, `'${place.field.name}'`)
  else if (place.isPackedComponent) c.report('var-packed', span)
}

/** Notes that a variable is changed: what controls a for-statement must not be (§6.8.3.9). */
export function changed(c: Context, place: Place, span: Span): void {
  if (place.at !== 'variable') return
  const { variable } = place
  if (variable.controls > 0) c.report('for-threat', span, `'${variable.name}'`)
  if (variable.owner !== c.routine) variable.threat ??= span
  variable.isAssigned = true
}

function conformantActual(
  c: Context,
  variable: Variable,
  argument: Expression,
  givesBounds: boolean,
): (Actual & { readonly kind: 'conformant' }) | undefined {
  const isVariable = isAccess(argument)
  if (variable.byReference && !isVariable) {
    if (c.value(argument).type.kind !== 'error') c.report('var-variable', argument, `'${variable.name}'`)
    return undefined
  }
  const source = variable.byReference ? c.place(argument) : c.value(argument)
  const { type } = source
  if (type.kind === 'error') return undefined
  const formal = variable.type as ConformantType
  if ((type.kind !== 'array' && type.kind !== 'conformant') || !conforms(type, formal)) {
    c.report('conformant-shape', argument, `'${variable.name}'`, showType(type))
    return undefined
  }
  if (type.kind === 'array' && !withinBounds(type, formal)) {
    c.report('conformant-shape', argument, `'${variable.name}'`, showType(type))
    return undefined
  }
  if (variable.byReference) {
    checkReference(c, source as Place, argument)
    changed(c, source as Place, argument)
  } else if (type.kind === 'conformant') {
    // §6.6.3.7.2: its size is not known before the program runs.
    c.report('conformant-value', argument)
    return undefined
  } else if (containsFile(type)) {
    c.report('value-file', argument)
  }
  return { kind: 'conformant', source, formal: variable, givesBounds }
}

/** Conformability (§6.6.3.8). */
function conforms(type: ArrayType | ConformantType, formal: ConformantType): boolean {
  if (!compatible(type.index, formal.index) || type.packed !== formal.packed) return false
  if (formal.component.kind !== 'conformant') return type.component === formal.component
  const { component } = type
  return (component.kind === 'array' || component.kind === 'conformant') && conforms(component, formal.component)
}

function withinBounds(type: ArrayType, formal: ConformantType): boolean {
  if (type.index.low < formal.index.low || type.index.high > formal.index.high) return false
  if (formal.component.kind !== 'conformant' || type.component.kind !== 'array') return true
  return withinBounds(type.component, formal.component)
}

/** A procedure or function given for a formal one (§6.6.3.4 to §6.6.3.6). */
function routineActual(c: Context, formal: FormalRoutine, argument: Expression): Actual | undefined {
  const kind = formal.heading.isFunction ? 'function' : 'procedure'
  if (argument.kind !== 'name') {
    if (argument.kind !== 'bad') c.report('routine-needed', argument, `'${formal.name}'`, kind)
    return undefined
  }
  const entity = c.find(argument)
  if (entity.kind === 'unknown') return undefined
  if (entity.kind === 'required') {
    c.report('routine-required', argument, entity.row.isFunction ? 'function' : 'procedure', c.quote(argument))
    return undefined
  }
  if (
    (entity.kind !== 'routine' && entity.kind !== 'formal') ||
    entity.heading.isFunction !== formal.heading.isFunction
  ) {
    c.diagnostics.report(
      'routine-needed',
      argument,
      [`'${formal.name}'`, kind],
      `${c.quote(argument)} is ${entityName(entity)}`,
    )
    return undefined
  }
  const { heading } = entity
  if (!congruous(heading, formal.heading)) {
    c.report('congruous', argument, c.quote(argument), `'${formal.name}'`)
  } else if (heading.result !== formal.heading.result && heading.result && formal.heading.result) {
    const [given, wanted] = [showType(heading.result), showType(formal.heading.result)]
    c.report('routine-result', argument, c.quote(argument), given, `'${formal.name}'`, wanted)
  }
  return { kind: 'routine', routine: entity }
}

/** Congruous parameter lists (§6.6.3.6): section by section alike. */
function congruous(a: Heading, b: Heading): boolean {
  if (a.parameters.length !== b.parameters.length) return false
  return a.parameters.every((parameter, i) => alike(parameter, b.parameters[i] as Parameter))
}

function alike(a: Parameter, b: Parameter): boolean {
  if (a.section !== b.section || a.kind !== b.kind) return false
  if (a.kind === 'routine' && b.kind === 'routine') {
    const [x, y] = [a.formal.heading, b.formal.heading]
    return x.isFunction === y.isFunction && x.result === y.result && congruous(x, y)
  }
  if (a.kind !== 'variable' || b.kind !== 'variable') return false
  const [x, y] = [a.variable, b.variable]
  return x.byReference === y.byReference && alikeTypes(x.type, y.type)
}

function alikeTypes(a: Type, b: Type): boolean {
  if (a.kind !== 'conformant' || b.kind !== 'conformant') return a === b
  return a.packed === b.packed && a.index === b.index && alikeTypes(a.component, b.component)
}
