import { CLOSE_OPTIONS } from '../../machine/titled-file.ts'
import { NEXT_BLOCK, TEXT_BYTES } from '../../rows/title-standard.ts'
import { sizeOf } from '../generate/storage.ts'
import { MAXINT } from '../limits.ts'
import type { Argument } from '../syntax/tree.ts'
import { converted } from './calls.ts'
import type { CheckedStatement, Operand, Place, Value } from './checked.ts'
import { type Context, ordinalValue } from './context.ts'
import { fileArgument } from './files.ts'
import { REQUIRED_ROUTINES } from './required-procedures.ts'
import type { CallNode, RequiredRow } from './required-rows.ts'
import { badString, stringValue } from './strings.ts'
import { type FileType, INTEGER } from './types.ts'
import { areaOf, placeOf } from './ucsd-routines.ts'

const EMPTY: CheckedStatement = { op: 'empty' }

/** What a file’s transfers are in: bytes of a component, 0 for blocks, or that it is a text. */
function unitOf(pos: number, file: Place): Value {
  const { isText, isUntyped, component } = file.type as FileType
  return ordinalValue(pos, INTEGER, isText ? TEXT_BYTES : isUntyped === true ? 0 : sizeOf(component).bytes)
}

/** `reset(f, title)`, `rewrite(f, title)`; with the file alone they are the standard’s. */
function openRow(name: string, as: 'reset' | 'rewrite'): RequiredRow {
  const plain = REQUIRED_ROUTINES.find(row => row.name === as)
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const [, title, more] = node.args
      if (title === undefined) return plain?.statement?.(c, node) ?? EMPTY
      if (more) c.report('argument-count', node, c.quote(node.callee), 'a file and a title', node.args.length)
      const file = fileArgument(c, node, 'output', false)
      const text = stringValue(c, c.value(title.value), title.value, c.quote(node.callee))
      if (file === undefined || text === undefined) return EMPTY
      const { pos } = node
      const operands: Operand[] = [{ op: 'address', place: file }, text, unitOf(pos, file)]
      const isLenient = c.isLenient(pos)
      return { op: 'standard', pos, name: as === 'reset' ? 'tre' : 'trw', operands, isLenient }
    },
  }
}

/** `close(f)`, `close(f, lock)` and so on. */
const closeRow: RequiredRow = {
  name: 'close',
  isFunction: false,
  statement(c, node) {
    const { pos } = node
    const file = fileArgument(c, node, 'output', false)
    const [, option, more] = node.args
    const written = option && c.sources.slice(option.value.pos, option.value.end).toLowerCase()
    const number = written === undefined ? 0 : CLOSE_OPTIONS.findIndex(known => known === written)
    if (more || number < 0) c.report('close-option', more?.value ?? option?.value ?? node)
    if (file === undefined) return EMPTY
    const operands: Operand[] = [{ op: 'address', place: file }, ordinalValue(pos, INTEGER, number)]
    const isLenient = c.isLenient(pos)
    return { op: 'standard', pos, name: 'tcl', operands, isLenient }
  },
}

/** `seek(f, n)`: the next transfer is of component n, counted from 0. */
const seekRow: RequiredRow = {
  name: 'seek',
  isFunction: false,
  statement(c, node) {
    const { pos } = node
    const [, where, more] = node.args
    const file = fileArgument(c, node, 'output', false)
    const component = where && integer(c, where)
    if (where === undefined || more)
      c.report('argument-count', node, c.quote(node.callee), 'a file and a number', node.args.length)
    if (file === undefined || component === undefined) return EMPTY
    const operands: Operand[] = [{ op: 'address', place: file }, component, unitOf(pos, file)]
    const isLenient = c.isLenient(pos)
    return { op: 'standard', pos, name: 'tsk', operands, isLenient }
  },
}

function integer(c: Context, { value: node }: Argument): Value | undefined {
  const value = c.value(node)
  return value.type.kind === 'error' ? undefined : converted(c, INTEGER, value, node)
}

/** `blockread(f, v, blocks, from)` and `blockwrite`: how many blocks of 512 bytes were transferred. */
function blockRow(name: 'blockread' | 'blockwrite'): RequiredRow {
  return {
    name,
    isFunction: true,
    value: (c, node) => blockValue(c, node, name === 'blockread' ? 'tbr' : 'tbw'),
  }
}
function blockValue(c: Context, node: CallNode, name: 'tbr' | 'tbw'): Value {
  const { pos } = node
  const [, buffer, count, from, more] = node.args
  const file = fileArgument(c, node, 'output', false)
  if (buffer === undefined || count === undefined || more) {
    c.report('argument-count', node, c.quote(node.callee), 'a file, a variable and a number', node.args.length)
    return badString(pos)
  }
  const place = placeOf(c, buffer.value, c.quote(node.callee))
  const blocks = integer(c, count)
  const block = from === undefined ? ordinalValue(pos, INTEGER, NEXT_BLOCK) : integer(c, from)
  if (file === undefined || place === undefined || blocks === undefined || block === undefined) return badString(pos)
  const operands: Operand[] = [{ op: 'address', place: file }, ...areaOf(place), blocks, block]
  const isLenient = c.isLenient(pos)
  return { op: 'standard', name, operands, roomBytes: 0, isLenient, pos, type: INTEGER, low: 0, high: MAXINT }
}

const resultRow: RequiredRow = {
  name: 'ioresult',
  isFunction: true,
  value(c, { pos }) {
    c.asksIoResult = true
    return { op: 'standard', name: 'ior', operands: [], roomBytes: 0, pos, type: INTEGER, low: 0, high: 255 }
  },
}

/** What UCSD Pascal has for files: those of its names that the standard has too take the place of the standard’s. */
export const UCSD_FILES: readonly RequiredRow[] = [
  openRow('reset', 'reset'),
  openRow('rewrite', 'rewrite'),
  // As they were called before II.0, which still has the names.
  openRow('openold', 'reset'),
  openRow('opennew', 'rewrite'),
  closeRow,
  seekRow,
  blockRow('blockread'),
  blockRow('blockwrite'),
  resultRow,
]
