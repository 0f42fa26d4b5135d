import type { FunctionRef } from '@doppel/wasm'
import { ACC_ABSTRACT, ACC_STATIC } from '../class-file/access.ts'
import { readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import { findAttribute } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { methodModule } from './support-module.ts'
import { DISPLAY, sharedArena } from '../translate/types.ts'
import type { JavaClass, Loader, Method, Ref } from './classes.ts'
import { dotted } from './class-table.ts'
import { invoke, Thrown, wait, type Work } from './tasks.ts'
import { verifyClass } from '../verify/verify.ts'
import type { Vm } from './vm.ts'

/** Links and initializes classes (JVMS §5.4, §5.5). */
export class Linker {
  readonly #vm: Vm

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** Loads a class that another one names; ClassNotFoundException becomes NoClassDefFoundError (JVMS §5.3). */
  *loadFor(name: string, loader: Loader): Work<JavaClass> {
    try {
      return yield* this.#vm.classes.load(name, loader)
    } catch (error) {
      if (error instanceof JavaProblem && error.className === 'java/lang/ClassNotFoundException') {
        throw new JavaProblem('java/lang/NoClassDefFoundError', name)
      }
      if (error instanceof Thrown) {
        const cls = this.#vm.heap.classOf(error.object)
        if (cls.isSubtypeOf(this.#vm.classes.boot('java/lang/ClassNotFoundException'))) {
          throw new JavaProblem('java/lang/NoClassDefFoundError', name, error.object)
        }
      }
      throw error
    }
  }

  /** Gives the class its run-time record, and every method something to be called by. */
  link(cls: JavaClass): void {
    if (cls.state !== 'loaded') return
    if (cls.superclass) this.link(cls.superclass)
    cls.state = 'linked'
    const display = Array.from({ length: DISPLAY }, () => -1)
    for (let c: JavaClass | undefined = cls; c; c = c.superclass) if (c.depth < DISPLAY) display[c.depth] = c.id
    if (cls.isInterface) display.fill(-1)
    this.#vm.rt.newRecord(cls.id, ...display, cls.virtuals.length, cls.element?.id ?? -1)
    cls.virtuals.forEach((method, i) => this.#vm.rt.setMethod(cls.id, i, method.id))
    if (cls.mirror !== null) this.#vm.rt.setMirror(cls.id, cls.mirror)
    if (this.#withoutStubs.has(cls)) this.#installStubs()
  }
  /** Classes whose methods cannot be called yet: all of them get their stubs together, since modules cost more than stubs. */
  readonly #withoutStubs = new Set<JavaClass>()
  /** A class has been defined. */
  defined(cls: JavaClass): void {
    if (cls.methods.length > 0) this.#withoutStubs.add(cls)
  }

  /** Links and verifies a class without initializing it, as reflection on its members does. */
  *prepare(cls: JavaClass): Work<void> {
    this.link(cls)
    yield* verifyClass(this.#vm, cls)
  }

  /** Until a method is compiled, its place in the code table compiles it and calls again. */
  #installStubs(): void {
    const { archive } = this.#vm
    const classes = [...this.#withoutStubs].filter(cls => !archive.installStubs(cls))
    this.#withoutStubs.clear()
    if (classes.length === 0) return
    const { module, types, functions } = methodModule(archive.inUse)
    const stubFor = (method: Method): FunctionRef => {
      const { index, type } = types.signature(method.signature)
      const stub = module.declare('', type)
      const fn = module.build(stub, sharedArena)
      fn.effect(fn.call(functions.compile as FunctionRef, [fn.i32(method.id)]))
      fn.returnCallIndirect(
        index,
        0,
        fn.i32(method.id),
        type.params.map((_, i) => fn.get(i)),
      )
      module.finish(fn)
      return stub
    }
    for (const { methods } of classes) module.elements(0, (methods[0] as Method).id, methods.map(stubFor))
    this.#vm.instantiate(module)
    archive.keepStubs(classes, module, types)
  }

  /** Initializes a class (JVMS §5.5); returns when it is initialized, or being so by this thread. */
  *initialize(cls: JavaClass): Work<void> {
    if (cls.ready) return
    const { threads } = this.#vm
    while (cls.state === 'initializing' && cls.initThread !== threads.current.id) {
      yield* wait(new Promise<void>(resolve => cls.initDone.push(resolve)))
    }
    if (cls.state === 'initialized' || cls.state === 'initializing') return
    if (cls.state === 'erroneous') {
      throw new JavaProblem('java/lang/NoClassDefFoundError', `Could not initialize class ${dotted(cls.name)}`)
    }
    this.link(cls)
    yield* verifyClass(this.#vm, cls)
    if (this.#vm.debug?.isAttached) yield* this.#vm.debug.prepared(cls)
    // Loading classes for the verifier may have let others run.
    if (cls.state !== 'linked') return yield* this.initialize(cls)
    cls.state = 'initializing'
    cls.initThread = threads.current.id
    try {
      this.#assignConstants(cls)
      if (!cls.isInterface) {
        if (cls.superclass) yield* this.initialize(cls.superclass)
        for (const i of cls.interfaces) yield* this.#initializeInterface(i)
      }
      const clinit = cls.methods.find(m => m.name === '<clinit>' && m.isStatic && m.info.descriptor === '()V')
      if (clinit) yield* invoke(clinit)
      this.#vm.markInitialized(cls)
      cls.state = 'initialized'
    } catch (error) {
      cls.state = 'erroneous'
      throw this.#initializerError(error)
    } finally {
      for (const done of cls.initDone) done()
      cls.initDone = []
    }
  }

  /** Only interfaces that declare default methods are initialized with a class that implements them. */
  *#initializeInterface(i: JavaClass): Work<void> {
    for (const above of i.interfaces) yield* this.#initializeInterface(above)
    if (i.methods.some(m => (m.access & (ACC_ABSTRACT | ACC_STATIC)) === 0)) yield* this.initialize(i)
  }

  #initializerError(error: unknown): unknown {
    const thrown = this.#vm.throwableOf(error)
    const isError = this.#vm.heap.classOf(thrown).isSubtypeOf(this.#vm.classes.boot('java/lang/Error'))
    if (isError) return new Thrown(thrown)
    const wrapper = this.#vm.makeThrowable('java/lang/ExceptionInInitializerError', null, thrown)
    return new Thrown(wrapper)
  }

  /** ConstantValue attributes (JVMS §4.7.2). */
  #assignConstants(cls: JavaClass): void {
    const file = cls.file
    if (!file) return
    for (const field of cls.fields) {
      if (!field.isStatic) continue
      const attribute = findAttribute(field.info.attributes, 'ConstantValue')
      if (!attribute) continue
      const index = readU2(file.bytes, attribute.start)
      const { pool } = file
      const { view, heap, rt } = this.#vm
      switch (pool.tag(index)) {
        case Tag.integer:
          view.setInt32(field.place, pool.int(index), true)
          break
        case Tag.float:
          view.setInt32(field.place, pool.floatBits(index), true)
          break
        case Tag.long:
        case Tag.double: {
          const [high, low] = pool.words(index)
          view.setInt32(field.place, low, true)
          view.setInt32(field.place + 4, high, true)
          break
        }
        case Tag.string:
          rt.refs.set(field.place, heap.intern(pool.named(index, Tag.string)))
      }
    }
  }

  /** A class’s mirror by a constant’s name, for callers that need the object. */
  mirrorOf(cls: JavaClass): Ref {
    return this.#vm.mirrors.of(cls)
  }
}
