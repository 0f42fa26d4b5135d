import { type FunctionBuilder, Gc, ModuleBuilder, type Node, ref } from '@doppel/wasm'
import type { FieldKind } from '../class-file/descriptor.ts'
import {
  fieldKinds,
  importShared,
  type Layout,
  ModuleTypes,
  OBJ,
  OBJECT,
  T,
  TABLE,
  valueTypeOf,
  VT_REF,
  zeroOf,
  sharedArena,
} from '../translate/types.ts'
import type { Field, JavaClass, Ref, Value } from './classes.ts'
import type { Vm } from './vm.ts'

/** The support module’s exports that the host calls. */
export interface SupportExports {
  readonly refs: WebAssembly.Table
  readonly records: WebAssembly.Table
  readonly thread: { value: number }
  readonly throwable: object
  runTask(task: object): void
  newRecord(...fields: number[]): void
  setMethod(classId: number, index: number, method: number): void
  setMirror(classId: number, mirror: Ref): void
  classOf(object: Ref): number
  getLock(object: Ref): number
  setLock(object: Ref, lock: number): void
  growTables(refs: number, records: number): void
  same(a: Ref, b: Ref): number
  instanceOf(object: Ref, classId: number): number
  identityHash(object: Ref): number
  newArray(classId: number, length: number): Ref
  arrayLength(array: Ref): number
  arrayKind(array: Ref): number
  cloneArray(array: Ref): Ref
  getMirror(object: Ref): Ref
  arraycopy(from: Ref, fromIndex: number, to: Ref, toIndex: number, count: number): void
  getB(array: Ref, index: number): number
  getS(array: Ref, index: number): number
  getI(array: Ref, index: number): number
  getJ(array: Ref, index: number): bigint
  getF(array: Ref, index: number): number
  getD(array: Ref, index: number): number
  getL(array: Ref, index: number): Ref
  setB(array: Ref, index: number, value: number): void
  setS(array: Ref, index: number, value: number): void
  setI(array: Ref, index: number, value: number): void
  setJ(array: Ref, index: number, value: bigint): void
  setF(array: Ref, index: number, value: number): void
  setD(array: Ref, index: number, value: number): void
  setL(array: Ref, index: number, value: Ref): void
  bytesToMemory(array: Ref, index: number, address: number, count: number): void
  bytesFromMemory(array: Ref, index: number, address: number, count: number): void
  charsToMemory(array: Ref, index: number, address: number, count: number): void
  charsFromMemory(array: Ref, index: number, address: number, count: number): void
}

/** Functions made for one layout: `make(classId)`, `copy(object)`, and for each own field `g<i>`, `s<i>`. */
type LayoutFunctions = Record<string, (...args: never[]) => unknown>

/** Bytes of the scratch area at the start of memory, through which strings and I/O pass. */
export const SCRATCH_BYTES = 65_536

/** The host’s view of guest objects: fields, strings, byte arrays. */
export class Heap {
  readonly #vm: Vm
  readonly #layouts = new Map<string, LayoutFunctions>()
  readonly #interned = new Map<string, Ref>()
  #stringFields: { value: Field; coder: Field; hash: Field } | undefined

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** A new object of a linked class, its fields zero. */
  allocate(cls: JavaClass): Ref {
    return (this.#functions(cls.layout).make as (id: number) => Ref)(cls.id)
  }
  /** A shallow copy. */
  copy(object: Ref): Ref {
    const cls = this.classOf(object)
    if (cls.isArray) return this.#vm.rt.cloneArray(object)
    return (this.#functions(cls.layout).copy as (o: Ref) => Ref)(object)
  }
  classOf(object: Ref): JavaClass {
    return this.#vm.classes.byId(this.#vm.rt.classOf(object))
  }

  getField(object: Ref, field: Field): Value {
    return (this.#accessors(field)[`g${field.place}`] as (o: Ref) => Value)(object)
  }
  setField(object: Ref, field: Field, value: Value): void {
    ;(this.#accessors(field)[`s${field.place}`] as (o: Ref, v: Value) => void)(object, value)
  }
  /** Reads or writes a field by name; the class must have it. */
  get(object: Ref, name: string): Value {
    return this.getField(object, this.#named(object, name))
  }
  set(object: Ref, name: string, value: Value): void {
    this.setField(object, this.#named(object, name), value)
  }
  #named(object: Ref, name: string): Field {
    const cls = this.classOf(object)
    for (let c: JavaClass | undefined = cls; c; c = c.superclass) {
      const field = c.fields.find(f => f.name === name && !f.isStatic)
      if (field) return field
    }
    throw new Error(`${cls.name} has no field ${name}`)
  }
  getStatic(field: Field): Value {
    const { view } = this.#vm
    switch (field.kind) {
      case 'L':
        return this.#vm.rt.refs.get(field.place) as Ref
      case 'J':
        return view.getBigInt64(field.place, true)
      case 'F':
        return view.getFloat32(field.place, true)
      case 'D':
        return view.getFloat64(field.place, true)
      case 'I':
        return view.getInt32(field.place, true)
    }
  }
  setStatic(field: Field, value: Value): void {
    const { view } = this.#vm
    switch (field.kind) {
      case 'L':
        return this.#vm.rt.refs.set(field.place, value)
      case 'J':
        return view.setBigInt64(field.place, value as bigint, true)
      case 'F':
        return view.setFloat32(field.place, value as number, true)
      case 'D':
        return view.setFloat64(field.place, value as number, true)
      case 'I':
        return view.setInt32(field.place, value as number, true)
    }
  }

  // Strings

  #strings(): { value: Field; coder: Field; hash: Field } {
    const string = this.#vm.classes.boot('java/lang/String')
    const field = (name: string): Field => string.findField(name) as Field
    return (this.#stringFields ??= { value: field('value'), coder: field('coder'), hash: field('hash') })
  }
  /** A new String with this text. */
  string(text: string): Ref {
    const { value, coder } = this.#strings()
    const object = this.allocate(this.#vm.classes.boot('java/lang/String'))
    let latin1 = true
    for (let i = 0; i < text.length && latin1; i++) latin1 = text.charCodeAt(i) < 256
    const bytes = new Uint8Array(latin1 ? text.length : text.length * 2)
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (latin1) bytes[i] = c
      else {
        bytes[i * 2] = c & 255
        bytes[i * 2 + 1] = c >> 8
      }
    }
    this.setField(object, value, this.byteArray(bytes))
    this.setField(object, coder, latin1 ? 0 : 1)
    return object
  }
  /** As `string`, or null for null. */
  stringOrNull(text: string | null | undefined): Ref {
    return text === null || text === undefined ? null : this.string(text)
  }
  /** The text of a String that is not null. */
  text(string: Ref): string {
    const { value, coder } = this.#strings()
    const bytes = this.bytes(this.getField(string, value) as Ref)
    const wide = this.getField(string, coder) === 1
    let text = ''
    const step = 8192
    for (let i = 0; i < bytes.length; i += step) {
      const part = bytes.subarray(i, i + step)
      const units = wide
        ? Array.from(
            { length: part.length / 2 },
            (_, k) => (part[k * 2] as number) | ((part[k * 2 + 1] as number) << 8),
          )
        : part
      text += String.fromCharCode.apply(null, units as number[])
    }
    return text
  }
  /** The canonical String of this text (String.intern). */
  intern(text: string): Ref {
    const known = this.#interned.get(text)
    if (known !== undefined) return known
    const made = this.string(text)
    this.#interned.set(text, made)
    return made
  }

  /** String.intern: the canonical String with the same text. */
  internString(string: Ref): Ref {
    const text = this.text(string)
    const known = this.#interned.get(text)
    if (known !== undefined) return known
    this.#interned.set(text, string)
    return string
  }

  // Arrays

  /** The bytes of a byte[]. */
  bytes(array: Ref, from = 0, count: number = this.#vm.rt.arrayLength(array) - from): Uint8Array {
    const out = new Uint8Array(count)
    for (let done = 0; done < count; done += SCRATCH_BYTES) {
      const part = Math.min(SCRATCH_BYTES, count - done)
      this.#vm.rt.bytesToMemory(array, from + done, 0, part)
      out.set(new Uint8Array(this.#vm.memory.buffer, 0, part), done)
    }
    return out
  }
  /** Stores bytes into a byte[]. */
  setBytes(array: Ref, at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; done += SCRATCH_BYTES) {
      const part = bytes.subarray(done, done + SCRATCH_BYTES)
      new Uint8Array(this.#vm.memory.buffer).set(part)
      this.#vm.rt.bytesFromMemory(array, at + done, 0, part.length)
    }
  }
  byteArray(bytes: Uint8Array): Ref {
    const array = this.#vm.rt.newArray(this.#vm.classes.boot('[B').id, bytes.length)
    this.setBytes(array, 0, bytes)
    return array
  }
  /** A new array of references: `type` is the array class’s name. */
  refArray(type: string, items: readonly Ref[]): Ref {
    const array = this.#vm.rt.newArray(this.#vm.classes.boot(type).id, items.length)
    items.forEach((item, i) => this.#vm.rt.setL(array, i, item))
    return array
  }
  items(array: Ref): Ref[] {
    return Array.from({ length: this.#vm.rt.arrayLength(array) }, (_, i) => this.#vm.rt.getL(array, i))
  }

  // Functions by layout

  #accessors(field: Field): LayoutFunctions {
    let layout: Layout | undefined = field.owner.layout
    while (layout && layout.first > field.place) layout = layout.parent
    return this.#functions(layout as Layout)
  }
  #functions(layout: Layout): LayoutFunctions {
    const known = this.#layouts.get(layout.key)
    if (known) return known
    const made = this.#build(layout)
    this.#layouts.set(layout.key, made)
    return made
  }
  #build(layout: Layout): LayoutFunctions {
    const module = new ModuleBuilder()
    const types = new ModuleTypes(module)
    importShared(module)
    const type = types.layout(layout)
    const kinds = fieldKinds(layout).split('') as FieldKind[]
    const define = (name: string, signature: string, body: (gc: Gc, fn: FunctionBuilder) => Node | undefined): void => {
      const f = module.declare(name, types.signature(signature).type)
      const fn = module.build(f, sharedArena)
      const result = body(new Gc(fn), fn)
      if (result === undefined) fn.return()
      else fn.return(result)
      module.finish(fn)
      module.export(name, 'func', f.index)
    }
    const make = module.declare('make', types.signature('I)L').type)
    const maker = module.build(make, sharedArena)
    const zeros = kinds.map(kind => zeroOf(maker, new Gc(maker), kind))
    const record = new Gc(maker).refAsNonNull(VT_REF, new Gc(maker).tableGet(TABLE.records, ref(T.vt), maker.get(0)))
    maker.return(new Gc(maker).structNew(type, OBJ, [record, maker.i32(0), maker.i32(0), ...zeros]))
    module.finish(maker)
    module.export('make', 'func', make.index)
    define('copy', 'L)L', (gc, fn) => {
      const self = (): Node => gc.refCast(ref(type, false), fn.get(0))
      const f = kinds.map((kind, i) => gc.structGet(type, OBJECT.fields + i, valueTypeOf(kind), self()))
      const vt = gc.structGet(T.object, OBJECT.vt, VT_REF, fn.get(0))
      return gc.structNew(type, OBJ, [vt, fn.i32(0), fn.i32(0), ...f])
    })
    for (let i = 0; i < layout.kinds.length; i++) {
      const kind = layout.kinds[i] as FieldKind
      const place = layout.first + i
      define(`g${place}`, `L)${kind}`, (gc, fn) =>
        gc.structGet(type, place, valueTypeOf(kind), gc.refCast(ref(type, false), fn.get(0))),
      )
      define(`s${place}`, `L${kind})V`, (gc, fn) => {
        gc.structSet(type, place, gc.refCast(ref(type, false), fn.get(0)), fn.get(1))
        return undefined
      })
    }
    return this.#vm.instantiate(module) as LayoutFunctions
  }
}
