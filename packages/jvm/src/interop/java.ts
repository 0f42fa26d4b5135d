import { DoppelError } from '@doppel/base'
import { MachineExit } from '../runtime/exit.ts'
import { drain } from '../runtime/class-table.ts'
import { type JavaClass, lineage, type Method, type Ref, type Value } from '../runtime/classes.ts'
import { invoke, type Work } from '../runtime/tasks.ts'
import { JavaThread, THREAD_STATUS } from '../runtime/threads.ts'
import type { Vm } from '../runtime/vm.ts'
import { JavaProblem } from '../problem.ts'
import { CALLBACK_CLASS, callbackClass } from './callback-class.ts'
import { cost, fromJava, loadElement, toJava } from './convert.ts'
import { chooseMethod, findField } from './members.ts'
import { JavaObject, JavaType, type Owner } from './objects.ts'
import { JavaException, type JavaFunction, type JavaValue, type Outcome, type Untyped } from './values.ts'
import { callbacksOf } from './callbacks.ts'

/** Java’s classes for TypeScript. Each call runs on a Java thread of its own, of which there is a pool. */
export class Java {
  readonly #vm: Vm
  readonly #idle: JavaThread[]
  readonly #owner: Owner
  #group: Ref = null
  #threads = 0

  /** The library has been booted on `main`. */
  constructor(vm: Vm, main: JavaThread) {
    this.#vm = vm
    this.#idle = [main]
    this.#group = vm.heap.get(main.object, 'group') as Ref
    this.#owner = {
      vm,
      call: (cls, receiver, name, args) => this.#run(this.#call(cls, receiver, name, args)),
      read: (cls, receiver, name) => this.#run(this.#read(cls, receiver, name)),
      write: (cls, receiver, name, value) => this.#run(this.#write(cls, receiver, name, value)),
      elements: (cls, array) => {
        const letter = cls.element?.primitive ?? 'L'
        const count = vm.rt.arrayLength(array)
        return Array.from({ length: count }, (_, i) => loadElement(this.#owner, array, i, letter))
      },
    }
  }

  /**
   * A class by its name, e.g. `java.util.ArrayList`, loaded as the class path has it. `T` describes its objects’ methods,
   * `S` its static ones. Throws `JavaException` when there is none.
   */
  async type<T = Untyped, S = Untyped>(name: string): Promise<JavaType<T, S>> {
    return await this.#run(this.#type<T, S>(name))
  }
  *#type<T, S>(name: string): Work<JavaType<T, S>> {
    const cls = yield* this.#vm.classes.load(name.replaceAll('.', '/'), yield* this.#loader())
    return new JavaType<T, S>(this.#owner, cls)
  }
  /**
   * An object of an interface whose methods are these functions, by name; the others throw UnsupportedOperationException.
   * Throws `JavaException` when there is no such interface, `java.member` when it is none.
   */
  async implement(name: string, methods: Readonly<Record<string, JavaFunction>>): Promise<JavaObject> {
    return await this.#run(this.#implement(name, methods))
  }
  *#implement(name: string, methods: Readonly<Record<string, JavaFunction>>): Work<JavaObject> {
    const { cls } = yield* this.#type(name)
    if (!cls.isInterface) throw new DoppelError('java.member', `${name} is no interface`, { name })
    return new JavaObject(this.#owner, yield* this.#proxy(cls, called => methods[called.name]))
  }
  /** The loader of the class path. */
  *#loader(): Work<ReturnType<Vm['classes']['loaderOf']>> {
    const method = this.#vm.classes
      .boot('java/lang/ClassLoader')
      .declared('getSystemClassLoader', '()Ljava/lang/ClassLoader;') as Method
    return this.#vm.classes.loaderOf((yield* invoke(method)) as Ref)
  }

  // Members

  *#call(cls: JavaClass, receiver: Ref, name: string, args: readonly JavaValue[]): Work<JavaValue> {
    const vm = this.#vm
    const { method, classes } = yield* chooseMethod(vm, cls, name, receiver === null, args)
    const values: Value[] = []
    for (const [i, arg] of args.entries()) {
      const descriptor = method.descriptor.params[i] as string
      values.push(yield* toJava(vm, arg, descriptor, classes[i], (of, fn) => this.#function(of, fn)))
    }
    if (receiver !== null) {
      const selected = vm.heap.classOf(receiver).select(method)
      return fromJava(this.#owner, yield* invoke(selected, receiver, ...values), method.descriptor.result)
    }
    if (name === '<init>' && cls.access & 0x600) throw new JavaProblem('java/lang/InstantiationError', cls.name)
    yield* vm.linker.initialize(method.owner)
    if (name !== '<init>') return fromJava(this.#owner, yield* invoke(method, ...values), method.descriptor.result)
    const object = vm.heap.allocate(cls)
    yield* invoke(method, object, ...values)
    return new JavaObject(this.#owner, object)
  }
  *#read(cls: JavaClass, receiver: Ref, name: string): Work<JavaValue> {
    const field = findField(cls, name, receiver === null, false)
    yield* this.#vm.linker.initialize(field.owner)
    const { heap } = this.#vm
    return fromJava(
      this.#owner,
      receiver === null ? heap.getStatic(field) : heap.getField(receiver, field),
      field.descriptor,
    )
  }
  *#write(cls: JavaClass, receiver: Ref, name: string, value: JavaValue): Work<void> {
    const vm = this.#vm
    const field = findField(cls, name, receiver === null, true)
    yield* vm.linker.initialize(field.owner)
    const { descriptor } = field
    const type = descriptor.length === 1 ? undefined : yield* vm.classes.loadDescriptor(descriptor, field.owner.loader)
    if (cost(vm, value, descriptor, type) === undefined) {
      throw new DoppelError('java.member', `the value does not fit field ${name} of type ${descriptor}`, { name })
    }
    const made = yield* toJava(vm, value, descriptor, type, (of, fn) => this.#function(of, fn))
    if (receiver === null) vm.heap.setStatic(field, made)
    else vm.heap.setField(receiver, field, made)
  }

  // Functions of TypeScript

  /** An object whose one abstract method is the function. */
  *#function(cls: JavaClass, fn: JavaFunction): Work<Ref> {
    const object = this.#vm.classes.boot('java/lang/Object')
    const abstract = [cls, ...cls.allInterfaces()]
      .flatMap(i => i.methods)
      .filter(m => m.isAbstract && !object.declared(m.name, m.info.descriptor))
    const names = new Set(abstract.map(m => m.name))
    if (names.size !== 1) {
      throw new DoppelError(
        'java.member',
        `a function cannot be a ${cls.name}: it has ${names.size} abstract methods`,
        {
          class: cls.name,
        },
      )
    }
    return yield* this.#proxy(cls, method => (names.has(method.name) ? fn : undefined))
  }
  *#proxy(cls: JavaClass, find: (method: Method) => JavaFunction | undefined): Work<Ref> {
    const vm = this.#vm
    const { bootLoader } = vm.classes
    const known = bootLoader.classes.get(CALLBACK_CLASS)
    const callback = known ?? drain(vm.classes.define(callbackClass(), bootLoader, { trusted: true }))
    yield* vm.linker.initialize(callback)
    const handler = vm.heap.allocate(callback)
    vm.heap.set(handler, 'id', callbacksOf(vm).add(this.#owner, find))
    const proxies = vm.classes.boot('java/lang/reflect/Proxy')
    yield* vm.linker.initialize(proxies)
    const make = proxies.methods.find(m => m.name === 'newProxyInstance') as Method
    const interfaces = vm.heap.refArray('[Ljava/lang/Class;', [vm.mirrors.of(cls)])
    const loader = cls.loader.object ?? (yield* this.#loader()).object
    return (yield* invoke(make, loader, interfaces, handler)) as Ref
  }

  // Threads

  /** Runs work on a thread that is free, or a new one. */
  async #run<R>(work: Work<R>): Promise<R> {
    const thread = this.#idle.pop() ?? this.#newThread()
    let outcome: Outcome<R>
    try {
      outcome = (await this.#vm.threads.runOn(thread, this.#guarded(thread, work))) as Outcome<R>
    } catch (error) {
      if (!(error instanceof MachineExit)) throw error
      throw new DoppelError('java.exit', `the Java machine has ended with status ${error.status}`, {
        status: error.status,
      })
    }
    this.#idle.push(thread)
    if ('value' in outcome) return outcome.value
    if ('failed' in outcome) throw outcome.failed
    throw await this.#exception(outcome.thrown)
  }
  #newThread(): JavaThread {
    const vm = this.#vm
    const object = vm.heap.allocate(vm.classes.boot('java/lang/Thread'))
    const thread = vm.threads.create(object)
    thread.daemon = true
    vm.heap.set(object, 'priority', 5)
    vm.heap.set(object, 'threadStatus', THREAD_STATUS.runnable)
    return thread
  }
  *#guarded<R>(thread: JavaThread, work: Work<R>): Work<Outcome<R>> {
    const { heap, classes } = this.#vm
    try {
      if (heap.get(thread.object, 'group') === null) {
        const init = classes.boot('java/lang/Thread').declared('<init>', '(Ljava/lang/ThreadGroup;Ljava/lang/String;)V')
        yield* invoke(init as Method, thread.object, this.#group, heap.string(`TypeScript-${++this.#threads}`))
        heap.set(thread.object, 'daemon', 1)
      }
      return { value: yield* work }
    } catch (error) {
      if (error instanceof DoppelError) return { failed: error }
      return { thrown: this.#vm.throwableOf(error) }
    }
  }
  async #exception(thrown: Ref): Promise<JavaException> {
    const vm = this.#vm
    const object = new JavaObject(this.#owner, thrown)
    const frames = vm.traces
      .framesOf(thrown)
      .map(({ method }) => `${method.owner.name.replaceAll('/', '.')}.${method.name}`)
    // A class may override toString so that it throws.
    const throwable = vm.classes.boot('java/lang/Throwable')
    const isPlain = ![...lineage(vm.heap.classOf(thrown))].some(
      c => c !== throwable && c.name !== 'java/lang/Object' && c.declared('toString', '()Ljava/lang/String;'),
    )
    const text = isPlain ? await object.text() : object.className
    return new JavaException(object.className, text, frames, object)
  }
}
