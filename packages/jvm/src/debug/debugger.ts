import { DoppelError } from '@doppel/base'
import type { JavaClass, Method, Ref, Value } from '../runtime/classes.ts'
import type { JavaThread } from '../runtime/threads.ts'
import { Task, wait, type Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { answer } from './answer.ts'
import { signatureOfClass, sourceOf, statusOf, typeTag } from './class-info.ts'
import { Ids } from './ids.ts'
import { Framer, HANDSHAKE, PacketWriter } from './packet.ts'
import { EVENT, type EventRequest, type Happening, type Location, wants } from './requests.ts'
import { stepEnds } from './step.ts'
import { DebugThreads, type DebugThread } from './threads.ts'
import { Values } from './values.ts'

/** A debugger’s connection, as the host gives it. */
export interface DebugConnection {
  send(bytes: Uint8Array): void
  close(): void
}
/** What comes in on the connection. */
export interface DebugListener {
  /** Bytes have come. The connection is closed when they are no JDWP. */
  receive(bytes: Uint8Array): void
  closed(): void
}

/**
 * The machine’s end of the Java Debug Wire Protocol (JDK 17). Code of classes that the library’s bootstrap loader has not
 * loaded tells it, as it runs, where it is and what its variables hold.
 */
export class Debugger {
  readonly vm: Vm
  readonly ids: Ids
  readonly values: Values
  readonly threads: DebugThreads = new DebugThreads()
  readonly requests: Map<number, EventRequest> = new Map()
  readonly imports: Readonly<Record<string, (...args: never[]) => unknown>>
  readonly #breakpoints = new Map<Method, Set<number>>()
  readonly #waitsForDebugger: boolean
  #attached: (() => void) | undefined
  /** The debugger’s connection, once it has been greeted; and whether one is served at all. */
  #connection: DebugConnection | undefined
  #taken = false
  #begun = false
  readonly #announced = new Set<JavaClass>()
  readonly #early: (() => void)[] = []
  #held: Uint8Array[] | undefined
  #nextPacket = 1

  /** With `waits`, a program begins when a debugger says so. */
  constructor(vm: Vm, waits: boolean) {
    this.vm = vm
    this.ids = new Ids(vm)
    this.values = new Values(vm, this.ids)
    this.#waitsForDebugger = waits
    const set = (depth: number, slot: number, value: Value): void => {
      const frame = this.#current.frames[depth]
      if (frame) frame.slots[slot] = value
    }
    this.imports = {
      enter: (id: number) => this.#enter(id),
      leave: (depth: number) => {
        this.#current.frames.length = depth
      },
      site: (depth: number, at: number) => this.#site(depth, at),
      throwing: (depth: number, at: number) => {
        const state = this.#current
        state.reported = undefined
        const frame = state.frames[depth]
        if (frame) frame.throwsAt = at
      },
      thrown: (depth: number, exception: object) => this.#thrown(depth, exception),
      setI: set,
      setJ: set,
      setF: set,
      setD: set,
      setL: set,
    }
  }
  /** Whether code of the class tells what it does. */
  covers(cls: JavaClass): boolean {
    return cls.loader.object !== null && cls.file !== undefined && !cls.hidden
  }
  get #current(): DebugThread {
    return this.threads.of(this.vm.threads.current)
  }

  // What code tells

  #enter(id: number): number {
    const { frames } = this.#current
    frames.push({ method: this.vm.classes.methodById(id) as Method, at: 0, slots: [] })
    return frames.length - 1
  }
  #site(depth: number, at: number): Task | null {
    const state = this.#current
    const frame = state.frames[depth]
    if (!frame) return null
    frame.at = at
    if (this.#connection === undefined) return null
    const location = { method: frame.method, at }
    const happened: Happening[] = []
    const { thread, step } = state
    const self = frame.method.isStatic ? null : (frame.slots[0] as Ref)
    const where = { thread, location, instance: self, source: sourceOf(frame.method.owner) }
    if (step && stepEnds(step, state.frames)) happened.push({ kind: EVENT.singleStep, request: step.request, ...where })
    if (this.#breakpoints.get(frame.method)?.has(at)) happened.push({ kind: EVENT.breakpoint, ...where })
    return happened.length > 0 ? this.#stop(happened) : null
  }
  #thrown(depth: number, exception: object): Task | null {
    const state = this.#current
    state.frames.length = depth + 1
    if (this.#connection === undefined || state.reported === exception) return null
    state.reported = exception
    const frame = state.frames[depth]
    if (!frame) return null
    const isAsked = [...this.requests.values()].some(r => r.kind === EVENT.exception || r.kind === EVENT.classPrepare)
    if (!isAsked) return null
    this.note(state.thread)
    // What a call has thrown came to the call, as the exception's own stack says.
    const { method, throwsAt } = frame
    const own = throwsAt ?? this.vm.traces.framesOf(exception).find(f => f.method === method)?.offset ?? frame.at
    Object.assign(frame, { at: own, throwsAt: undefined })
    return new Task(this.#tellOfThrown(state, exception, { method, at: own }))
  }
  *#tellOfThrown(state: DebugThread, exception: object, location: Location): Work<void> {
    const exceptionClass = this.vm.heap.classOf(exception)
    // The machine's own exceptions are made without initializing their classes.
    if (exceptionClass.state === 'linked' && !this.#announced.has(exceptionClass)) yield* this.prepared(exceptionClass)
    const catcher = this.#catcherOf(state, exceptionClass)
    yield* this.report([{ kind: EVENT.exception, thread: state.thread, location, exception, exceptionClass, catcher }])
  }
  /** The handler that an exception on its way will come to. */
  #catcherOf(state: DebugThread, cls: JavaClass): Location | undefined {
    for (const { method, offset } of state.look(this.vm)) {
      const { file, loader } = method.owner
      for (const { start, end, target, type } of method.code?.handlers ?? []) {
        if (offset < start || offset >= end || !file) continue
        const caught = type === 0 ? undefined : this.vm.classes.peek(file.pool.className(type), loader)
        // What is done finally throws it on.
        if (caught && cls.isSubtypeOf(caught)) return { method, at: target }
      }
    }
    return undefined
  }

  // Events

  /** A class is about to be initialized: the debugger hears of it before any of its code runs. */
  *prepared(cls: JavaClass): Work<void> {
    if (this.#connection === undefined || cls.file === undefined || cls.hidden) return
    this.#announced.add(cls)
    const { current } = this.vm.threads
    yield* this.report([{ kind: EVENT.classPrepare, thread: current, cls, source: sourceOf(cls) }])
  }
  *threadStarted(): Work<void> {
    yield* this.report([{ kind: EVENT.threadStart, thread: this.vm.threads.current }])
  }
  *threadEnded(): Work<void> {
    const { current } = this.vm.threads
    yield* this.report([{ kind: EVENT.threadDeath, thread: current }])
    this.threads.forget(current)
  }
  #stop(happened: readonly Happening[]): Task | null {
    // Whether anybody asked is found out first: most of what happens is of no interest.
    const asked = this.#asked(happened)
    if (asked.length === 0) return null
    this.note(this.vm.threads.current)
    return new Task(this.#tell(asked))
  }
  /** Tells of what has happened to the current thread, and waits as long as the debugger wants. */
  *report(happened: readonly Happening[]): Work<void> {
    yield* this.#tell(this.#asked(happened))
  }
  #asked(happened: readonly Happening[]): (readonly [EventRequest, Happening])[] {
    const asked: (readonly [EventRequest, Happening])[] = []
    for (const request of this.requests.values()) {
      for (const what of happened) {
        if (!wants(request, what)) continue
        asked.push([request, what])
        if (request.modifiers.some(m => m.kind === 'count')) this.removeRequest(request.kind, request.id)
      }
    }
    return asked
  }
  *#tell(asked: readonly (readonly [EventRequest, Happening])[]): Work<void> {
    if (asked.length === 0 || this.#connection === undefined) return
    const policy = Math.max(...asked.map(([request]) => request.policy))
    const out = new PacketWriter().u1(policy)
    out.list(asked, ([request, what]) => this.#writeEvent(out, request.id, what))
    yield* this.#sendEvent(out, policy)
  }
  #writeEvent(out: PacketWriter, request: number, what: Happening): void {
    out.u1(what.kind).i4(request).id(this.ids.ofObject(what.thread.object))
    if (what.location) this.writeLocation(out, what.location)
    if (what.exception) {
      this.values.writeObject(out, what.exception)
      this.writeLocation(out, what.catcher)
    }
    if (what.kind === EVENT.classPrepare) {
      const cls = what.cls as JavaClass
      out.u1(typeTag(cls)).id(this.ids.ofClass(cls)).string(signatureOfClass(cls)).i4(statusOf(cls))
    }
  }
  writeLocation(out: PacketWriter, location: Location | undefined): void {
    if (!location) return void out.u1(1).id(0).id(0).i8(0n)
    const { method, at } = location
    out.u1(typeTag(method.owner)).id(this.ids.ofClass(method.owner)).id(method.id).i8(BigInt(at))
  }
  *#sendEvent(out: PacketWriter, policy: number): Work<void> {
    const { current } = this.vm.threads
    if (policy === 1) this.threads.suspend(current)
    else if (policy === 2) this.suspendAll()
    this.#send(out.command(this.#nextPacket++, 64, 100))
    if (policy !== 0) yield* this.#waitHere(this.threads.of(current))
  }
  /** Waits at an event until the debugger resumes the thread, and runs its errands meanwhile. */
  *#waitHere(state: DebugThread): Work<void> {
    while (state.suspends > 0 || state.errand) {
      state.atEvent = true
      if (!state.errand) yield* wait(new Promise<void>(resolve => state.wake.push(resolve)))
      const { errand } = state
      if (!errand) continue
      // For the time of an errand the thread is not suspended; what happens then may suspend it anew.
      const { stack, seen, suspends } = state
      Object.assign(state, { errand: undefined, atEvent: false, suspends: 0 })
      yield* errand()
      Object.assign(state, { stack, seen, suspends })
    }
    state.atEvent = false
    state.seen = undefined
  }
  /** Notes where the thread is: its stack cannot be read from elsewhere. */
  note(thread: JavaThread): void {
    const state = this.threads.of(thread)
    if (state.atEvent) return
    state.stack = this.vm.traces.note()
    state.seen = undefined
  }
  suspendAll(): void {
    for (const thread of this.vm.threads.all()) this.threads.suspend(thread)
  }
  resumeAll(): void {
    for (const thread of this.vm.threads.all()) this.threads.resume(thread)
  }

  // Requests

  #lastRequest = 0
  /** The number of a new request. */
  nextRequest(): number {
    return ++this.#lastRequest
  }
  addRequest(request: EventRequest): void {
    this.requests.set(request.id, request)
    for (const m of request.modifiers) {
      if (m.kind !== 'location' || request.kind !== EVENT.breakpoint) continue
      const { method, at } = m.location
      const known = this.#breakpoints.get(method)
      if (known) known.add(at)
      else this.#breakpoints.set(method, new Set([at]))
    }
  }
  removeRequest(kind: number, id: number): void {
    const request = this.requests.get(id)
    if (request?.kind !== kind) return
    this.requests.delete(id)
    for (const state of this.threads.all()) if (state.step?.request === id) state.step = undefined
    this.#breakpoints.clear()
    for (const left of this.requests.values()) this.addRequest(left)
  }
  /** Asks for nothing any more, and lets everything run. */
  release(): void {
    this.requests.clear()
    this.#breakpoints.clear()
    this.#held = undefined
    for (const state of this.threads.all()) {
      state.step = undefined
      state.suspends = 0
      state.wakeUp()
    }
    this.ids.disposeAll()
  }

  // The connection

  /** A debugger has come. Only one is served at a time: undefined when there is one. */
  attach(connection: DebugConnection): DebugListener | undefined {
    if (this.#taken) return undefined
    this.#taken = true
    const framer = new Framer()
    const read = (bytes: Uint8Array): void => {
      try {
        const { greeted, commands } = framer.push(bytes)
        if (greeted) this.#greet(connection)
        for (const command of commands) answer(this, command, packet => connection.send(packet))
      } catch (error) {
        if (!(error instanceof DoppelError)) throw error
        connection.close()
      }
    }
    return {
      // Until the library has started there is nothing to be seen.
      receive: bytes => (this.#begun ? read(bytes) : void this.#early.push(() => read(bytes))),
      closed: () => {
        this.#taken = false
        if (this.#connection !== connection) return
        this.#connection = undefined
        this.release()
        this.#attached?.()
      },
    }
  }
  #greet(connection: DebugConnection): void {
    connection.send(new TextEncoder().encode(HANDSHAKE))
    this.#connection = connection
    if (!this.#attached) return this.#sendStart()
    this.#attached()
    this.#attached = undefined
  }
  get isAttached(): boolean {
    return this.#connection !== undefined
  }
  #send(packet: Uint8Array): void {
    if (this.#held) this.#held.push(packet)
    else this.#connection?.send(packet)
  }
  /** Keeps events back, or sends those kept back and all to come. */
  hold(on: boolean): void {
    const kept = this.#held
    this.#held = on ? (kept ?? []) : undefined
    if (!on) for (const packet of kept ?? []) this.#connection?.send(packet)
  }
  #startEvent(policy: number): PacketWriter {
    const [first] = this.vm.threads.all()
    return new PacketWriter()
      .u1(policy)
      .i4(1)
      .u1(EVENT.vmStart)
      .i4(0)
      .id(this.ids.ofObject(first?.object ?? null))
  }
  #sendStart(): void {
    this.#send(this.#startEvent(0).command(this.#nextPacket++, 64, 100))
  }
  /** The library has started, the program not yet: waits for a debugger where one is wanted. */
  *begin(): Work<void> {
    const attached = new Promise<void>(resolve => {
      if (this.#waitsForDebugger) this.#attached = resolve
    })
    this.#begun = true
    for (const read of this.#early.splice(0)) read()
    if (!this.#waitsForDebugger) return
    if (!this.isAttached) yield* wait(attached)
    if (this.isAttached) yield* this.#sendEvent(this.#startEvent(2), 2)
  }
  /** The machine has ended. */
  end(): void {
    const connection = this.#connection
    this.#connection = undefined
    if (!connection) return
    this.#held = undefined
    const out = new PacketWriter().u1(0).i4(1).u1(EVENT.vmDeath).i4(0)
    connection.send(out.command(this.#nextPacket++, 64, 100))
    connection.close()
  }
}
