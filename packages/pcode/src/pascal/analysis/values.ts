import type { Expression, Name, SetExpression } from '../syntax/tree.ts'
import { analyseCall } from './calls.ts'
import type { Place, Value } from './checked.ts'
import { compatible } from './compatibility.ts'
import { literalConstant } from './constants.ts'
import { type Context, entityName, ordinalValue } from './context.ts'
import { longConstant } from './longs.ts'
import { binaryValue, unaryValue } from './operators.ts'
import { openedField } from './places.ts'
import type { Entity } from './symbols.ts'
import { CHAR, EMPTY_SET, ERROR, hostOf, NIL, type OrdinalType, showOrdinal, showType } from './types.ts'
import { MAX_SET_MEMBER } from '../limits.ts'

/** A value that an error left unknown. */
export function badValue(pos: number): Value {
  return { op: 'bad', pos, type: ERROR, low: 0, high: 0 }
}

/** An expression (ISO 7185 §6.7). */
export function analyseValue(c: Context, node: Expression): Value {
  const { pos } = node
  switch (node.kind) {
    case 'integer':
    case 'real':
    case 'string': {
      const { type, value } = literalConstant(c, node)
      return constantValue(pos, { type, value })
    }
    case 'nil':
      return { op: 'nil', pos, type: NIL, low: 0, high: 0 }
    case 'name':
      return nameValue(c, node)
    case 'call': {
      const entity = c.find(node.callee)
      return functionValue(c, node.callee, entity, node)
    }
    case 'unary':
      return unaryValue(c, node, c.value(node.operand))
    case 'binary':
      return binaryValue(c, node, c.value(node.left), c.value(node.right))
    case 'set':
      return setValue(c, node)
    case 'bad':
      return badValue(pos)
    default:
      return loadValue(c, c.place(node))
  }
}

function constantValue(
  pos: number,
  constant: { readonly type: Value['type']; readonly value: number | string },
): Value {
  const { type, value } = constant
  if (type.kind === 'ordinal') return ordinalValue(pos, type, value as number)
  if (type.kind === 'real') return { op: 'real', pos, type, value: value as number, low: 0, high: 0 }
  if (type.kind === 'long') return longConstant(pos, BigInt(value))
  if (typeof value === 'string') return { op: 'string', pos, type, text: value, low: 0, high: 0 }
  if (type.kind === 'pointer') return { op: 'nil', pos, type, low: 0, high: 0 }
  return badValue(pos)
}

/** What a variable holds. */
export function loadValue(c: Context, place: Place): Value {
  const { type, pos } = place
  if (type.kind === 'error') return badValue(pos)
  if (type.kind !== 'ordinal') return { op: 'load', place, pos, type, low: 0, high: 0 }
  const known = place.at === 'variable' ? c.ranges.get(place.variable) : undefined
  return { op: 'load', place, pos, type, low: known?.low ?? type.low, high: known?.high ?? type.high }
}

function nameValue(c: Context, node: Name & { readonly kind: 'name' }): Value {
  const field = openedField(c, node)
  if (field) return loadValue(c, field)
  const entity = c.find(node)
  switch (entity.kind) {
    case 'constant':
      return constantValue(node.pos, entity.value)
    case 'variable':
      return loadValue(c, c.place(node))
    case 'bound': {
      const { low, high } = entity.type as OrdinalType
      return { op: 'bound', pos: node.pos, type: entity.type, bound: entity, low, high }
    }
    case 'routine':
    case 'formal':
    case 'required':
      return functionValue(c, node, entity, { kind: 'call', callee: node, args: [], pos: node.pos, end: node.end })
    case 'type':
      c.report('not-a-value', node, c.quote(node), 'a type')
      return badValue(node.pos)
    default:
      return badValue(node.pos)
  }
}

function functionValue(c: Context, callee: Name, entity: Entity, node: Expression & { kind: 'call' }): Value {
  const { pos } = node
  if (entity.kind === 'required' && entity.row.value) return entity.row.value(c, node)
  if ((entity.kind === 'routine' || entity.kind === 'formal') && entity.heading.isFunction) {
    const call = analyseCall(c, entity, node)
    const type = entity.heading.result ?? ERROR
    if (call === undefined || type.kind === 'error') return badValue(pos)
    const [low, high] = type.kind === 'ordinal' ? [type.low, type.high] : [0, 0]
    return { op: 'call', call, pos, type, low, high }
  }
  for (const { value } of node.args) c.value(value)
  if (entity.kind === 'routine' || entity.kind === 'formal' || entity.kind === 'required') {
    c.report('not-a-value', callee, c.quote(callee), 'a procedure')
  } else if (entity.kind !== 'unknown') {
    c.report('not-a-function', callee, c.quote(callee), entityName(entity))
  }
  return badValue(pos)
}

/** A set constructor (§6.7.1). */
function setValue(c: Context, node: SetExpression): Value {
  const { pos } = node
  if (node.members.length === 0) return { op: 'set', pos, type: EMPTY_SET, members: [], low: 0, high: 0 }
  let host: OrdinalType | undefined
  let isBad = false
  const one = (expression: Expression): Value => {
    const value = c.value(expression)
    const { type } = value
    if (type.kind === 'error') {
      isBad = true
    } else if (type.kind !== 'ordinal') {
      c.report('ordinal-type', expression, showType(type))
      isBad = true
    } else if (host !== undefined && !compatible(host, type)) {
      c.report('set-members', expression, showType(host), showType(type))
      isBad = true
    } else {
      host ??= hostOf(type)
      if (value.op === 'ordinal' && (value.value < 0 || value.value > MAX_SET_MEMBER)) {
        c.report('set-member-range', expression, showOrdinal(type, value.value), 0, MAX_SET_MEMBER)
      }
    }
    return value
  }
  const members = node.members.map(({ low, high }) => ({ low: one(low), high: high && one(high) }))
  if (isBad || host === undefined) return badValue(pos)
  const base: OrdinalType = host === CHAR ? CHAR : host
  return { op: 'set', pos, type: { kind: 'set', name: '', packed: undefined, base }, members, low: 0, high: 0 }
}
