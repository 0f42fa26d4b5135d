import type { Field, JavaClass, Ref, Value } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import { JdwpError } from './errors.ts'
import type { Ids } from './ids.ts'
import type { PacketReader, PacketWriter } from './packet.ts'

/** Tags of values (JDWP, “Tag Constants”): primitive types have their descriptors’ letters. */
const OBJECT_TAGS: readonly (readonly [tag: string, className: string])[] = [
  ['s', 'java/lang/String'],
  ['t', 'java/lang/Thread'],
  ['g', 'java/lang/ThreadGroup'],
  ['l', 'java/lang/ClassLoader'],
  ['c', 'java/lang/Class'],
]

/** Values on their way to and from a debugger. */
export class Values {
  readonly #vm: Vm
  readonly #ids: Ids

  constructor(vm: Vm, ids: Ids) {
    this.#vm = vm
    this.#ids = ids
  }

  /** The tag of an object: what kind of object it is. */
  tagOf(object: Ref): string {
    if (object === null) return 'L'
    const cls = this.#vm.heap.classOf(object)
    if (cls.isArray) return '['
    return OBJECT_TAGS.find(([, name]) => cls.isSubtypeOf(this.#vm.classes.boot(name)))?.[0] ?? 'L'
  }
  writeObject(out: PacketWriter, object: Ref): void {
    out.u1(this.tagOf(object).charCodeAt(0)).id(this.#ids.ofObject(object))
  }
  /** A value with its tag; `type` is its descriptor’s first letter. */
  writeTagged(out: PacketWriter, type: string, value: Value): void {
    if (type === 'L' || type === '[') return this.writeObject(out, value as Ref)
    out.u1(type.charCodeAt(0))
    this.write(out, type, value)
  }
  /** A value whose type both sides know. */
  write(out: PacketWriter, type: string, value: Value): void {
    switch (type) {
      case 'V':
        return
      case 'Z':
      case 'B':
        out.u1(value as number)
        return
      case 'C':
      case 'S':
        out.i2(value as number)
        return
      case 'I':
        out.i4(value as number)
        return
      case 'J':
        out.i8(value as bigint)
        return
      case 'F':
        out.f4(value as number)
        return
      case 'D':
        out.f8(value as number)
        return
      default:
        out.id(this.#ids.ofObject(value as Ref))
    }
  }
  read(input: PacketReader, type: string): Value {
    switch (type) {
      case 'Z':
        return input.u1() === 0 ? 0 : 1
      case 'B':
        return (input.u1() << 24) >> 24
      case 'C':
        return input.i2() & 0xffff
      case 'S':
        return input.i2()
      case 'I':
        return input.i4()
      case 'J':
        return input.i8()
      case 'F':
        return input.f4()
      case 'D':
        return input.f8()
      default:
        return this.#ids.objectOrNull(input.id())
    }
  }
  /** A value that brings its tag, for a place of this type. */
  readTagged(input: PacketReader, descriptor: string, from: JavaClass): Value {
    const tag = String.fromCharCode(input.u1())
    const type = descriptor[0] as string
    const isObject = 'L[stglc'.includes(tag)
    if (isObject ? type !== 'L' && type !== '[' : tag !== type) throw new JdwpError('TYPE_MISMATCH')
    const value = this.read(input, type)
    if (isObject) this.checkFits(value as Ref, descriptor, from)
    return value
  }
  /** Throws TYPE_MISMATCH unless a place of this type, as class `from` names it, may hold the object. */
  checkFits(object: Ref, descriptor: string, from: JavaClass): void {
    const type = this.#vm.classes.peekDescriptor(descriptor, from.loader)
    if (object !== null && (!type || !this.#vm.heap.classOf(object).isSubtypeOf(type)))
      throw new JdwpError('TYPE_MISMATCH')
  }

  readField(object: Ref, field: Field): Value {
    if (field.isStatic) return this.#vm.heap.getStatic(field)
    if (!this.#vm.heap.classOf(object).isSubtypeOf(field.owner)) throw new JdwpError('INVALID_FIELDID')
    return this.#vm.heap.getField(object, field)
  }
  setField(input: PacketReader, object: Ref, field: Field): void {
    const { heap } = this.#vm
    if (field.isStatic !== (object === null)) throw new JdwpError('INVALID_FIELDID')
    const value = this.read(input, field.descriptor[0] as string)
    if (field.kind === 'L') this.checkFits(value as Ref, field.descriptor, field.owner)
    if (field.isStatic) return heap.setStatic(field, value)
    if (!heap.classOf(object).isSubtypeOf(field.owner)) throw new JdwpError('INVALID_FIELDID')
    heap.setField(object, field, value)
  }

  /** An element of an array, and storing one. */
  element(array: object, at: number): Value {
    const { rt } = this.#vm
    switch (this.elementType(array)) {
      case 'Z':
      case 'B':
        return rt.getB(array, at)
      case 'C':
        return rt.getS(array, at) & 0xffff
      case 'S':
        return (rt.getS(array, at) << 16) >> 16
      case 'I':
        return rt.getI(array, at)
      case 'J':
        return rt.getJ(array, at)
      case 'F':
        return rt.getF(array, at)
      case 'D':
        return rt.getD(array, at)
      default:
        return rt.getL(array, at)
    }
  }
  setElement(array: object, at: number, value: Value): void {
    const { rt } = this.#vm
    switch (this.elementType(array)) {
      case 'Z':
      case 'B':
        return rt.setB(array, at, value as number)
      case 'C':
      case 'S':
        return rt.setS(array, at, value as number)
      case 'I':
        return rt.setI(array, at, value as number)
      case 'J':
        return rt.setJ(array, at, value as bigint)
      case 'F':
        return rt.setF(array, at, value as number)
      case 'D':
        return rt.setD(array, at, value as number)
      default: {
        const { element } = this.#vm.heap.classOf(array)
        const fits = value === null || this.#vm.heap.classOf(value as Ref).isSubtypeOf(element as JavaClass)
        if (!fits) throw new JdwpError('TYPE_MISMATCH')
        rt.setL(array, at, value as Ref)
      }
    }
  }
  /** The first letter of the descriptor of an array’s elements. Throws INVALID_ARRAY for what is none. */
  elementType(array: object): string {
    const { element } = this.#vm.heap.classOf(array)
    if (!element) throw new JdwpError('INVALID_ARRAY')
    return element.primitive ?? (element.isArray ? '[' : 'L')
  }
}
