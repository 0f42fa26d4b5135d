import { dotted } from '../runtime/class-table.ts'
import type { JavaClass, Ref } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import type { Arguments, JavaValue, Result, Untyped } from './values.ts'

/** What objects reach their machine by. */
export interface Owner {
  readonly vm: Vm
  /** Calls a method or, as `<init>`, makes an object. */
  call(cls: JavaClass, receiver: Ref, name: string, args: readonly JavaValue[]): Promise<JavaValue>
  read(cls: JavaClass, receiver: Ref, name: string): Promise<JavaValue>
  write(cls: JavaClass, receiver: Ref, name: string, value: JavaValue): Promise<void>
  elements(cls: JavaClass, array: Ref): JavaValue[]
}

/** An object of Java’s, held as long as this is. `T` describes its methods. */
export class JavaObject<T = Untyped> {
  readonly #owner: Owner
  /** For the machine’s own use. */
  readonly ref: Ref

  constructor(owner: Owner, ref: Ref) {
    this.#owner = owner
    this.ref = ref
  }
  get #class(): JavaClass {
    return this.#owner.vm.heap.classOf(this.ref)
  }
  /** E.g. `java.util.ArrayList`. */
  get className(): string {
    return dotted(this.#class.name)
  }
  /**
   * Calls a public method: of several the one whose parameters fit best. Throws `java.member` when there is none,
   * `JavaException` for what it throws.
   */
  async call<K extends keyof T & string>(name: K, ...args: Arguments<T[K]>): Promise<Result<T[K]>> {
    return (await this.#owner.call(this.#class, this.ref, name, args as readonly JavaValue[])) as Result<T[K]>
  }
  /** A public field’s value. Throws `java.member`. */
  async get(name: string): Promise<JavaValue> {
    return await this.#owner.read(this.#class, this.ref, name)
  }
  /** Assigns a public field that is not final. Throws `java.member`. */
  async set(name: string, value: JavaValue): Promise<void> {
    await this.#owner.write(this.#class, this.ref, name, value)
  }
  /** What its toString method gives. */
  async text(): Promise<string> {
    return (await this.#owner.call(this.#class, this.ref, 'toString', [])) as string
  }
  /** True when both are the same object. */
  is(other: JavaObject): boolean {
    return this.#owner.vm.rt.same(this.ref, other.ref) !== 0
  }
  /** True when its class is this one or below it, e.g. `java.util.List`. */
  isA(type: JavaType): boolean {
    return this.#class.isSubtypeOf(type.cls)
  }
  /** An array’s elements; undefined when it is no array. */
  items(): JavaValue[] | undefined {
    return this.#class.element && this.#owner.elements(this.#class, this.ref)
  }
}

/** A class or interface of Java’s. `S` describes its static methods, `T` those of its objects. */
export class JavaType<T = Untyped, S = Untyped> {
  readonly #owner: Owner
  /** For the machine’s own use. */
  readonly cls: JavaClass

  constructor(owner: Owner, cls: JavaClass) {
    this.#owner = owner
    this.cls = cls
  }
  get name(): string {
    return dotted(this.cls.name)
  }
  /** Makes an object: of several constructors by the one whose parameters fit best. Throws as `JavaObject.call`. */
  async new(...args: readonly JavaValue[]): Promise<JavaObject<T>> {
    return (await this.#owner.call(this.cls, null, '<init>', args)) as JavaObject<T>
  }
  /** Calls a public static method. Throws as `JavaObject.call`. */
  async call<K extends keyof S & string>(name: K, ...args: Arguments<S[K]>): Promise<Result<S[K]>> {
    return (await this.#owner.call(this.cls, null, name, args as readonly JavaValue[])) as Result<S[K]>
  }
  /** A public static field’s value. Throws `java.member`. */
  async get(name: string): Promise<JavaValue> {
    return await this.#owner.read(this.cls, null, name)
  }
  /** Assigns a public static field that is not final. Throws `java.member`. */
  async set(name: string, value: JavaValue): Promise<void> {
    await this.#owner.write(this.cls, null, name, value)
  }
}
