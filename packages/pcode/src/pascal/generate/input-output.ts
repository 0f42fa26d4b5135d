import type { CheckedStatement, Place, WriteItem } from '../analysis/checked.ts'
import { type FileType, lengthOf, type Type } from '../analysis/types.ts'
import { emitRange } from './calls.ts'
import type { Generator } from './generator.ts'
import { sizeOf, storageOf } from './storage.ts'

/** Field widths where a program gives none (ISO 7185 §6.9.3.1: the implementation’s choice; those of numbers are Free Pascal’s). */
const INTEGER_WIDTH = 11
const REAL_WIDTH = 22
const BOOLEAN_WIDTH = 5

/** Reads from a text (§6.9.1): each value comes to a place in memory, is checked, and goes to its variable. */
export function emitRead(g: Generator, statement: CheckedStatement & { readonly op: 'read' }): void {
  const { isLenient } = statement
  g.address(g.reach(statement.file))
  for (const target of statement.targets) emitReadOne(g, target, isLenient)
  if (statement.line) g.transfer('rln', isLenient)
  g.op('dmp', 4)
}

function emitReadOne(g: Generator, target: Place, isLenient: boolean | undefined): void {
  const { type } = target
  if (type.kind === 'string' || type.kind === 'long') {
    g.address(g.reach(target))
    g.op('ldci', type.kind === 'string' ? type.max : type.digits)
    g.transfer(type.kind === 'string' ? 'rds' : 'rdl', isLenient)
    return
  }
  const { frame } = g.unit
  const isReal = type.kind === 'real'
  const isChar = type.kind === 'ordinal' && type.family === 'char'
  const kept = frame.temporary(isReal ? 'r' : 'i')
  if (isLenient === true) emitLeast(g, type, kept)
  g.op2('lda', 0, kept)
  g.transfer(isReal ? 'rdr' : isChar ? 'rdc' : 'rdi', isLenient)
  const at = g.reach(target)
  g.settle(at)
  g.op2(isReal ? 'lodr' : isChar ? 'lodc' : 'lodi', 0, kept)
  if (type.kind === 'ordinal')
    emitRange(g, isChar ? { low: 0, high: 255 } : ANY_INTEGER, type, target.isPackedComponent)
  g.store(at, storageOf(type, target.isPackedComponent))
  frame.release(isReal ? 'r' : 'i', kept)
}

/** What a variable becomes where reading it fails and the program goes on: 0, or the first value of its type. */
function emitLeast(g: Generator, type: Type, kept: number): void {
  if (type.kind === 'real') g.op('ldcr', g.pool.real(0))
  else g.op('ldci', type.kind === 'ordinal' && (type.low > 0 || type.high < 0) ? type.low : 0)
  g.op2(type.kind === 'real' ? 'strr' : type.kind === 'ordinal' && type.family === 'char' ? 'strc' : 'stri', 0, kept)
}

/** A statement of input or output is done. */
export function endTransfer(g: Generator): void {
  if (g.options.ioResult) g.standard('ioz')
}

const ANY_INTEGER = { low: -Infinity, high: Infinity }

/** Writes to a text (§6.9.3). */
export function emitWrite(g: Generator, statement: CheckedStatement & { readonly op: 'write' }): void {
  const { isLenient } = statement
  g.address(g.reach(statement.file))
  for (const item of statement.items) emitItem(g, item, isLenient)
  if (statement.line) g.transfer('wln', isLenient)
  g.op('dmp', 4)
}

function emitItem(g: Generator, { value, width, digits }: WriteItem, isLenient: boolean | undefined): void {
  const { type } = value
  g.value(value)
  if (type.kind === 'real') {
    pushWidth(g, width, REAL_WIDTH)
    if (digits) g.value(digits)
    g.transfer(digits ? 'wrf' : 'wrr', isLenient)
  } else if (type.kind === 'string') {
    pushWidth(g, width, 0)
    g.transfer('wst', isLenient)
  } else if (type.kind === 'long') {
    pushWidth(g, width, 1)
    g.transfer('wrl', isLenient)
  } else if (type.kind === 'array') {
    pushWidth(g, width, lengthOf(type))
    g.op('ldci', lengthOf(type))
    g.transfer('wrs', isLenient)
  } else if (isFamily(type, 'char')) {
    pushWidth(g, width, 1)
    g.transfer('wrc', isLenient)
  } else if (isFamily(type, 'boolean')) {
    pushWidth(g, width, BOOLEAN_WIDTH)
    g.transfer('wrb', isLenient)
  } else {
    pushWidth(g, width, INTEGER_WIDTH)
    g.transfer('wri', isLenient)
  }
}

function isFamily(type: Type, family: string): boolean {
  return type.kind === 'ordinal' && type.family === family
}

function pushWidth(g: Generator, width: WriteItem['width'], usual: number): void {
  if (width) g.value(width)
  else g.op('ldci', usual)
}

/** `reset`, `rewrite`, `get`, `put`, `page` (§6.6.5.2, §6.9.5). */
export function emitFile(g: Generator, statement: CheckedStatement & { readonly op: 'file' }): void {
  const { action, file, isLenient } = statement
  const { isText, component } = file.type as FileType
  g.address(g.reach(file))
  switch (action) {
    case 'reset':
      g.transfer(isText ? 'rsf' : 'rsb', isLenient)
      break
    case 'rewrite':
      g.transfer(isText ? 'rwf' : 'rwb', isLenient)
      break
    case 'page':
      g.transfer('pag', isLenient)
      break
    default:
      if (isText) {
        g.transfer(action, isLenient)
      } else {
        g.op('ldci', sizeOf(component).bytes)
        g.transfer(action === 'get' ? 'gbf' : 'pbf', isLenient)
      }
  }
}
