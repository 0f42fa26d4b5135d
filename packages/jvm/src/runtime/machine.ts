import { Debugger } from '../debug/debugger.ts'
import { assert } from '@doppel/base'
import { Gc, type ModuleBuilder, type Node, Op } from '@doppel/wasm'
import { type Kind, type MethodDescriptor, parseMethodDescriptor } from '../class-file/descriptor.ts'
import { JavaProblem } from '../problem.ts'
import type { Frame } from '../translate/frame.ts'
import { DEPTH_ADDRESS, DIMENSIONS_ADDRESS, OBJ, TABLE } from '../translate/types.ts'
import { Archive } from '../archive/archive.ts'
import { type ClassPlaces, type ClassSizes, PLACES_BYTES } from '../archive/places.ts'
import { CallSites } from './call-sites.ts'
import { type Field, type JavaClass, type Loader, type Method, type Ref, signatureOf, type Value } from './classes.ts'
import { ClassTable, loaderName } from './class-table.ts'
import { Compiler } from './compiler.ts'
import { polymorphicThunk } from './handle-calls.ts'
import { Heap, type SupportExports } from './heap.ts'
import { promising, suspending } from './jspi.ts'
import { HeapLimit } from './heap-limit.ts'
import { Linker } from './linker.ts'
import { Mirrors } from './mirrors.ts'
import { Monitors } from './monitors.ts'
import { makeThrowable, mismatchMessage, raise } from './raise.ts'
import { NativeMemory } from './native-memory.ts'
import { References } from './references.ts'
import { Resolver } from './resolve.ts'
import { Sockets } from '../net/sockets.ts'
import { Signals } from './signals.ts'
import { StackTraces } from './stack-traces.ts'
import { supportModule } from './support-module.ts'
import { Adapters, Task, Thrown, type Work } from './tasks.ts'
import { Tiers } from './tiers.ts'
import { Threads } from './threads.ts'
import type { ClassLibrary, CodeTable, JvmHost, ResolvedConstant, VmOptions } from './vm.ts'

const PAGE = 65_536
/** Initialization flags, one word a class, follow the scratch page and the dimensions. */
const FLAGS_ADDRESS = 2 * PAGE
const MAX_CLASSES: number = 128 * 1024
const STATICS_ADDRESS = FLAGS_ADDRESS + MAX_CLASSES * 4
const BLOCKS_ADDRESS = STATICS_ADDRESS + PLACES_BYTES
/** Code table entries at most: places for methods, adapters and call sites. */
const MAX_CODE = 8_000_000

/** The machine: every part, wired. */
export class Machine {
  readonly host: JvmHost
  readonly library: ClassLibrary
  readonly options: VmOptions
  readonly rt: SupportExports
  readonly #native = new NativeMemory(BLOCKS_ADDRESS)
  readonly codeTable: CodeTable
  readonly classes: ClassTable
  readonly heap: Heap
  readonly linker: Linker
  readonly resolver: Resolver
  readonly mirrors: Mirrors
  readonly compiler: Compiler
  readonly adapters: Adapters
  readonly sites: CallSites
  readonly threads: Threads
  readonly monitors: Monitors
  readonly traces: StackTraces
  readonly tiers: Tiers
  readonly references: References
  readonly signals: Signals
  readonly heapLimit: HeapLimit
  readonly archive: Archive
  readonly sockets: Sockets
  readonly debug: Debugger | undefined
  /** The newest class file version accepted. */
  readonly maxMajor: number
  /** Host values that guest objects stand for by number: open files and the like. */
  readonly state: Map<string, unknown> = new Map()
  /** True once java/lang/Class exists, so that classes get their objects. */
  booted = false
  stop: (() => unknown) | undefined
  #referenceRoom = 1024
  #recordRoom = 1024
  readonly #strings = new Map<string, number>()
  readonly #imports: Record<string, Record<string, WebAssembly.ImportValue>>
  readonly #runTask: (task: Task) => Promise<unknown>

  constructor(host: JvmHost, library: ClassLibrary, options: VmOptions, maxMajor: number) {
    this.host = host
    this.library = library
    this.options = options
    this.maxMajor = maxMajor
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 4096, maximum: MAX_CODE })
    this.archive = new Archive(this, host.codeStore, STATICS_ADDRESS)
    this.codeTable = {
      table,
      allocate: count => {
        const first = this.archive.places.code(count)
        this.#growCode(first + count)
        return first
      },
    }
    const hostFunctions = this.#hostFunctions()
    const support = new WebAssembly.Instance(new WebAssembly.Module(supportModule()), {
      host: hostFunctions,
      vm: { code: table, memory: this.memory },
    }).exports as unknown as SupportExports & Record<string, WebAssembly.ImportValue>
    this.rt = support
    const exported: Record<string, unknown> = { ...support }
    this.#imports = {
      vm: {
        code: table,
        refs: support.refs,
        records: support.records,
        memory: this.memory,
        throwable: support.throwable as WebAssembly.ImportValue,
      },
      rt: support,
      task: Adapters.imports() as unknown as Record<string, WebAssembly.ImportValue>,
    }
    this.#runTask = promising(exported.runTask) as (task: Task) => Promise<unknown>
    this.heap = new Heap(this)
    this.traces = new StackTraces(this)
    this.debug = options.debug && new Debugger(this, options.debug.waits)
    this.tiers = new Tiers(this)
    this.references = new References(this)
    this.signals = new Signals(this)
    this.heapLimit = new HeapLimit(this)
    this.threads = new Threads(this)
    this.sockets = new Sockets(this)
    this.monitors = new Monitors(this)
    this.mirrors = new Mirrors(this)
    this.linker = new Linker(this)
    this.resolver = new Resolver(this)
    this.compiler = new Compiler(this)
    this.adapters = new Adapters(this)
    this.sites = new CallSites(this)
    this.classes = new ClassTable(this)
  }

  get memory(): WebAssembly.Memory {
    return this.#native.memory
  }
  get view(): DataView {
    return this.#native.view
  }
  /** Bytes that the current thread’s stack has left. */
  get stackLeft(): number {
    return this.view.getInt32(DEPTH_ADDRESS, true)
  }
  set stackLeft(bytes: number) {
    this.view.setInt32(DEPTH_ADDRESS, bytes, true)
  }
  get objectClassId(): number {
    return this.classes.boot('java/lang/Object').id
  }

  // What the support module asks of the host

  #hostFunctions(): Record<string, WebAssembly.ImportValue> {
    const task = (work: Work<unknown>): Task => new Task(work)
    return {
      step: (t: Task) => t.step(this),
      exceptionOf: (t: Task) => t.exception,
      adapterOf: (t: Task) => this.adapters.placeFor((t.target as Method).signature),
      caught: (t: Task, exception: Ref) => t.caught(exception),
      await: suspending((t: Task) => this.threads.await(t.until as PromiseLike<unknown>)),
      yieldNow: suspending(() => this.threads.yieldNow()),
      hostRemainder: (a: number, b: number) => a % b,
      copyMismatch: (from: Ref, to: Ref) =>
        this.#throwing(() => {
          throw new JavaProblem('java/lang/ArrayStoreException', mismatchMessage(this, from, to))
        }),
      hostExp: (x: number) => Math.exp(x),
      hostMultiArray: this.#multiNewArray(),
      hotMethod: (id: number) => this.tiers.hot(id),
      loopPlace: (id: number) => this.tiers.loopPlace(id),
      referenceMade: (reference: Ref) => this.references.made(reference),
      referentOf: (reference: Ref) => this.references.referent(reference),
      depthOf: (throwable: Ref) => this.traces.framesOf(throwable).length,
      reserve: (bytes: number) => this.#throwing(() => this.heapLimit.reserve(bytes >>> 0)),
      pollNeeded: () => {
        this.stop?.()
        this.#throwing(() => this.heapLimit.tick())
        return this.heapLimit.takeTurn() || this.threads.pollNeeded() ? 1 : 0
      },
      raiseTask: (code: number, a: number, b: number, object: Ref) =>
        this.#throwing(() => raise(this, code, a, b, object)),
      compileTask: (id: number) =>
        this.#throwing(() => {
          const method = this.classes.methodById(id)
          assert(method !== undefined, `no method ${id}`)
          const names = this.compiler.namesToLoad(method)
          if (names.length > 0) return task(this.compiler.loadAndCompile(method, names))
          this.compiler.compile(method)
          return null
        }),
      linkTask: (place: number) => task(this.sites.link(place)),
      initTask: (id: number) => {
        const cls = this.classes.byId(id)
        if (cls.ready || (cls.state === 'initializing' && cls.initThread === this.threads.current.id)) return null
        return task(this.linker.initialize(cls))
      },
      missingTask: (object: Ref, id: number) => this.#throwing(() => this.#missing(object, id)),
      monitorTask: (object: Ref, entering: number) => {
        if (entering) return task(this.monitors.enter(object))
        return this.#throwing(() => (this.monitors.exit(object), null))
      },
      findMethod: (classId: number, id: number) => this.#findMethod(classId, id),
      isSubtype: (sub: number, sup: number) => (this.classes.byId(sub).isSubtypeOf(this.classes.byId(sup)) ? 1 : 0),
    } as unknown as Record<string, WebAssembly.ImportValue>
  }
  /** Runs host code called from compiled code; its problems are thrown to the guest. */
  #throwing<R>(run: () => R): R {
    try {
      return run()
    } catch (error) {
      throw new WebAssembly.Exception(this.rt.throwable, [this.throwableOf(error)])
    }
  }
  #findMethod(classId: number, id: number): number {
    const cls = this.classes.byId(classId)
    const method = this.classes.methodById(id) as Method
    if (!cls.isSubtypeOf(method.owner)) return -1
    try {
      const selected = cls.select(method)
      if (selected.isAbstract) return -1
      this.linker.link(selected.owner)
      return selected.id
    } catch (error) {
      if (error instanceof JavaProblem) return -1
      throw error
    }
  }
  /** Why nothing was found: thrown, never returns. */
  #missing(object: Ref, id: number): never {
    const cls = this.heap.classOf(object)
    const method = this.classes.methodById(id) as Method
    const name = cls.name.replaceAll('/', '.')
    if (!cls.isSubtypeOf(method.owner)) {
      throw new JavaProblem(
        'java/lang/IncompatibleClassChangeError',
        `Class ${name} does not implement the requested interface ${method.owner.name.replaceAll('/', '.')}`,
      )
    }
    cls.select(method)
    throw new JavaProblem(
      'java/lang/AbstractMethodError',
      `Receiver class ${name} does not define or inherit an implementation of the resolved method 'abstract ${method.info.name}' of interface ${method.owner.name.replaceAll('/', '.')}.`,
    )
  }
  #multiNewArray(): (classId: number, count: number) => Ref {
    return (classId, count) =>
      this.#throwing(() => {
        const lengths = Array.from({ length: count }, (_, i) => this.view.getInt32(DIMENSIONS_ADDRESS + i * 4, true))
        return this.newMultiArray(this.classes.byId(classId), lengths)
      })
  }
  /** An array of arrays; as many dimensions as lengths. */
  newMultiArray(cls: JavaClass, lengths: readonly number[]): Ref {
    const negative = lengths.find(length => length < 0)
    if (negative !== undefined) throw new JavaProblem('java/lang/NegativeArraySizeException', String(negative))
    const make = (of: JavaClass, at: number): Ref => {
      const length = lengths[at] as number
      const array = this.rt.newArray(of.id, length)
      if (at + 1 < lengths.length) {
        for (let i = 0; i < length; i++) this.rt.setL(array, i, make(of.element as JavaClass, at + 1))
      }
      return array
    }
    return make(cls, 0)
  }

  // Code

  instantiate(module: ModuleBuilder, imports: Record<string, Record<string, unknown>> = {}): Record<string, unknown> {
    return this.instantiateBytes(module.encode(), imports)
  }
  instantiateBytes(
    bytes: Uint8Array<ArrayBuffer>,
    imports: Record<string, Record<string, unknown>> = {},
  ): Record<string, unknown> {
    const compiled = new WebAssembly.Module(bytes)
    const all = { ...this.#imports, ...imports } as Record<string, Record<string, WebAssembly.ImportValue>>
    return new WebAssembly.Instance(compiled, all).exports
  }
  /** Runs a task on a stack of its own, which may be suspended. */
  async enter(task: Task): Promise<unknown> {
    return await this.#runTask(task)
  }
  /** True when the machine is being ended from outside. */
  stopping(): boolean {
    return this.stop !== undefined
  }

  // Places

  /** Makes room for a class’s numbers. */
  growTables(places: ClassPlaces, sizes: ClassSizes): void {
    if (places.id >= MAX_CLASSES) throw new JavaProblem('java/lang/OutOfMemoryError', 'Metaspace')
    while (places.id >= this.#recordRoom) {
      this.rt.growTables(0, this.#recordRoom)
      this.#recordRoom *= 2
    }
    this.#growReferences(places.references + sizes.references)
    this.#growCode(places.methods + sizes.methods)
  }
  #growCode(end: number): void {
    const { table } = this.codeTable
    while (end >= table.length) table.grow(Math.min(table.length, MAX_CODE - table.length))
  }
  #growReferences(last: number): void {
    while (last >= this.#referenceRoom) {
      this.rt.growTables(this.#referenceRoom, 0)
      this.#referenceRoom *= 2
    }
  }
  /** A new place for a static field’s value. */
  placeStatic(kind: Kind): number {
    return kind === 'L' ? this.placeReference(null) : this.allocate(8)
  }
  /** A new place in the table of references, holding `value`. */
  placeReference(value: Ref): number {
    const place = this.archive.places.references(1)
    this.#growReferences(place)
    if (value !== null) this.rt.refs.set(place, value)
    return place
  }
  /** Bytes of memory outside the heap. Throws OutOfMemoryError. */
  allocate(bytes: number): number {
    return this.#native.allocate(bytes)
  }
  free(address: number): void {
    this.#native.free(address)
  }
  /** The place of an interned string. */
  stringPlace(text: string): number {
    let place = this.#strings.get(text)
    if (place === undefined) this.#strings.set(text, (place = this.placeReference(this.heap.intern(text))))
    return place
  }
  /** Puts an interned string where code from an archive looks for it. */
  adoptString(text: string, place: number): void {
    if (this.#strings.get(text) === place) return
    this.#growReferences(place)
    this.rt.refs.set(place, this.heap.intern(text))
    if (!this.#strings.has(text)) this.#strings.set(text, place)
  }
  initFlag(cls: JavaClass): number {
    return FLAGS_ADDRESS + cls.id * 4
  }
  markInitialized(cls: JavaClass): void {
    this.view.setInt32(this.initFlag(cls), 1, true)
  }
  readonly constants: {
    read(frame: Frame, constant: ResolvedConstant): Node
    make(kind: Kind, value: Value): ResolvedConstant
  } = {
    read: (frame, constant) => {
      const { fn } = frame
      if (constant.kind === 'L') return new Gc(fn).tableGet(TABLE.refs, OBJ, fn.i32(constant.place))
      const loads = { I: Op.i32Load, J: Op.i64Load, F: Op.f32Load, D: Op.f64Load }
      return fn.load(loads[constant.kind], fn.i32(0), constant.place)
    },
    make: (kind: Kind, value: Value): ResolvedConstant => {
      const place = this.placeStatic(kind)
      this.heap.setStatic({ kind, place } as Field, value)
      return { isConstant: true, kind, place }
    },
  }

  /** The code of a signature-polymorphic intrinsic for a descriptor. */
  polymorphicPlace(name: string, descriptor: string, isStatic: boolean): number {
    const signature = signatureOf(parseMethodDescriptor(descriptor) as MethodDescriptor, isStatic)
    const { place, isNew } = this.sites.polymorphic(name, signature)
    if (isNew) polymorphicThunk(this, name, signature, place)
    return place
  }
  // Exceptions

  /** The throwable that a failure in host code is to the guest; rethrows what is no such thing. */
  throwableOf(error: unknown): Ref {
    if (error instanceof Thrown) return error.object
    if (error instanceof JavaProblem) return this.makeThrowable(error.className, error.detail, error.javaCause)
    if (error instanceof WebAssembly.Exception && error.is(this.rt.throwable)) {
      return error.getArg(this.rt.throwable, 0) as Ref
    }
    if (error instanceof RangeError && /call stack/.test(error.message)) {
      return this.makeThrowable('java/lang/StackOverflowError', null)
    }
    throw error
  }
  /** A new throwable without running its constructor, its stack trace filled in. */
  makeThrowable(className: string, message: string | null, cause: Ref = null): Ref {
    return makeThrowable(this, className, message, cause)
  }
  loaderLabel(loader: Loader): string {
    return loaderName(this, loader)
  }
}
