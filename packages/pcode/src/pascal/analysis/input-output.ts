import { type Argument, type Expression, type Name, isAccess } from '../syntax/tree.ts'
import { changed, converted } from './calls.ts'
import type { CheckedStatement, Place, Value, WriteItem } from './checked.ts'
import { isBoolean, isChar, isInteger, isNumber } from './compatibility.ts'
import { type Context, ordinalValue } from './context.ts'
import { standardFile } from './files.ts'
import type { CallNode, RequiredRow } from './required-rows.ts'
import { type FileType, INTEGER, isString, showType, type Type } from './types.ts'
import { loadValue } from './values.ts'

const EMPTY: CheckedStatement = { op: 'empty' }

/** A place where the expression is a file variable, without a word where it is none. */
function leadingFile(c: Context, argument: Argument | undefined): Place | undefined {
  if (argument === undefined) return undefined
  const { kind } = argument.value
  if (!isAccess(argument.value)) return undefined
  const root = rootName(argument.value)
  const binding = root === undefined ? undefined : c.scopes.peek(root)
  const isVariable = binding?.entity.kind === 'variable' || c.opened.length > 0
  if (!isVariable || (kind === 'name' && binding?.entity.kind !== 'variable' && !opens(c, argument.value)))
    return undefined
  const place = c.place(argument.value)
  return place.type.kind === 'file' ? place : undefined
}

function opens(c: Context, node: Expression): boolean {
  return node.kind === 'name' && c.opened.some(({ record }) => record.fields.has(node.id))
}

function rootName(node: Expression): number | undefined {
  if (node.kind === 'name') return node.id
  if (node.kind === 'index' || node.kind === 'field' || node.kind === 'arrow') return rootName(node.base)
  return undefined
}

interface Transfer {
  readonly file: Place
  readonly type: FileType
  readonly args: readonly Argument[]
}

/** The file of a read or write, and the other arguments (ISO 7185 §6.9.1, §6.9.3). */
function transferOf(c: Context, node: CallNode, standard: 'input' | 'output', isLine: boolean): Transfer | undefined {
  const first = node.args[0]?.value
  if (first?.kind === 'name' && isUnboundStandard(c, first)) {
    c.find(first)
    for (const { value } of node.args.slice(1)) c.value(value)
    return undefined
  }
  const named = leadingFile(c, node.args[0])
  const args = named ? node.args.slice(1) : node.args
  if (!isLine && args.length === 0) {
    const wanted = standard === 'input' ? 'a variable' : 'a value'
    c.report('argument-count', node, c.quote(node.callee), `${wanted} at least`, args.length)
    return undefined
  }
  const file = named ?? standardFile(c, standard, node.callee)
  if (file === undefined) {
    for (const { value } of args) c.value(value)
    return undefined
  }
  const type = file.type as FileType
  if (type.isUntyped === true) {
    c.report('file-untyped', node.args[0]?.value ?? node)
    return undefined
  }
  if (isLine && !type.isText) {
    c.report('text-needed', node.args[0]?.value ?? node, c.quote(node.callee), showType(type))
    return undefined
  }
  return { file, type, args }
}

/** `input` or `output` by name, where the program has no such parameter. */
function isUnboundStandard(c: Context, name: Name): boolean {
  const text = c.names.text(name.id)
  return (text === 'input' || text === 'output') && c.scopes.peek(name.id) === undefined
}

function readRow(name: 'read' | 'readln'): RequiredRow {
  const line = name === 'readln'
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const transfer = transferOf(c, node, 'input', line)
      if (transfer === undefined) return EMPTY
      const { file, type, args } = transfer
      const isLenient = c.isLenient(node.pos)
      const targets = args.map(({ value, width }) => {
        if (width) c.report('write-format', width)
        return target(c, value, type)
      })
      if (type.isText)
        return {
          op: 'read',
          pos: node.pos,
          file,
          targets: targets.filter(place => place !== undefined),
          line,
          isLenient,
        }
      const body = targets.flatMap((place, i): CheckedStatement[] =>
        place === undefined ? [] : readComponent(c, node, file, place, args[i]?.value as Expression),
      )
      return { op: 'sequence', body }
    },
  }
}

function target(c: Context, node: Expression, file: FileType): Place | undefined {
  if (!isAccess(node)) {
    c.report('not-a-variable', node, 'a value')
    return undefined
  }
  const place = c.place(node)
  if (place.type.kind === 'error') return undefined
  changed(c, place, node)
  if (file.isText && !isChar(place.type) && !isNumber(place.type) && !isSized(place.type)) {
    c.report('read-type', node, showType(place.type))
    return undefined
  }
  return place
}

/** `read(f, v)` is `v := f^; get(f)` where f is no text file (§6.6.5.2). */
function readComponent(c: Context, node: CallNode, file: Place, place: Place, at: Expression): CheckedStatement[] {
  const value = converted(c, place.type, loadValue(c, bufferOf(file, node.pos)), at)
  return [
    { op: 'assign', pos: node.pos, place, value },
    { op: 'file', pos: node.pos, action: 'get', file, isLenient: c.isLenient(node.pos) },
  ]
}

function bufferOf(file: Place, pos: number): Place {
  return { at: 'buffer', file, pos, type: (file.type as FileType).component, isPackedComponent: false }
}

function writeRow(name: 'write' | 'writeln'): RequiredRow {
  const line = name === 'writeln'
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const transfer = transferOf(c, node, 'output', line)
      if (transfer === undefined) return EMPTY
      const { file, type, args } = transfer
      if (!type.isText) {
        const body = args.flatMap((argument): CheckedStatement[] => {
          if (argument.width) c.report('write-format', argument.width)
          const value = converted(c, type.component, c.value(argument.value), argument.value)
          return [
            { op: 'assign', pos: node.pos, place: bufferOf(file, node.pos), value },
            { op: 'file', pos: node.pos, action: 'put', file, isLenient: c.isLenient(node.pos) },
          ]
        })
        return { op: 'sequence', body }
      }
      const items = args.flatMap(argument => writeItem(c, argument))
      return { op: 'write', pos: node.pos, file, items, line, isLenient: c.isLenient(node.pos) }
    },
  }
}

function writeItem(c: Context, argument: Argument): WriteItem[] {
  const value = c.value(argument.value)
  const { type } = value
  const width = argument.width ? widthOf(c, argument.width) : usualWidth(c, type, argument.value.pos)
  const digits = argument.digits && widthOf(c, argument.digits)
  if (type.kind === 'error') return []
  if (!isWritable(type)) {
    c.report('write-type', argument.value, showType(type))
    return []
  }
  if (argument.digits && type.kind !== 'real') c.report('write-digits', argument.value, `of type ${showType(type)}`)
  return [{ value, width, digits }]
}

/** The width that the dialect has for integers. */
function usualWidth(c: Context, type: Type, pos: number): Value | undefined {
  const width = c.dialect.integerWidth
  return width !== undefined && isInteger(type) ? ordinalValue(pos, INTEGER, width) : undefined
}

/** A string of varying length, or a long integer. */
function isSized({ kind }: Type): boolean {
  return kind === 'string' || kind === 'long'
}

function isWritable(type: Type): boolean {
  return isInteger(type) || isSized(type) || type.kind === 'real' || isChar(type) || isBoolean(type) || isString(type)
}

function widthOf(c: Context, node: Expression): Value {
  const value = c.value(node)
  if (value.type.kind !== 'error' && !isInteger(value.type)) {
    c.report('write-width', node, `of type ${showType(value.type)}`)
  } else if (value.op === 'ordinal' && value.value < 1) {
    c.report('write-width-value', node, value.value)
  }
  return value
}

/** Required procedures that read and write (ISO 7185 §6.9). */
export const INPUT_OUTPUT: readonly RequiredRow[] = [
  readRow('read'),
  readRow('readln'),
  writeRow('write'),
  writeRow('writeln'),
]
