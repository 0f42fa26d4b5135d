import { DoppelError } from '@doppel/base'
import { Token } from '../pascal/syntax/tokens.ts'

/** Compares numbers or strings; undefined for an operator that does not. */
export function compared(operator: number, a: number | string, b: number | string): boolean | undefined {
  switch (operator) {
    case Token.equal:
      return a === b
    case Token.notEqual:
      return a !== b
    case Token.less:
      return a < b
    case Token.lessEqual:
      return a <= b
    case Token.greater:
      return a > b
    case Token.greaterEqual:
      return a >= b
    default:
      return undefined
  }
}

/** The result of an adding or multiplying operator (ISO 7185 §6.7.2.2). Throws `debug.value`. */
export function arithmetic(operator: number, a: number, b: number): number {
  switch (operator) {
    case Token.plus:
      return a + b
    case Token.minus:
      return a - b
    case Token.star:
      return a * b
    case Token.slash:
      return a / nonZero(b)
    case Token.div:
      return Math.trunc(a / nonZero(b))
    case Token.mod:
      return ((a % nonZero(b)) + b) % b
    default:
      throw new DoppelError('debug.value', 'the operator does not fit its operands')
  }
}
function nonZero(divisor: number): number {
  if (divisor === 0) throw new DoppelError('debug.value', 'division by zero')
  return divisor
}
