import { classFormatError, JavaProblem } from '../problem.ts'
import {
  ACC_ABSTRACT,
  ACC_ANNOTATION,
  ACC_ENUM,
  ACC_FINAL,
  ACC_INTERFACE,
  ACC_MODULE,
  ACC_NATIVE,
  ACC_PRIVATE,
  ACC_PROTECTED,
  ACC_PUBLIC,
  ACC_STATIC,
  ACC_SUPER,
  ACC_VOLATILE,
} from './access.ts'
import { ClassReader } from './bytes.ts'
import { ConstantPool } from './constant-pool.ts'
import { isFieldDescriptor, isUnqualifiedName, parseMethodDescriptor } from './descriptor.ts'

/** Class file versions that are understood. */
export const MIN_MAJOR = 45
export const MAX_MAJOR = 69

/** An attribute’s place in the file. */
export interface Attribute {
  readonly name: string
  readonly start: number
  readonly length: number
}
/** A field or method as the file has it (JVMS §4.5, §4.6). */
export interface MemberInfo {
  readonly access: number
  readonly name: string
  readonly descriptor: string
  readonly attributes: readonly Attribute[]
}
/** A class file taken apart and checked for format (JVMS §4.1, §4.8); code is parsed when it is first wanted. */
export interface ClassFile {
  readonly bytes: Uint8Array
  readonly minor: number
  readonly major: number
  readonly pool: ConstantPool
  readonly access: number
  readonly name: string
  /** Null for java/lang/Object and module descriptors. */
  readonly superName: string | null
  readonly interfaces: readonly string[]
  readonly fields: readonly MemberInfo[]
  readonly methods: readonly MemberInfo[]
  readonly attributes: readonly Attribute[]
}

/** How far to look: a library that is trusted is not checked name by name. */
export interface ParseOptions {
  readonly trusted?: boolean
  /** The newest version accepted: that of the library’s own virtual machine. */
  readonly maxMajor?: number
}

/** The attribute called `name`, if there is one. */
export function findAttribute(attributes: readonly Attribute[], name: string): Attribute | undefined {
  return attributes.find(attribute => attribute.name === name)
}

/**
 * Parses a class file. Throws a JavaProblem: ClassFormatError for what JVMS §4.8 forbids, UnsupportedClassVersionError
 * for a version outside 45 to `maxMajor`.
 */
export function parseClassFile(bytes: Uint8Array, options: ParseOptions = {}): ClassFile {
  const reader = new ClassReader(bytes)
  const magic = reader.u4()
  if (magic !== 0xcafebabe) {
    throw classFormatError(`Incompatible magic value ${magic}`, reader.where)
  }
  const minor = reader.u2()
  const major = reader.u2()
  const maxMajor = options.maxMajor ?? MAX_MAJOR
  if (major < MIN_MAJOR || major > maxMajor) {
    throw new JavaProblem(
      'java/lang/UnsupportedClassVersionError',
      `${nameForErrors(bytes)} has been compiled by a more recent version of the Java Runtime (class file version ${major}.${minor}), this version of the Java Runtime only recognizes class file versions up to ${maxMajor}.0`,
    )
  }
  const pool = new ConstantPool(reader, major)
  const access = reader.u2()
  if (access & ACC_MODULE && major >= 53) {
    throw new JavaProblem(
      'java/lang/NoClassDefFoundError',
      `${pool.className(reader.u2())} is not a class because access_flag ACC_MODULE is set`,
    )
  }
  const name = pool.className(reader.u2())
  reader.where = name
  if (!options.trusted) pool.check()
  const superIndex = reader.u2()
  const superName = superIndex === 0 ? null : pool.className(superIndex)
  if (superName === null && name !== 'java/lang/Object') {
    throw classFormatError(`Invalid superclass index 0`, name)
  }
  if (!options.trusted) checkClassAccess(access, name, major)
  const interfaces: string[] = []
  for (let count = reader.u2(); count > 0; count--) interfaces.push(pool.className(reader.u2()))
  const fields = readMembers(reader, pool, 'field')
  const methods = readMembers(reader, pool, 'method')
  const attributes = readAttributes(reader, pool)
  if (reader.at !== reader.end) throw classFormatError('Extra bytes at the end of class file', name)
  const file = { bytes, minor, major, pool, access, name, superName, interfaces, fields, methods, attributes }
  if (!options.trusted) checkMembers(file)
  return file
}

/** The class’s name if it can be found, for messages about versions. */
function nameForErrors(bytes: Uint8Array): string {
  const reader = new ClassReader(bytes, 8)
  try {
    const pool = new ConstantPool(reader, MAX_MAJOR)
    reader.skip(2)
    return pool.className(reader.u2())
  } catch (error) {
    if (error instanceof JavaProblem) return 'Unknown'
    throw error
  }
}

function readAttributes(reader: ClassReader, pool: ConstantPool): Attribute[] {
  const attributes: Attribute[] = []
  for (let count = reader.u2(); count > 0; count--) {
    const name = pool.utf8(reader.u2())
    const length = reader.u4()
    attributes.push({ name, start: reader.at, length })
    reader.skip(length)
  }
  return attributes
}

function readMembers(reader: ClassReader, pool: ConstantPool, what: string): MemberInfo[] {
  const members: MemberInfo[] = []
  for (let count = reader.u2(); count > 0; count--) {
    const access = reader.u2()
    const name = pool.utf8(reader.u2())
    const descriptor = pool.utf8(reader.u2())
    if (what === 'method' ? !parseMethodDescriptor(descriptor) : !isFieldDescriptor(descriptor)) {
      const kind = what === 'method' ? 'Method' : 'Field'
      throw classFormatError(`${kind} "${name}" has illegal signature "${descriptor}"`, reader.where)
    }
    if (name === '<init>' && !descriptor.endsWith(')V')) {
      throw classFormatError(`Method "<init>" has illegal signature "${descriptor}"`, reader.where)
    }
    members.push({ access, name, descriptor, attributes: readAttributes(reader, pool) })
  }
  return members
}

/** Modifiers that a class may have (JVMS §4.1, §4.7.6). Throws ClassFormatError. */
export function checkClassAccess(access: number, name: string, major: number): void {
  const has = (flag: number): boolean => (access & flag) !== 0
  const isInterface = has(ACC_INTERFACE)
  const modern = major >= 49
  const bad =
    (has(ACC_ABSTRACT) && has(ACC_FINAL)) ||
    (isInterface && !has(ACC_ABSTRACT)) ||
    (isInterface && modern && (has(ACC_SUPER) || has(ACC_ENUM))) ||
    (!isInterface && modern && has(ACC_ANNOTATION))
  if (bad) {
    throw new JavaProblem(
      'java/lang/ClassFormatError',
      `Illegal class modifiers in class ${name}: 0x${access.toString(16).toUpperCase()}`,
    )
  }
}

const VISIBILITY = ACC_PUBLIC | ACC_PRIVATE | ACC_PROTECTED

function checkMembers(file: ClassFile): void {
  const isInterface = (file.access & ACC_INTERFACE) !== 0
  for (const [kind, members] of [
    ['field', file.fields],
    ['method', file.methods],
  ] as const) {
    const seen = new Set<string>()
    for (const member of members) {
      const label = kind === 'method' ? 'Method' : 'Field'
      if (!isUnqualifiedName(member.name, kind === 'method')) {
        throw classFormatError(`Illegal ${kind} name "${member.name}"`, file.name)
      }
      const key = `${member.name} ${member.descriptor}`
      if (seen.has(key)) {
        throw classFormatError(
          `Duplicate ${kind} name "${member.name}" with signature "${member.descriptor}"`,
          file.name,
        )
      }
      seen.add(key)
      const visible = member.access & VISIBILITY
      const legal =
        (visible & (visible - 1)) === 0 &&
        (kind === 'field' ? legalField(member, isInterface) : legalMethod(member, isInterface, file.major))
      if (!legal) {
        throw new JavaProblem(
          'java/lang/ClassFormatError',
          `${label} ${member.name} in class ${file.name} has illegal modifiers: 0x${member.access.toString(16).toUpperCase()}`,
        )
      }
      if (kind === 'method') checkMethod(member, file)
    }
  }
}

function legalField({ access }: MemberInfo, isInterface: boolean): boolean {
  const constant = ACC_PUBLIC | ACC_STATIC | ACC_FINAL
  if (isInterface) return (access & constant) === constant && (access & ACC_VOLATILE) === 0
  return (access & (ACC_FINAL | ACC_VOLATILE)) !== (ACC_FINAL | ACC_VOLATILE)
}

/** What a constructor may be from version 49 on: visible somehow, varargs, strict, synthetic (JVMS §4.6). */
const INIT_MODIFIERS = 0x1887

function legalMethod({ access, name }: MemberInfo, isInterface: boolean, major: number): boolean {
  if (name === '<clinit>') return true
  const abstract = (access & ACC_ABSTRACT) !== 0
  if (isInterface && major < 52) {
    return (access & (ACC_PUBLIC | ACC_ABSTRACT)) === (ACC_PUBLIC | ACC_ABSTRACT)
  }
  if (
    isInterface &&
    ((access & (ACC_PUBLIC | ACC_PRIVATE)) === 0 || access & (ACC_PROTECTED | ACC_FINAL | ACC_NATIVE))
  ) {
    return false
  }
  if (name === '<init>') {
    const illegal = major < 49 ? ACC_STATIC | ACC_FINAL | ACC_ABSTRACT | ACC_NATIVE : ~INIT_MODIFIERS & 0x7fff
    return !isInterface && (access & illegal) === 0
  }
  return !abstract || (access & (ACC_PRIVATE | ACC_STATIC | ACC_FINAL | ACC_NATIVE)) === 0
}

function checkMethod(method: MemberInfo, file: ClassFile): void {
  const code = method.attributes.filter(attribute => attribute.name === 'Code').length
  const bodiless = method.name !== '<clinit>' && (method.access & (ACC_NATIVE | ACC_ABSTRACT)) !== 0
  if (code > 1) throw classFormatError('Multiple Code attributes', file.name)
  if (bodiless && code > 0) {
    throw classFormatError(
      `Code attribute in native, abstract or interface method "${method.name}${method.descriptor}"`,
      file.name,
    )
  }
  if (!bodiless && code === 0) {
    throw new JavaProblem(
      'java/lang/ClassFormatError',
      `Absent Code attribute in method that is not native or abstract in class file ${file.name}`,
    )
  }
  const descriptor = parseMethodDescriptor(method.descriptor)
  const words = (descriptor?.slots ?? 0) + (method.access & ACC_STATIC ? 0 : 1)
  if (words > 255) throw classFormatError(`Too many arguments in method signature`, file.name)
}
