import type { StandardName } from '../../rows/standard.ts'
import { Token } from '../syntax/tokens.ts'
import type { Argument } from '../syntax/tree.ts'
import { converted, countOf } from './calls.ts'
import type { CheckedStatement, Operand, Value } from './checked.ts'
import { type Context, ordinalValue } from './context.ts'
import type { CallNode, RequiredRow } from './required-rows.ts'
import { badString } from './strings.ts'
import { BOOLEAN, CHAR, INTEGER } from './types.ts'
import { areaOf, argumentsOf, placeOf, type Want } from './ucsd-routines.ts'
import { MAXINT } from '../limits.ts'

const EMPTY: CheckedStatement = { op: 'empty' }

function integerCall(pos: number, name: StandardName, operands: readonly Operand[]): Value {
  return { op: 'standard', name, operands, roomBytes: 0, pos, type: INTEGER, low: -MAXINT, high: MAXINT }
}

/** `scan(limit, =c, v)` and `scan(limit, <>c, v)`: how far from v on the first such byte is. */
const scanRow: RequiredRow = {
  name: 'scan',
  isFunction: true,
  value(c, node) {
    const { pos } = node
    const [limitNode, wanted, source] = node.args
    if (limitNode === undefined || wanted === undefined || source === undefined || node.args.length > 4) {
      c.report('argument-count', node, c.quote(node.callee), countOf(3, 'parameter'), node.args.length)
      return badString(pos)
    }
    const partial = wanted.value
    if (partial.kind !== 'unary' || (partial.operator !== Token.equal && partial.operator !== Token.notEqual)) {
      c.report('scan-relation', partial)
      return badString(pos)
    }
    const limit = converted(c, INTEGER, c.value(limitNode.value), limitNode.value)
    const char = converted(c, CHAR, c.value(partial.operand), partial.operand)
    const place = placeOf(c, source.value, c.quote(node.callee))
    if (place === undefined) return badString(pos)
    const isEqual = ordinalValue(pos, BOOLEAN, partial.operator === Token.equal ? 1 : 0)
    return integerCall(pos, 'scn', [limit, isEqual, char, ...areaOf(place)])
  },
}

/** `mark(p)`, `release(p)`: p is a pointer, whatever its type. */
function heapRow(name: 'mark' | 'release'): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const { pos } = node
      c.marksHeap = true
      const operands = argumentsOf(c, node, ['variable'])
      const [operand] = operands ?? []
      if (operand?.op !== 'address') return EMPTY
      const { place } = operand
      if (place.type.kind !== 'pointer') {
        c.report('pointer-needed', node.args[0]?.value ?? node, c.quote(node.callee), 'something else')
        return EMPTY
      }
      if (name === 'mark') return { op: 'standard', pos, name: 'hmk', operands: [operand] }
      const mark: Value = { op: 'load', place, pos, type: place.type, low: 0, high: 0 }
      return { op: 'standard', pos, name: 'hrl', operands: [mark] }
    },
  }
}

function plain(name: string, wanted: readonly Want[], row: StandardName): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const operands = argumentsOf(c, node, wanted)
      return operands === undefined ? EMPTY : { op: 'standard', pos: node.pos, name: row, operands }
    },
  }
}

/** `time(high, low)`: two integer variables. */
const timeRow: RequiredRow = {
  name: 'time',
  isFunction: false,
  statement(c, node) {
    const operands = argumentsOf(c, node, ['variable', 'variable'])
    const wrong = operands?.findIndex(operand => operand.op === 'address' && operand.place.type !== INTEGER) ?? -1
    if (wrong >= 0)
      c.report('var-type', node.args[wrong]?.value ?? node, c.quote(node.callee), 'integer', 'something else')
    return operands === undefined ? EMPTY : { op: 'standard', pos: node.pos, name: 'tim', operands }
  },
}

/** `unitread(unit, v, bytes, block, mode)` and `unitwrite`; block and mode mean nothing to the console. */
function transferRow(name: 'unitread' | 'unitwrite', row: 'unr' | 'unw'): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const [unit, buffer, count, ...more] = node.args
      if (unit === undefined || buffer === undefined || count === undefined || more.length > 2) {
        c.report('argument-count', node, c.quote(node.callee), 'a unit, a variable and a number', node.args.length)
        return EMPTY
      }
      for (const argument of more) integerOf(c, argument)
      const place = placeOf(c, buffer.value, c.quote(node.callee))
      if (place === undefined) return EMPTY
      const operands = [integerOf(c, unit), ...areaOf(place), integerOf(c, count)]
      return { op: 'standard', pos: node.pos, name: row, operands, isLenient: c.isLenient(node.pos) }
    },
  }
}
function integerOf(c: Context, { value }: Argument): Value {
  return converted(c, INTEGER, c.value(value), value)
}

/** `unitclear(unit)`, `unitwait(unit)`: nothing is kept, and nothing goes on, beside the program. */
function controlRow(name: 'unitclear' | 'unitwait'): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const operands = argumentsOf(c, node, ['integer'])
      if (operands === undefined) return EMPTY
      return { op: 'standard', pos: node.pos, name: 'unc', operands, isLenient: c.isLenient(node.pos) }
    },
  }
}

const busyRow: RequiredRow = {
  name: 'unitbusy',
  isFunction: true,
  value(c, node: CallNode) {
    const operands = argumentsOf(c, node, ['integer'])
    if (operands === undefined) return badString(node.pos)
    const isLenient = c.isLenient(node.pos)
    return {
      op: 'standard',
      name: 'unt',
      operands,
      roomBytes: 0,
      isLenient,
      pos: node.pos,
      type: BOOLEAN,
      low: 0,
      high: 1,
    }
  },
}

const memoryRow: RequiredRow = {
  name: 'memavail',
  isFunction: true,
  value: (_, { pos }) => integerCall(pos, 'mav', []),
}

/** What UCSD Pascal has for the machine that it runs on. */
export const UCSD_SYSTEM: readonly RequiredRow[] = [
  scanRow,
  heapRow('mark'),
  heapRow('release'),
  memoryRow,
  timeRow,
  plain('gotoxy', ['integer', 'integer'], 'gxy'),
  transferRow('unitread', 'unr'),
  transferRow('unitwrite', 'unw'),
  controlRow('unitclear'),
  controlRow('unitwait'),
  busyRow,
]
