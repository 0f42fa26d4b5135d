import { Token } from '../syntax/tokens.ts'
import type { Expression } from '../syntax/tree.ts'
import type { Constant } from './checked.ts'
import { isInteger } from './compatibility.ts'
import { type Context, entityName } from './context.ts'
import { CHAR, ERROR, INTEGER, LONG, type OrdinalType, REAL, showType, stringOf } from './types.ts'

const BAD: Constant = { type: ERROR, value: 0 }

/** A literal’s type and value: a string of one character is a char (ISO 7185 §6.1.7). */
export function literalConstant(
  c: Context,
  node: Expression & { readonly kind: 'integer' | 'real' | 'string' },
): Constant {
  if (node.kind === 'integer' && typeof node.value === 'string') return { type: LONG, value: node.value }
  if (node.kind === 'integer') return { type: INTEGER, value: node.value }
  if (node.kind === 'real') return { type: REAL, value: node.value }
  const text = node.value as string
  if (text.length === 1) return { type: CHAR, value: text.charCodeAt(0) & 0xff }
  // Where an empty one is a mistake, that is said already.
  const isMistake = text.length === 0 && !c.dialect.emptyStrings
  return { type: isMistake ? ERROR : stringOf(text.length), value: text }
}

/** A constant of a definition, a bound or a case (§6.3). */
export function constantOf(c: Context, node: Expression): Constant {
  switch (node.kind) {
    case 'integer':
    case 'real':
    case 'string':
      return literalConstant(c, node)
    case 'name': {
      const entity = c.find(node)
      if (entity.kind === 'constant') return entity.value
      if (entity.kind !== 'unknown') c.report('not-a-constant', node, c.quote(node), entityName(entity))
      return BAD
    }
    case 'unary': {
      const { type, value } = constantOf(c, node.operand)
      if (type.kind === 'error') return BAD
      if (type.kind === 'long') {
        return { type, value: node.operator === Token.minus ? String(-BigInt(value)) : value }
      }
      if (!isInteger(type) && type.kind !== 'real') {
        c.report('sign-of', node, showType(type))
        return BAD
      }
      return { type, value: node.operator === Token.minus ? 0 - (value as number) : value }
    }
    case 'bad':
      return BAD
    default:
      c.report('constant-expected', node)
      return BAD
  }
}

/** A constant of an ordinal type, or undefined after a report. */
export function ordinalConstant(
  c: Context,
  node: Expression,
): { readonly type: OrdinalType; readonly value: number } | undefined {
  const { type, value } = constantOf(c, node)
  if (type.kind === 'ordinal') return { type, value: value as number }
  if (type.kind !== 'error') c.report('ordinal-type', node, showType(type))
  return undefined
}
