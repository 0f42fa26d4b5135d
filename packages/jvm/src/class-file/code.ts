import { classFormatError } from '../problem.ts'
import { ClassReader } from './bytes.ts'
import { type Attribute, type ClassFile, findAttribute, type MemberInfo } from './parse.ts'

/** A row of an exception table: `start` inclusive, `end` exclusive, code offsets; `type` 0 catches everything. */
export interface Handler {
  readonly start: number
  readonly end: number
  readonly target: number
  /** Constant pool index of the class, or 0. */
  readonly type: number
}
/** A Code attribute (JVMS §4.7.3). */
export interface Code {
  readonly maxStack: number
  readonly maxLocals: number
  readonly bytes: Uint8Array
  readonly handlers: readonly Handler[]
  readonly attributes: readonly Attribute[]
}

/** Parses a method’s code; undefined when it has none. Throws ClassFormatError (JVMS §4.8, §4.9.1). */
export function parseCode(file: ClassFile, method: MemberInfo): Code | undefined {
  const attribute = findAttribute(method.attributes, 'Code')
  if (!attribute) return undefined
  const reader = new ClassReader(file.bytes, attribute.start, attribute.start + attribute.length)
  reader.where = file.name
  const maxStack = reader.u2()
  const maxLocals = reader.u2()
  const length = reader.u4()
  if (length === 0 || length > 65_535) {
    throw classFormatError(`Invalid method Code length ${length}`, file.name)
  }
  const start = reader.at
  reader.skip(length)
  const bytes = file.bytes.subarray(start, start + length)
  const handlers: Handler[] = []
  for (let count = reader.u2(); count > 0; count--) {
    const handler = { start: reader.u2(), end: reader.u2(), target: reader.u2(), type: reader.u2() }
    if (handler.start >= handler.end || handler.end > length || handler.target >= length) {
      throw classFormatError('Illegal exception table range', file.name)
    }
    if (handler.type) file.pool.className(handler.type)
    handlers.push(handler)
  }
  const attributes: Attribute[] = []
  for (let count = reader.u2(); count > 0; count--) {
    const name = file.pool.utf8(reader.u2())
    const size = reader.u4()
    attributes.push({ name, start: reader.at, length: size })
    reader.skip(size)
  }
  if (reader.at !== reader.end) throw classFormatError('Invalid code attribute length', file.name)
  return { maxStack, maxLocals, bytes, handlers, attributes }
}

/** Code offset and line pairs of a method, from all its LineNumberTables (JVMS §4.7.12). */
export function lineNumbers(file: ClassFile, code: Code): readonly (readonly [offset: number, line: number])[] {
  return code.attributes
    .filter(attribute => attribute.name === 'LineNumberTable')
    .flatMap(({ start, length }) => {
      const reader = new ClassReader(file.bytes, start, start + length)
      return Array.from({ length: reader.u2() }, () => [reader.u2(), reader.u2()] as const)
    })
}

/** The line that the instruction at `offset` belongs to, or -1. */
export function lineAt(file: ClassFile, code: Code, offset: number): number {
  let best = -1
  let line = -1
  for (const [start, number] of lineNumbers(file, code)) {
    if (start <= offset && start >= best) {
      best = start
      line = number
    }
  }
  return line
}
