import type { Method, Ref } from './classes.ts'
import { invoke, type Work } from './tasks.ts'
import { THREAD_STATUS, type JavaThread } from './threads.ts'
import type { Vm } from './vm.ts'

const SIGQUIT = 3
/** What jdk.internal.misc.Signal gives as a handler that is Java’s, and as none. */
const JAVA_HANDLER = 2n

const STATES: Readonly<Record<number, string>> = {
  [THREAD_STATUS.new]: 'NEW',
  [THREAD_STATUS.runnable]: 'RUNNABLE',
  [THREAD_STATUS.blocked]: 'BLOCKED (on object monitor)',
  [THREAD_STATUS.waiting]: 'WAITING (on object monitor)',
  [THREAD_STATUS.timedWaiting]: 'TIMED_WAITING (on object monitor)',
  [THREAD_STATUS.parked]: 'WAITING (parking)',
  [THREAD_STATUS.timedParked]: 'TIMED_WAITING (parking)',
  [THREAD_STATUS.sleeping]: 'TIMED_WAITING (sleeping)',
}

/** Signals from the host, which the library’s own dispatcher hands to their handlers (jdk.internal.misc.Signal). */
export class Signals {
  readonly #vm: Vm
  readonly #handled = new Map<number, bigint>()
  #object: Ref = null
  #thread: JavaThread | undefined

  constructor(vm: Vm) {
    this.#vm = vm
  }
  /** The library runs; `object` is the Thread that signals are dispatched on. */
  begin(object: Ref): void {
    this.#object = object
  }
  /** Signal.handle0: notes who handles a signal; returns who did before. */
  handle(signal: number, handler: bigint): bigint {
    const before = this.#handled.get(signal) ?? 0n
    this.#handled.set(signal, handler)
    return before
  }
  /** A signal has come. False when nothing in the program handles it. */
  raise(signal: number): boolean {
    if (this.#object === null) return false
    if (signal === SIGQUIT && this.#handled.get(signal) !== JAVA_HANDLER) {
      this.#dump()
      return true
    }
    if (this.#handled.get(signal) !== JAVA_HANDLER) return false
    this.#thread ??= this.#vm.threads.create(this.#object)
    this.#vm.threads.runBeside(this.#thread, this.#dispatch(signal))
    return true
  }
  *#dispatch(signal: number): Work<void> {
    const cls = this.#vm.classes.boot('jdk/internal/misc/Signal')
    yield* this.#vm.linker.initialize(cls)
    yield* invoke(cls.declared('dispatch', '(I)V') as Method, signal)
  }
  /** Every thread and its state; stacks that are suspended cannot be read from outside. */
  #dump(): void {
    const { heap, threads, host } = this.#vm
    const lines = ['Full thread dump doppel Java virtual machine:', '']
    for (const thread of threads.all()) {
      const name = heap.text(heap.get(thread.object, 'name') as Ref)
      const state = STATES[heap.get(thread.object, 'threadStatus') as number] ?? 'RUNNABLE'
      lines.push(`"${name}" #${thread.id}${thread.daemon ? ' daemon' : ''}`, `   java.lang.Thread.State: ${state}`, '')
    }
    host.write(1, new TextEncoder().encode(`${lines.join('\n')}\n`))
  }
}
