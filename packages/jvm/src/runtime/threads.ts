import type { Method, Ref } from './classes.ts'
import { invoke, Task, wait, type Work } from './tasks.ts'
import type { Vm } from './vm.ts'

/** Thread states as java.lang.Thread.threadStatus encodes them (JVM TI thread states). */
export const THREAD_STATUS = {
  new: 0,
  runnable: 0x5,
  blocked: 0x401,
  waiting: 0x191,
  timedWaiting: 0x1a1,
  parked: 0x291,
  timedParked: 0x2a1,
  sleeping: 0xe1,
  terminated: 2,
} as const

/** Milliseconds that a thread runs before others get a turn. */
const SLICE_MS = 10
/** Live stacks at most; more threads start when others end. */
const MAX_LIVE = 12_000

/** One thread of the guest. */
export class JavaThread {
  readonly id: number
  readonly object: Ref
  /** Stack budget while it does not run. */
  depth: number
  interrupted = false
  permit = false
  /** Ends the current park, sleep or wait. */
  wake: (() => void) | undefined
  alive = true
  daemon = false

  constructor(id: number, object: Ref, depth: number) {
    this.id = id
    this.object = object
    this.depth = depth
  }
}

/** The guest’s threads: stacks of which one runs at a time, taking turns on the event loop. */
export class Threads {
  readonly #vm: Vm
  readonly #all = new Map<number, JavaThread>()
  readonly #turns: (() => void)[] = []
  readonly #unstarted: JavaThread[] = []
  #taken = false
  #sliceEnd = 0
  #nextId = 1
  #live = 0
  current: JavaThread
  /** Resolves when no thread that is not a daemon is left. */
  onIdle: () => void = () => undefined
  /** Called with what ends the machine from within: `System.exit`, or a bug. */
  onFailure: (error: unknown) => void = () => undefined

  constructor(vm: Vm) {
    this.#vm = vm
    this.current = new JavaThread(this.#nextId++, null, vm.options.stackBytes)
    this.#all.set(this.current.id, this.current)
  }

  /** Registers a thread for a Thread object. */
  create(object: Ref): JavaThread {
    const thread = new JavaThread(this.#nextId++, object, this.#vm.options.stackBytes)
    this.#all.set(thread.id, thread)
    if (object !== null) {
      this.#vm.heap.set(object, '$thread', thread.id)
      // Thread.isAlive looks at this.
      this.#vm.heap.set(object, 'eetop', BigInt(thread.id))
    }
    return thread
  }
  of(object: Ref): JavaThread | undefined {
    return this.#all.get(this.#vm.heap.get(object, '$thread') as number)
  }
  all(): readonly JavaThread[] {
    return [...this.#all.values()].filter(t => t.alive && t.object !== null)
  }
  byId(id: number): JavaThread | undefined {
    return this.#all.get(id)
  }

  /** Runs work as the first thread; resolves when it is done. */
  async runMain(work: Work<unknown>): Promise<unknown> {
    return await this.#run(this.current, work)
  }
  /** Runs work on a thread that runs nothing now. */
  async runOn(thread: JavaThread, work: Work<unknown>): Promise<unknown> {
    thread.depth = this.#vm.options.stackBytes
    return await this.#run(thread, work)
  }
  /** Runs work of the machine’s own on a thread beside the program’s. */
  runBeside(thread: JavaThread, work: Work<unknown>): void {
    this.#run(thread, work).catch((error: unknown) => this.onFailure(error))
  }
  /** Starts a thread: its object’s run method. */
  start(thread: JavaThread): void {
    thread.alive = true
    if (this.#live >= MAX_LIVE) {
      this.#unstarted.push(thread)
      return
    }
    this.#run(thread, this.#body(thread)).catch((error: unknown) => this.onFailure(error))
  }
  *#body(thread: JavaThread): Work<void> {
    const cls = this.#vm.heap.classOf(thread.object)
    const method = (name: string, descriptor: string): Method =>
      cls.select(this.#vm.classes.boot('java/lang/Thread').declared(name, descriptor) as Method)
    const { debug } = this.#vm
    try {
      if (debug) yield* debug.threadStarted()
      yield* invoke(method('run', '()V'), thread.object)
    } catch (error) {
      const thrown = this.#vm.throwableOf(error)
      yield* invoke(method('dispatchUncaughtException', '(Ljava/lang/Throwable;)V'), thread.object, thrown)
    }
    if (debug) yield* debug.threadEnded()
    yield* this.finish(thread)
  }
  /** What happens when a thread has ended: Thread.exit, and those who join it wake up. */
  *finish(thread: JavaThread): Work<void> {
    const { heap, classes } = this.#vm
    const cls = classes.boot('java/lang/Thread')
    yield* invoke(cls.declared('exit', '()V') as Method, thread.object)
    thread.alive = false
    const holder = thread.object
    heap.set(holder, 'threadStatus', THREAD_STATUS.terminated)
    heap.set(holder, 'eetop', 0n)
    this.#vm.monitors.notifyAll(holder)
    this.#all.delete(thread.id)
    this.checkIdle()
  }
  checkIdle(): void {
    for (const t of this.#all.values()) if (t.alive && !t.daemon && t !== this.#leaving) return
    this.onIdle()
  }
  #leaving: JavaThread | undefined;
  /** Waits until no thread but the current one and daemons is left. */
  *waitForOthers(): Work<void> {
    this.#leaving = this.current
    yield* wait(
      new Promise<void>(resolve => {
        this.onIdle = resolve
        this.checkIdle()
      }),
    )
  }

  async #run(thread: JavaThread, work: Work<unknown>): Promise<unknown> {
    this.#live++
    await this.#takeFor(thread)
    const task = new Task(work)
    try {
      await this.#vm.enter(task)
      return task.result
    } finally {
      this.#live--
      this.#release()
      const next = this.#unstarted.shift()
      if (next) this.start(next)
    }
  }

  #enter(thread: JavaThread): void {
    this.current = thread
    this.#vm.stackLeft = thread.depth
    this.#vm.rt.thread.value = thread.id
    this.#vm.rt.refs.set(0, thread.object)
    this.#sliceEnd = performance.now() + SLICE_MS
  }
  #take(): Promise<void> | undefined {
    if (!this.#taken) {
      this.#taken = true
      return undefined
    }
    return new Promise<void>(resolve => this.#turns.push(resolve))
  }
  #release(): void {
    const next = this.#turns.shift()
    if (next) next()
    else this.#taken = false
  }

  /** Gives up the turn until a promise is settled; what compiled code suspends for. */
  async await(until: PromiseLike<unknown>): Promise<void> {
    const thread = this.current
    thread.depth = this.#vm.stackLeft
    const { debug } = this.#vm
    if (debug?.isAttached) debug.note(thread)
    this.#release()
    await until
    await this.#takeFor(thread)
  }
  /** Waits for the thread’s turn, as long as the debugger does not hold it. */
  async #takeFor(thread: JavaThread): Promise<void> {
    const held = this.#vm.debug?.threads
    await this.#take()
    while (held?.holds(thread)) {
      this.#release()
      await held.released(thread)
      await this.#take()
    }
    for (let hold = this.#vm.host.turn?.(); hold; hold = this.#vm.host.turn?.()) await hold
    this.#enter(thread)
  }
  /** True when the running thread has had its slice and others may want one. */
  pollNeeded(): boolean {
    if (performance.now() < this.#sliceEnd) return false
    if (this.#all.size <= 1 && !this.#vm.stopping() && !this.#vm.debug && !this.#vm.host.turn) {
      this.#sliceEnd = performance.now() + SLICE_MS
      return false
    }
    return true
  }
  /** Lets the event loop turn and other threads run. */
  async yieldNow(): Promise<void> {
    await this.await(new Promise<void>(nextTurn))
  }

  #disposed = false
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  #forget(timer: ReturnType<typeof setTimeout> | undefined): void {
    if (timer === undefined) return
    clearTimeout(timer)
    this.#timers.delete(timer)
  }
  /** Forgets every deadline: the machine has ended, and nothing of it may keep the host waiting. */
  dispose(): void {
    this.#disposed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  /** Waits until woken, interrupted, or a deadline in milliseconds; the thread’s status says how. */
  *suspend(status: number, ms: number | undefined, onWake?: (wake: () => void) => void): Work<void> {
    const thread = this.current
    const { heap } = this.#vm
    if (thread.object !== null) heap.set(thread.object, 'threadStatus', status)
    let timer: ReturnType<typeof setTimeout> | undefined
    yield* wait(
      new Promise<void>(resolve => {
        const wake = (): void => {
          this.#forget(timer)
          thread.wake = undefined
          resolve()
        }
        thread.wake = wake
        onWake?.(wake)
        // Threads that still run when the machine ends wait for nothing any more.
        if (ms !== undefined && !this.#disposed) {
          timer = setTimeout(wake, Math.min(ms, 0x7fffffff))
          this.#timers.add(timer)
        }
      }),
    )
    if (thread.object !== null) heap.set(thread.object, 'threadStatus', THREAD_STATUS.runnable)
  }
}

/** Calls back once the event loop has turned. Node's own way first: loading its MessageChannel takes 50 ms. */
function nextTurn(turned: () => void): void {
  const { setImmediate: soon } = globalThis as { setImmediate?: (turned: () => void) => unknown }
  if (soon) return void soon(turned)
  const channel = new MessageChannel()
  channel.port1.onmessage = () => {
    channel.port1.close()
    turned()
  }
  channel.port2.postMessage(0)
}
