import { classFormatError } from '../problem.ts'
import { type ClassReader, readI4, readU2 } from './bytes.ts'
import { isClassName, isFieldDescriptor, isUnqualifiedName, parseMethodDescriptor } from './descriptor.ts'
import { decodeModifiedUtf8 } from './modified-utf8.ts'

/** Constant tags (JVMS §4.4, table 4.4-A). */
export const Tag = {
  utf8: 1,
  integer: 3,
  float: 4,
  long: 5,
  double: 6,
  class: 7,
  string: 8,
  field: 9,
  method: 10,
  interfaceMethod: 11,
  nameAndType: 12,
  methodHandle: 15,
  methodType: 16,
  dynamic: 17,
  invokeDynamic: 18,
  module: 19,
  package: 20,
} as const

/** Bytes after the tag, and the first class file version that has it. */
const SHAPES: Readonly<Record<number, readonly [bytes: number, since: number]>> = {
  3: [4, 45],
  4: [4, 45],
  5: [8, 45],
  6: [8, 45],
  7: [2, 45],
  8: [2, 45],
  9: [4, 45],
  10: [4, 45],
  11: [4, 45],
  12: [4, 45],
  15: [3, 51],
  16: [2, 51],
  17: [4, 55],
  18: [4, 51],
  19: [2, 53],
  20: [2, 53],
}

/** A field or method that code refers to. */
export interface MemberReference {
  readonly owner: string
  readonly name: string
  readonly descriptor: string
  /** True for a CONSTANT_InterfaceMethodref. */
  readonly isInterface: boolean
}

/** The constant pool (JVMS §4.4): tags, places and, decoded when first asked for, values. */
export class ConstantPool {
  readonly bytes: Uint8Array
  readonly tags: Uint8Array
  readonly #at: Int32Array
  readonly #text: (string | undefined)[] = []
  readonly #members: (MemberReference | undefined)[] = []
  readonly #where: () => string

  constructor(reader: ClassReader, major: number) {
    this.bytes = reader.bytes
    this.#where = () => reader.where
    const count = reader.u2()
    if (count === 0) throw classFormatError('Illegal constant pool size 0', reader.where)
    this.tags = new Uint8Array(count)
    this.#at = new Int32Array(count)
    for (let i = 1; i < count; i++) {
      const tag = reader.u1()
      this.tags[i] = tag
      this.#at[i] = reader.at
      if (tag === Tag.utf8) {
        const length = reader.u2()
        this.#at[i] = reader.at
        reader.skip(length)
        continue
      }
      const shape = SHAPES[tag]
      if (!shape || major < shape[1]) throw classFormatError(`Unknown constant tag ${tag}`, reader.where)
      reader.skip(shape[0])
      if (shape[0] === 8 && ++i >= count) {
        throw classFormatError(`Invalid constant pool index ${i}`, reader.where)
      }
    }
  }

  get count(): number {
    return this.tags.length
  }
  tag(index: number): number {
    return this.tags[index] ?? 0
  }
  #expect(index: number, tag: number): number {
    if (index <= 0 || this.tags[index] !== tag) {
      throw classFormatError(`Invalid constant pool index ${index}`, this.#where())
    }
    return this.#at[index] as number
  }

  /** The text of a CONSTANT_Utf8. */
  utf8(index: number): string {
    const known = this.#text[index]
    if (known !== undefined) return known
    const at = this.#expect(index, Tag.utf8)
    const text = decodeModifiedUtf8(this.bytes, at, at + readU2(this.bytes, at - 2))
    if (text === undefined) throw classFormatError('Illegal UTF8 string in constant pool', this.#where())
    this.#text[index] = text
    return text
  }
  /** What a constant of one index refers to: class, string, method type, module or package. */
  named(index: number, tag: number): string {
    return this.utf8(readU2(this.bytes, this.#expect(index, tag)))
  }
  className(index: number): string {
    return this.named(index, Tag.class)
  }
  int(index: number): number {
    return readI4(this.bytes, this.#expect(index, Tag.integer))
  }
  /** The bits of a float constant. */
  floatBits(index: number): number {
    return readI4(this.bytes, this.#expect(index, Tag.float))
  }
  /** The high and low words of a long or double. */
  words(index: number): readonly [high: number, low: number] {
    const at = this.#expect(index, this.tags[index] === Tag.double ? Tag.double : Tag.long)
    return [readI4(this.bytes, at), readI4(this.bytes, at + 4)]
  }
  /** Name and descriptor of a CONSTANT_NameAndType. */
  nameAndType(index: number): readonly [name: string, descriptor: string] {
    const at = this.#expect(index, Tag.nameAndType)
    return [this.utf8(readU2(this.bytes, at)), this.utf8(readU2(this.bytes, at + 2))]
  }
  member(index: number): MemberReference {
    const known = this.#members[index]
    if (known) return known
    const tag = this.tag(index)
    const at = this.#expect(index, tag === Tag.field || tag === Tag.interfaceMethod ? tag : Tag.method)
    const [name, descriptor] = this.nameAndType(readU2(this.bytes, at + 2))
    const owner = this.className(readU2(this.bytes, at))
    const reference = { owner, name, descriptor, isInterface: tag === Tag.interfaceMethod }
    this.#members[index] = reference
    return reference
  }
  /** Reference kind (1 to 9, JVMS table 5.4.3.5-A) and the member’s index. */
  methodHandle(index: number): readonly [kind: number, member: number] {
    const at = this.#expect(index, Tag.methodHandle)
    return [this.bytes[at] as number, readU2(this.bytes, at + 1)]
  }
  /** Bootstrap method and name-and-type of a CONSTANT_Dynamic or CONSTANT_InvokeDynamic. */
  dynamic(index: number): { readonly bootstrap: number; readonly name: string; readonly descriptor: string } {
    const at = this.#expect(index, this.tag(index) === Tag.dynamic ? Tag.dynamic : Tag.invokeDynamic)
    const [name, descriptor] = this.nameAndType(readU2(this.bytes, at + 2))
    return { bootstrap: readU2(this.bytes, at), name, descriptor }
  }

  /** Checks every constant against what it refers to (JVMS §4.4, §4.8). Throws ClassFormatError. */
  check(): void {
    for (let i = 1; i < this.count; i++) {
      const tag = this.tag(i)
      if (tag === Tag.utf8) this.utf8(i)
      else if (tag === Tag.class) this.#checkClass(i)
      else if (tag >= Tag.field && tag <= Tag.interfaceMethod) this.#checkMember(i)
      else if (tag === Tag.nameAndType) this.#checkNameAndType(i)
      else if (tag === Tag.methodHandle) this.#checkMethodHandle(i)
      else if (tag === Tag.dynamic || tag === Tag.invokeDynamic) this.dynamic(i)
      else if (tag === Tag.methodType) {
        if (!parseMethodDescriptor(this.named(i, tag))) this.#bad(`Illegal method descriptor "${this.named(i, tag)}"`)
      } else if (tag === Tag.string || tag === Tag.module || tag === Tag.package) this.named(i, tag)
    }
  }
  #bad(what: string): never {
    throw classFormatError(what, this.#where())
  }
  #checkClass(index: number): void {
    const name = this.className(index)
    if (!(name[0] === '[' ? isFieldDescriptor(name) : isClassName(name))) this.#bad(`Illegal class name "${name}"`)
  }
  #checkMember(index: number): void {
    const { name, descriptor } = this.member(index)
    const method = this.tag(index) !== Tag.field
    if (!isUnqualifiedName(name, method)) this.#bad(`Illegal ${method ? 'method' : 'field'} name "${name}"`)
    if (!(method ? parseMethodDescriptor(descriptor) !== undefined : isFieldDescriptor(descriptor))) {
      this.#bad(`${method ? 'Method' : 'Field'} "${name}" has illegal signature "${descriptor}"`)
    }
    if (name === '<init>' && !descriptor.endsWith(')V')) {
      this.#bad(`Method "<init>" in class ${this.#where()} has illegal signature "${descriptor}"`)
    }
    if (name === '<clinit>') this.#bad('Bad method name at constant pool index')
  }
  #checkNameAndType(index: number): void {
    const [name, descriptor] = this.nameAndType(index)
    const method = descriptor[0] === '('
    if (!(method ? parseMethodDescriptor(descriptor) !== undefined : isFieldDescriptor(descriptor))) {
      this.#bad(`Name "${name}" has illegal signature "${descriptor}"`)
    }
  }
  #checkMethodHandle(index: number): void {
    const [kind, member] = this.methodHandle(index)
    const tag = this.tag(member)
    const right =
      kind >= 1 && kind <= 4
        ? tag === Tag.field
        : kind === 9
          ? tag === Tag.interfaceMethod
          : kind === 6 || kind === 7
            ? tag === Tag.method || tag === Tag.interfaceMethod
            : (kind === 5 || kind === 8) && tag === Tag.method
    if (!right) this.#bad(`Bad method handle kind ${kind} at constant pool index ${index}`)
    if ((this.member(member).name === '<init>') !== (kind === 8)) {
      this.#bad(`Bad method handle: kind ${kind} with ${this.member(member).name}`)
    }
  }
}
