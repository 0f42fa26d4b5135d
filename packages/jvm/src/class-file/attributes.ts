import { classFormatError } from '../problem.ts'
import { ACC_STATIC } from './access.ts'
import { ClassReader } from './bytes.ts'
import { type Code, parseCode } from './code.ts'
import { Tag } from './constant-pool.ts'
import { isFieldDescriptor, parseMethodDescriptor } from './descriptor.ts'
import { type Attribute, checkClassAccess, type ClassFile, findAttribute } from './parse.ts'

/** First versions whose attributes of these kinds count (JVMS table 4.7-B). */
const MAJOR_7 = 51
const MAJOR_11 = 55
/** Modifiers of member classes that mean something (JVMS table 4.7.6-A), ACC_SUPER besides. */
const INNER_MODIFIERS = 0x763f

/** Checks the attributes that the machine goes by (JVMS §4.7). Throws ClassFormatError. */
export function checkAttributes(file: ClassFile): void {
  const { name } = file
  const bad = (what: string): never => {
    throw classFormatError(what, name)
  }
  for (const method of file.methods) {
    const code = parseCode(file, method)
    if (!code) continue
    checkCode(file, code)
    const words = (parseMethodDescriptor(method.descriptor)?.slots ?? 0) + (method.access & ACC_STATIC ? 0 : 1)
    if (words > code.maxLocals) bad("Arguments can't fit into locals")
  }
  const read = (kind: string): ClassReader | undefined => {
    if (file.attributes.filter(a => a.name === kind).length > 1) bad(`Multiple ${kind} attributes`)
    const attribute = findAttribute(file.attributes, kind)
    return attribute && readerOf(file, attribute)
  }
  const expect = (index: number, tags: readonly number[], what: string, mayBeZero = false): void => {
    if (index === 0 && mayBeZero) return
    if (!tags.includes(file.pool.tag(index))) bad(`${what} ${index} has bad constant type`)
  }
  const source = read('SourceFile')
  if (source) {
    if (source.end - source.at !== 2) bad('Wrong size 2 for SourceFile attribute')
    expect(source.u2(), [Tag.utf8], 'Invalid SourceFile attribute at constant pool index')
  }
  for (const { attributes } of [file, ...file.fields, ...file.methods]) {
    const signature = findAttribute(attributes, 'Signature')
    if (signature)
      expect(readerOf(file, signature).u2(), [Tag.utf8], 'Invalid Signature attribute at constant pool index')
  }
  const inner = read('InnerClasses')
  if (inner) {
    const count = inner.u2()
    for (let i = 0; i < count; i++) {
      expect(inner.u2(), [Tag.class], 'inner_class_info_index')
      expect(inner.u2(), [Tag.class], 'outer_class_info_index', true)
      expect(inner.u2(), [Tag.utf8], 'inner_name_index', true)
      checkClassAccess(inner.u2() & INNER_MODIFIERS, name, file.major)
    }
    if (inner.at !== inner.end) bad('Wrong InnerClasses attribute length')
  }
  if (file.major >= MAJOR_7) checkBootstrap(file, read('BootstrapMethods'), expect, bad)
  if (file.major >= MAJOR_11) {
    const host = read('NestHost')
    if (host) expect(host.u2(), [Tag.class], 'Nest-host class_info_index')
    const members = read('NestMembers')
    if (members) {
      const count = members.u2()
      for (let i = 0; i < count; i++) expect(members.u2(), [Tag.class], 'Nest member class_info_index')
      if (members.at !== members.end) bad('Wrong NestMembers attribute length')
    }
    if (host && members) bad('Conflicting NestHost and NestMembers attributes')
  }
}

type Expect = (index: number, tags: readonly number[], what: string) => void

function checkBootstrap(
  file: ClassFile,
  reader: ClassReader | undefined,
  expect: Expect,
  bad: (what: string) => never,
): void {
  const { pool } = file
  let needed = -1
  for (let i = 1; i < pool.count; i++) {
    const tag = pool.tag(i)
    if (tag === Tag.dynamic || tag === Tag.invokeDynamic) needed = Math.max(needed, pool.dynamic(i).bootstrap)
  }
  if (!reader) {
    if (needed >= 0) bad('Missing BootstrapMethods attribute')
    return
  }
  const count = reader.u2()
  if (count <= needed) bad('Short length on BootstrapMethods')
  const loadable = [
    Tag.string,
    Tag.class,
    Tag.integer,
    Tag.long,
    Tag.float,
    Tag.double,
    Tag.methodHandle,
    Tag.methodType,
    Tag.dynamic,
  ]
  for (let i = 0; i < count; i++) {
    expect(reader.u2(), [Tag.methodHandle], 'bootstrap_method_index')
    for (let args = reader.u2(); args > 0; args--) expect(reader.u2(), loadable, 'argument_index')
  }
  if (reader.at !== reader.end) bad('Bad length on BootstrapMethods')
}

function checkCode(file: ClassFile, code: Code): void {
  const { pool, name } = file
  const length = code.bytes.length
  const size = code.handlers.find(h => h.type !== 0 && pool.tag(h.type) !== Tag.class)
  if (size) throw classFormatError('Catch type in exception table has bad constant type', name)
  for (const attribute of code.attributes) {
    const reader = readerOf(file, attribute)
    if (attribute.name === 'LineNumberTable') {
      const count = reader.u2()
      if (attribute.length !== 2 + count * 4) {
        throw classFormatError('LineNumberTable attribute has wrong length', name)
      }
      for (let i = 0; i < count; i++) {
        if (reader.u2() >= length) throw classFormatError('Invalid pc in LineNumberTable', name)
        reader.skip(2)
      }
    } else if (attribute.name === 'LocalVariableTable') {
      const count = reader.u2()
      if (attribute.length !== 2 + count * 10) {
        throw classFormatError('LocalVariableTable has wrong length', name)
      }
      for (let i = 0; i < count; i++) {
        const [start, span] = [reader.u2(), reader.u2()]
        if (start >= length) throw classFormatError(`Invalid start_pc ${start} in LocalVariableTable`, name)
        if (start + span > length) throw classFormatError(`Invalid length ${span} in LocalVariableTable`, name)
        reader.skip(2)
        if (!isFieldDescriptor(pool.utf8(reader.u2()))) throw classFormatError('Bad LocalVariableTable signature', name)
        if (reader.u2() >= code.maxLocals) throw classFormatError('Invalid index in LocalVariableTable', name)
      }
    }
  }
}

function readerOf(file: ClassFile, { start, length }: Attribute): ClassReader {
  const reader = new ClassReader(file.bytes, start, start + length)
  reader.where = file.name
  return reader
}
