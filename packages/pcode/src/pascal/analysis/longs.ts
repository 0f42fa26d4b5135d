import { LONG_BYTES, longText, MAX_LONG_DIGITS } from '../../machine/long-integers.ts'
import type { StandardName } from '../../rows/standard.ts'
import { MAXINT } from '../limits.ts'
import { Token } from '../syntax/tokens.ts'
import type { BinaryOperator, Operand, Value } from './checked.ts'
import { isInteger } from './compatibility.ts'
import { INTEGER, LONG } from './types.ts'

/** What a standard procedure makes in room of its own. */
function made(pos: number, name: StandardName, operands: readonly Operand[]): Value {
  return { op: 'standard', name, operands, roomBytes: LONG_BYTES, pos, type: LONG, low: 0, high: 0 }
}

/** A long integer that is known. */
export function longConstant(pos: number, value: bigint): Value {
  const digits = Math.min(String(value < 0n ? -value : value).length, MAX_LONG_DIGITS)
  return { op: 'string', pos, type: { ...LONG, digits }, text: longText(value), low: 0, high: 0 }
}

/** A value as a long integer: one already, or an integer; undefined for others. */
export function asLong(value: Value): Value | undefined {
  const { type, pos } = value
  if (type.kind === 'long') return value
  if (value.op === 'ordinal' && isInteger(type)) return longConstant(pos, BigInt(value.value))
  return isInteger(type) ? made(pos, 'lgi', [value]) : undefined
}

/** A sign before a long integer. */
export function longUnary(operator: number, operand: Value): Value {
  return operator === Token.minus ? made(operand.pos, 'lgn', [operand]) : operand
}

const OPERATORS: Partial<Record<BinaryOperator, StandardName>> = {
  add: 'lga',
  subtract: 'lgs',
  multiply: 'lgm',
  div: 'lgd',
}

/** Arithmetic where one operand is a long integer; undefined for what there is none of, as `mod`. */
export function longBinary(pos: number, operator: BinaryOperator, left: Value, right: Value): Value | undefined {
  const [a, b, name] = [asLong(left), asLong(right), OPERATORS[operator]]
  return a && b && name ? made(pos, name, [a, b]) : undefined
}

/** How two integers compare, one of them long, as an integer to be compared with 0; undefined for others. */
export function longOrder(pos: number, left: Value, right: Value): Value | undefined {
  if (left.type.kind !== 'long' && right.type.kind !== 'long') return undefined
  const operands = [asLong(left), asLong(right)]
  if (!operands.every(operand => operand !== undefined)) return undefined
  return { op: 'standard', name: 'lgc', operands, roomBytes: 0, pos, type: INTEGER, low: -1, high: 1 }
}

/** The integer that a long one is, if it is not too great. */
export function longTrunc(pos: number, value: Value): Value {
  return {
    op: 'standard',
    name: 'lgt',
    operands: [value],
    roomBytes: 0,
    pos,
    type: INTEGER,
    low: -MAXINT,
    high: MAXINT,
  }
}
