import { MAXINT } from '../limits.ts'
import { Token, tokenName } from '../syntax/tokens.ts'
import type { BinaryExpression, UnaryExpression } from '../syntax/tree.ts'
import type { BinaryOperator, Value } from './checked.ts'
import { compatible, isBoolean, isInteger, isNumber } from './compatibility.ts'
import { type Context, ordinalValue } from './context.ts'
import { longBinary, longOrder, longUnary } from './longs.ts'
import { asString } from './strings.ts'
import {
  BOOLEAN,
  containsFile,
  ERROR,
  hostOf,
  INTEGER,
  isString,
  lengthOf,
  type OrdinalType,
  REAL,
  type SetType,
  showType,
  type Type,
} from './types.ts'

const RELATIONS: Readonly<Record<number, BinaryOperator>> = {
  [Token.equal]: 'equal',
  [Token.notEqual]: 'not-equal',
  [Token.less]: 'less',
  [Token.greater]: 'greater',
  [Token.lessEqual]: 'less-equal',
  [Token.greaterEqual]: 'greater-equal',
}
const ARITHMETIC: Readonly<Record<number, BinaryOperator>> = {
  [Token.plus]: 'add',
  [Token.minus]: 'subtract',
  [Token.star]: 'multiply',
  [Token.slash]: 'divide',
  [Token.div]: 'div',
  [Token.mod]: 'mod',
  [Token.and]: 'and',
  [Token.or]: 'or',
}

function bad(pos: number): Value {
  return { op: 'bad', pos, type: ERROR, low: 0, high: 0 }
}

/** A real of an integer, where one is needed (ISO 7185 §6.7.2.2). */
export function toReal(value: Value): Value {
  if (value.op === 'ordinal') return { op: 'real', pos: value.pos, type: REAL, value: value.value, low: 0, high: 0 }
  if (value.type.kind !== 'ordinal') return value
  return { op: 'unary', operator: 'to-real', operand: value, pos: value.pos, type: REAL, low: 0, high: 0 }
}

/** A sign or `not` before its operand (§6.7.2). */
export function unaryValue(c: Context, node: UnaryExpression, operand: Value): Value {
  const { pos } = node
  const { type } = operand
  if (node.operator === Token.equal || node.operator === Token.notEqual) {
    // Only scan takes a comparison without its left side.
    c.report('scan-relation-place', node)
    return bad(pos)
  }
  if (type.kind === 'error') return bad(pos)
  const fits = node.operator === Token.not ? isBoolean(type) : isNumber(type) || type.kind === 'long'
  if (!fits) {
    c.report('operand', node, tokenName(node.operator), `a value of type ${showType(type)}`)
    return bad(pos)
  }
  if (node.operator === Token.not) {
    if (operand.op === 'ordinal') return ordinalValue(pos, BOOLEAN, 1 - operand.value)
    return { op: 'unary', operator: 'not', operand, pos, type: BOOLEAN, low: 0, high: 1 }
  }
  if (type.kind === 'long') return longUnary(node.operator, operand)
  if (node.operator === Token.plus) return type.kind === 'ordinal' ? { ...operand, type: hostOf(type) } : operand
  if (operand.op === 'ordinal') return ordinalValue(pos, INTEGER, 0 - operand.value)
  if (operand.op === 'real') return { ...operand, value: -operand.value }
  const low = Math.max(-MAXINT, 0 - operand.high)
  const high = Math.min(MAXINT, 0 - operand.low)
  return { op: 'unary', operator: 'negate', operand, pos, type: type.kind === 'ordinal' ? INTEGER : REAL, low, high }
}

/** Two operands and what joins them (§6.7.2). */
export function binaryValue(c: Context, node: BinaryExpression, left: Value, right: Value): Value {
  if (left.type.kind === 'error' || right.type.kind === 'error') return bad(node.pos)
  if (node.operator === Token.in) return inValue(c, node, left, right)
  const relation = RELATIONS[node.operator]
  if (relation !== undefined) return relationValue(c, node, relation, left, right)
  const operator = ARITHMETIC[node.operator] as BinaryOperator
  const { type: a } = left
  const { type: b } = right
  if (operator === 'and' || operator === 'or') {
    if (isBoolean(a) && isBoolean(b)) return make(node.pos, operator, left, right, BOOLEAN, 0, 1)
  } else if (operator === 'div' || operator === 'mod') {
    if (isInteger(a) && isInteger(b)) return integerValue(c, node, operator, left, right)
    const value = longBinary(node.pos, operator, left, right)
    if (value) return value
  } else if (operator === 'divide') {
    if (isNumber(a) && isNumber(b)) {
      if (right.op === 'ordinal' && right.value === 0) c.report('division-by-zero', node)
      return make(node.pos, operator, toReal(left), toReal(right), REAL, 0, 0)
    }
  } else if (a.kind === 'long' || b.kind === 'long') {
    const value = longBinary(node.pos, operator, left, right)
    if (value) return value
  } else if (a.kind === 'set' && b.kind === 'set') {
    if (compatible(a, b)) return make(node.pos, operator, left, right, joinedSet(a, b), 0, 0)
  } else if (isInteger(a) && isInteger(b)) {
    return integerValue(c, node, operator, left, right)
  } else if (isNumber(a) && isNumber(b)) {
    return make(node.pos, operator, toReal(left), toReal(right), REAL, 0, 0)
  }
  reportOperands(c, node, a, b)
  return bad(node.pos)
}

function reportOperands(c: Context, node: BinaryExpression, a: Type, b: Type): void {
  const name = tokenName(node.operator)
  // `a < 1 and b < 2`: and binds stronger than <.
  const isLogical = node.operator === Token.and || node.operator === Token.or
  const hint =
    isLogical && !isBoolean(a) !== !isBoolean(b)
      ? `${name} binds stronger than comparisons: put these in parentheses`
      : (node.operator === Token.div || node.operator === Token.mod) && isNumber(a) && isNumber(b)
        ? "use '/' for reals, or trunc"
        : node.operator === Token.slash
          ? undefined
          : undefined
  c.diagnostics.report('operands', node, [name, `type ${showType(a)}`, showType(b)], hint)
}

/** The type that operators give for sets: the canonical one of their host type, packed where one of them is. */
function joinedSet(a: SetType, b: SetType): SetType {
  if (a.base === undefined) return b
  if (b.base === undefined) return a
  const base = a.base.low <= b.base.low && a.base.high >= b.base.high ? a.base : b.base
  const isWider =
    base.low <= a.base.low && base.high >= a.base.high && base.low <= b.base.low && base.high >= b.base.high
  const low = Math.min(a.base.low, b.base.low)
  const high = Math.max(a.base.high, b.base.high)
  const joined: OrdinalType = isWider ? base : { ...hostOf(base), name: '', host: hostOf(base), low, high }
  return { kind: 'set', name: '', packed: a.packed ?? b.packed, base: joined }
}

function make(
  pos: number,
  operator: BinaryOperator,
  left: Value,
  right: Value,
  type: Type,
  low: number,
  high: number,
): Value {
  return { op: 'binary', operator, left, right, pos, type, low, high }
}

/** Integer operators: constants are folded; else the result’s range is that of the corners. */
function integerValue(c: Context, node: BinaryExpression, operator: BinaryOperator, left: Value, right: Value): Value {
  const { pos } = node
  if ((operator === 'div' || operator === 'mod') && right.op === 'ordinal') {
    if (right.value === 0) {
      c.report('division-by-zero', node)
      return bad(pos)
    }
    if (operator === 'mod' && right.value < 0) {
      c.report('mod-divisor', node, right.value)
      return bad(pos)
    }
  }
  if (left.op === 'ordinal' && right.op === 'ordinal') {
    const value = fold(operator, left.value, right.value)
    if (Math.abs(value) <= MAXINT) return ordinalValue(pos, INTEGER, value)
    c.report('overflow', node, value)
    return bad(pos)
  }
  const [low, high] = rangeOf(operator, left, right)
  return make(pos, operator, left, right, INTEGER, Math.max(-MAXINT, low), Math.min(MAXINT, high))
}

function fold(operator: BinaryOperator, a: number, b: number): number {
  switch (operator) {
    case 'add':
      return a + b
    case 'subtract':
      return a - b
    case 'multiply':
      return a * b === 0 ? 0 : a * b
    case 'div':
      return Math.trunc(a / b) + 0
    default:
      // The result of mod is never negative (§6.7.2.2).
      return ((a % b) + b) % b
  }
}

function rangeOf(operator: BinaryOperator, a: Value, b: Value): readonly [number, number] {
  switch (operator) {
    case 'add':
      return [a.low + b.low, a.high + b.high]
    case 'subtract':
      return [a.low - b.high, a.high - b.low]
    case 'multiply': {
      const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high]
      return [Math.min(...corners), Math.max(...corners)]
    }
    case 'div': {
      if (b.low <= 0) return [-MAXINT, MAXINT]
      const corners = [a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high].map(Math.trunc)
      return [Math.min(...corners), Math.max(...corners)]
    }
    default:
      return [0, Math.min(b.high - 1, a.low >= 0 ? Math.max(a.high, 0) : MAXINT)]
  }
}

/** Relational operators on values of compatible simple, pointer, set and string types (§6.7.2.5). */
function relationValue(c: Context, node: BinaryExpression, operator: BinaryOperator, a: Value, b: Value): Value {
  const { pos } = node
  const symbol = tokenName(node.operator)
  const isEquality = operator === 'equal' || operator === 'not-equal'
  if (isNumber(a.type) && isNumber(b.type) && !(isInteger(a.type) && isInteger(b.type))) {
    return make(pos, operator, toReal(a), toReal(b), BOOLEAN, 0, 1)
  }
  if (a.type.kind === 'string' || b.type.kind === 'string') {
    const operands = [asString(a), asString(b)]
    if (operands.every(operand => operand !== undefined)) {
      const order: Value = { op: 'standard', name: 'scm', operands, roomBytes: 0, pos, type: INTEGER, low: -1, high: 1 }
      return make(pos, operator, order, ordinalValue(pos, INTEGER, 0), BOOLEAN, 0, 1)
    }
  }
  const order = longOrder(pos, a, b)
  if (order) return make(pos, operator, order, ordinalValue(pos, INTEGER, 0), BOOLEAN, 0, 1)
  if (isString(a.type) && isString(b.type) && lengthOf(a.type) !== lengthOf(b.type)) {
    c.report('string-lengths', node, lengthOf(a.type), lengthOf(b.type))
    return bad(pos)
  }
  const { kind } = a.type
  const isOrdered =
    kind === 'ordinal' || isString(a.type) || (kind === 'set' && operator !== 'less' && operator !== 'greater')
  if (compatible(a.type, b.type) && (isOrdered || (isEquality && kind === 'pointer'))) {
    if (a.op === 'ordinal' && b.op === 'ordinal') {
      return ordinalValue(pos, BOOLEAN, compare(operator, a.value, b.value) ? 1 : 0)
    }
    return make(pos, operator, a, b, BOOLEAN, 0, 1)
  }
  if (c.dialect.comparesStructures && isEquality && isStructure(a.type) && a.type === b.type) {
    return make(pos, operator, a, b, BOOLEAN, 0, 1)
  }
  c.report('comparison', node, `type ${showType(a.type)}`, showType(b.type), symbol)
  return bad(pos)
}

/** A record or array that can be copied. */
function isStructure(type: Type): boolean {
  return (type.kind === 'array' || type.kind === 'record') && !containsFile(type)
}

function compare(operator: BinaryOperator, a: number, b: number): boolean {
  switch (operator) {
    case 'equal':
      return a === b
    case 'not-equal':
      return a !== b
    case 'less':
      return a < b
    case 'greater':
      return a > b
    case 'less-equal':
      return a <= b
    default:
      return a >= b
  }
}

function inValue(c: Context, node: BinaryExpression, left: Value, right: Value): Value {
  const { type: member } = left
  const { type: set } = right
  if (member.kind === 'ordinal' && set.kind === 'set' && (set.base === undefined || compatible(member, set.base))) {
    return make(node.pos, 'in', left, right, BOOLEAN, 0, 1)
  }
  c.report('in-operands', node, showType(member), showType(set))
  return bad(node.pos)
}
