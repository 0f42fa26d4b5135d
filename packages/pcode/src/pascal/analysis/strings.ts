import type { Span } from '../diagnostics.ts'
import { MAX_STRING } from '../limits.ts'
import type { Operand, Value } from './checked.ts'
import { isChar } from './compatibility.ts'
import type { Context } from './context.ts'
import { ERROR, showType, STRING, type StringType } from './types.ts'

/** The longest strings: what joining and cutting others gives. */
const LONGEST: StringType = { kind: 'string', name: '', max: MAX_STRING }

/** A value as a string of varying length: one already, a literal, or a char; undefined for others. */
export function asString(value: Value): Value | undefined {
  const { type, pos } = value
  if (type.kind === 'string') return value
  if (value.op === 'string' && value.text.length <= MAX_STRING) {
    const text = String.fromCharCode(value.text.length) + value.text
    return { ...value, text, type: { kind: 'string', name: '', max: value.text.length } }
  }
  if (value.op === 'ordinal' && isChar(type)) {
    return {
      op: 'string',
      pos,
      type: { ...STRING, max: 1 },
      text: `\u0001${String.fromCharCode(value.value)}`,
      low: 0,
      high: 0,
    }
  }
  if (!isChar(type)) return undefined
  return standard(pos, 'sch', [value], { ...STRING, max: 1 })
}

/** A value as a string; reports one that is none, and gives undefined. */
export function stringValue(c: Context, value: Value, span: Span, what: string): Value | undefined {
  if (value.type.kind === 'error') return undefined
  const text = asString(value)
  if (text === undefined) c.report('string-needed', span, what, showType(value.type))
  return text
}

/** A string that a standard procedure makes in room of its own, which is its first operand. */
export function standard(
  pos: number,
  name: (Value & { readonly op: 'standard' })['name'],
  operands: readonly Operand[],
  type: StringType = LONGEST,
  isMade = true,
): Value {
  return { op: 'standard', name, operands, roomBytes: isMade ? type.max + 1 : 0, pos, type, low: 0, high: 0 }
}

/** What an error left unknown. */
export function badString(pos: number): Value {
  return { op: 'bad', pos, type: ERROR, low: 0, high: 0 }
}
