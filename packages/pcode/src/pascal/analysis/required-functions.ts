import { MAX_CHAR, MAXINT } from '../limits.ts'
import { countOf } from './calls.ts'
import type { Place, UnaryOperator, Value } from './checked.ts'
import { isInteger, isNumber } from './compatibility.ts'
import { type Context, ordinalValue } from './context.ts'
import { fileArgument } from './files.ts'
import { longTrunc } from './longs.ts'
import { toReal } from './operators.ts'
import type { CallNode, RequiredRow } from './required-rows.ts'
import {
  BOOLEAN,
  CHAR,
  ERROR,
  hostOf,
  INTEGER,
  type OrdinalType,
  REAL,
  showOrdinal,
  showType,
  type Type,
} from './types.ts'

function bad(pos: number): Value {
  return { op: 'bad', pos, type: ERROR, low: 0, high: 0 }
}

function unary(pos: number, operator: UnaryOperator, operand: Value, type: Type, low: number, high: number): Value {
  return { op: 'unary', operator, operand, pos, type, low, high }
}

/** The one argument of a call, or undefined after a report. */
function oneArgument(c: Context, node: CallNode, fits: (type: Type) => boolean, wanted: string): Value | undefined {
  const values = node.args.map(({ value }) => c.value(value))
  const [value] = values
  if (value === undefined || values.length > 1) {
    c.report('argument-count', node, c.quote(node.callee), countOf(1, 'parameter'), values.length)
    return undefined
  }
  if (value.type.kind === 'error') return undefined
  if (fits(value.type)) return value
  c.report(
    'required-argument',
    node.args[0]?.value ?? node,
    c.quote(node.callee),
    wanted,
    `of type ${showType(value.type)}`,
  )
  return undefined
}

const isOrdinal = (type: Type): boolean => type.kind === 'ordinal'
const isReal = (type: Type): boolean => type.kind === 'real'

/** `abs` and `sqr`: the result has the argument’s type (§6.6.6.2). */
function sameNumber(name: 'abs' | 'sqr'): RequiredRow {
  return {
    name,
    isFunction: true,
    value(c, node) {
      const value = oneArgument(c, node, isNumber, 'an integer or a real')
      if (value === undefined) return bad(node.pos)
      if (value.type.kind === 'real') return unary(node.pos, name, value, REAL, 0, 0)
      if (value.op === 'ordinal') {
        const result = name === 'abs' ? Math.abs(value.value) : value.value * value.value
        if (result <= MAXINT) return ordinalValue(node.pos, INTEGER, result)
        c.report('overflow', node, result)
        return bad(node.pos)
      }
      const largest = Math.max(Math.abs(value.low), Math.abs(value.high))
      const high = Math.min(MAXINT, name === 'abs' ? largest : largest * largest)
      const low = name === 'abs' && value.low > 0 ? value.low : 0
      return unary(node.pos, name, value, INTEGER, low, high)
    },
  }
}

/** A function of a real that gives a real (§6.6.6.2). */
function realFunction(name: UnaryOperator): RequiredRow {
  return {
    name,
    isFunction: true,
    value(c, node) {
      const value = oneArgument(c, node, isNumber, 'an integer or a real')
      return value === undefined ? bad(node.pos) : unary(node.pos, name, toReal(value), REAL, 0, 0)
    },
  }
}

/** A function that makes an integer of a real (§6.6.6.3). */
function transfer(name: 'trunc' | 'round'): RequiredRow {
  return {
    name,
    isFunction: true,
    value(c, node) {
      const isLong = (type: Type): boolean => name === 'trunc' && type.kind === 'long'
      const value = oneArgument(c, node, type => isReal(type) || isLong(type), 'a real')
      if (value && isLong(value.type)) return longTrunc(node.pos, value)
      return value === undefined ? bad(node.pos) : unary(node.pos, name, value, INTEGER, -MAXINT, MAXINT)
    },
  }
}

/** `succ` and `pred`: values of the host type (§6.6.6.4). */
function neighbour(name: 'succ' | 'pred', step: 1 | -1): RequiredRow {
  return {
    name,
    isFunction: true,
    value(c, node) {
      const value = oneArgument(c, node, isOrdinal, 'an ordinal value')
      if (value === undefined) return bad(node.pos)
      const host = hostOf(value.type as OrdinalType)
      if (value.op === 'ordinal') {
        const result = value.value + step
        if (result >= host.low && result <= host.high) return ordinalValue(node.pos, host, result)
        const [end, other] = step > 0 ? ['last', 'successor'] : ['first', 'predecessor']
        const wanted = `a value that has a ${other}`
        c.report('required-argument', node, `'${name}'`, wanted, `${showOrdinal(host, value.value)}, the ${end} one`)
        return bad(node.pos)
      }
      const low = Math.max(host.low, value.low + step)
      const high = Math.min(host.high, value.high + step)
      return unary(node.pos, name, value, host, low, high)
    },
  }
}

/** `eof` and `eoln`: of the file input where no other is given (§6.6.6.5). */
function fileState(name: 'eof' | 'eoln'): RequiredRow {
  return {
    name,
    isFunction: true,
    value(c, node) {
      if (node.args.length > 1) {
        c.report('argument-count', node, c.quote(node.callee), 'one file', node.args.length)
        return bad(node.pos)
      }
      const file: Place | undefined = fileArgument(c, node, 'input', name === 'eoln')
      if (file === undefined) return bad(node.pos)
      const { closedAtEnd: isClosedAtEnd } = c.dialect
      return { op: 'file-state', state: name, file, isClosedAtEnd, pos: node.pos, type: BOOLEAN, low: 0, high: 1 }
    },
  }
}

const ODD: RequiredRow = {
  name: 'odd',
  isFunction: true,
  value(c, node) {
    const value = oneArgument(c, node, isInteger, 'an integer')
    if (value === undefined) return bad(node.pos)
    if (value.op === 'ordinal') return ordinalValue(node.pos, BOOLEAN, value.value & 1)
    return unary(node.pos, 'odd', value, BOOLEAN, 0, 1)
  },
}

const ORD: RequiredRow = {
  name: 'ord',
  isFunction: true,
  value(c, node) {
    const isAddress = (type: Type): boolean => c.dialect.ordOfPointers && type.kind === 'pointer'
    const value = oneArgument(c, node, type => isOrdinal(type) || isAddress(type), 'an ordinal value')
    if (value === undefined) return bad(node.pos)
    if (isAddress(value.type)) return unary(node.pos, 'ord', value, INTEGER, -MAXINT, MAXINT)
    if (value.op === 'ordinal') return ordinalValue(node.pos, INTEGER, value.value)
    return unary(node.pos, 'ord', value, INTEGER, value.low, value.high)
  },
}

const CHR: RequiredRow = {
  name: 'chr',
  isFunction: true,
  value(c, node) {
    const value = oneArgument(c, node, isInteger, 'an integer')
    if (value === undefined) return bad(node.pos)
    if (value.op === 'ordinal') {
      if (value.value >= 0 && value.value <= MAX_CHAR) return ordinalValue(node.pos, CHAR, value.value)
      c.report(
        'required-argument',
        node,
        "'chr'",
        `an ordinal number of a char, 0 to ${MAX_CHAR}`,
        value.value.toString(),
      )
      return bad(node.pos)
    }
    const low = Math.min(Math.max(0, value.low), MAX_CHAR)
    return unary(node.pos, 'chr', value, CHAR, low, Math.max(low, Math.min(MAX_CHAR, value.high)))
  },
}

/** The required functions (ISO 7185 §6.6.6). */
export const REQUIRED_FUNCTIONS: readonly RequiredRow[] = [
  sameNumber('abs'),
  sameNumber('sqr'),
  realFunction('sin'),
  realFunction('cos'),
  realFunction('exp'),
  realFunction('ln'),
  realFunction('sqrt'),
  realFunction('arctan'),
  transfer('trunc'),
  transfer('round'),
  ORD,
  CHR,
  neighbour('succ', 1),
  neighbour('pred', -1),
  ODD,
  fileState('eof'),
  fileState('eoln'),
]
