import type { Field, JavaClass, Method, Ref } from '../runtime/classes.ts'
import { THREAD_STATUS, type JavaThread } from '../runtime/threads.ts'
import type { Vm } from '../runtime/vm.ts'
import { JdwpError } from './errors.ts'

/** Objects that a debugger knows at a time; it disposes of those it needs no more. */
const MAX_OBJECTS = 1 << 18
/** Fields of a class at most (JVMS §4.1), and where the number of the class stands in that of a field. */
const FIELDS = 65_536

/** The numbers by which a debugger names things, and back; each way back throws JdwpError for what is none. */
export class Ids {
  readonly #vm: Vm
  readonly #objects = new Map<number, object>()
  #ids = new WeakMap<object, number>()
  #last = 0

  constructor(vm: Vm) {
    this.#vm = vm
  }

  ofObject(object: Ref): number {
    if (object === null) return 0
    let id = this.#ids.get(object)
    if (id === undefined || !this.#objects.has(id)) {
      if (this.#objects.size >= MAX_OBJECTS) throw new JdwpError('OUT_OF_MEMORY')
      id = ++this.#last
      this.#ids.set(object, id)
      this.#objects.set(id, object)
    }
    return id
  }
  objectOrNull(id: number): Ref {
    return id === 0 ? null : this.object(id)
  }
  object(id: number): object {
    const object = this.#objects.get(id)
    if (!object) throw new JdwpError('INVALID_OBJECT')
    return object
  }
  dispose(id: number): void {
    this.#objects.delete(id)
  }
  disposeAll(): void {
    this.#objects.clear()
    this.#ids = new WeakMap()
  }

  ofClass(cls: JavaClass | undefined): number {
    return cls ? cls.id + 1 : 0
  }
  /** Classes, interfaces and arrays; primitive types have no number of this kind. */
  cls(id: number): JavaClass {
    const cls = this.#vm.classes.all().find(c => c.id + 1 === id)
    if (!cls || cls.primitive) throw new JdwpError('INVALID_CLASS')
    return cls
  }
  method(id: number): Method {
    const method = this.#vm.classes.methodById(id)
    if (!method) throw new JdwpError('INVALID_METHODID')
    return method
  }
  ofField(field: Field): number {
    return field.owner.id * FIELDS + field.owner.fields.indexOf(field) + 1
  }
  field(id: number): Field {
    const owner = this.#vm.classes.all().find(c => c.id === Math.floor((id - 1) / FIELDS))
    const field = owner?.fields[(id - 1) % FIELDS]
    if (!field) throw new JdwpError('INVALID_FIELDID')
    return field
  }
  /** A thread that has begun and not ended. */
  thread(id: number): JavaThread {
    const object = this.#objects.get(id)
    const thread = object && this.isThread(object) ? this.#vm.threads.of(object) : undefined
    if (!thread?.alive) throw new JdwpError('INVALID_THREAD')
    return thread
  }
  isThread(object: object): boolean {
    return this.#vm.heap.classOf(object).isSubtypeOf(this.#vm.classes.boot('java/lang/Thread'))
  }
  /** ThreadStatus (JDWP): zombie 0, running 1, sleeping 2, monitor 3, wait 4. */
  status(thread: JavaThread): number {
    const status = this.#vm.heap.get(thread.object, 'threadStatus') as number
    if (status === THREAD_STATUS.terminated) return 0
    if (status === THREAD_STATUS.sleeping) return 2
    if (status === THREAD_STATUS.blocked) return 3
    return status === THREAD_STATUS.runnable || status === THREAD_STATUS.new ? 1 : 4
  }
}
