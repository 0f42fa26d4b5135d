import { JavaProblem } from '../problem.ts'
import type { Ref } from './classes.ts'
import { THREAD_STATUS, type JavaThread } from './threads.ts'
import type { Work } from './tasks.ts'
import type { Vm } from './vm.ts'

const COUNT_BITS = 12
const COUNT_MASK = (1 << COUNT_BITS) - 1

/** A monitor that threads contend for or wait on; the object’s lock word is minus its number. */
interface Monitor {
  readonly id: number
  owner: number
  count: number
  readonly entering: (() => void)[]
  readonly waiting: { readonly thread: JavaThread; readonly wake: () => void; notified: boolean }[]
}

/** Monitors (JVMS §2.11.10, Object.wait): inflated when contended or waited on, deflated when idle. */
export class Monitors {
  readonly #vm: Vm
  readonly #inflated = new Map<number, Monitor>()
  #next = 1

  constructor(vm: Vm) {
    this.#vm = vm
  }

  #inflate(object: Ref): Monitor {
    const lock = this.#vm.rt.getLock(object)
    if (lock < 0) return this.#inflated.get(-lock) as Monitor
    const monitor: Monitor = {
      id: this.#next++,
      owner: lock >>> COUNT_BITS,
      count: lock & COUNT_MASK,
      entering: [],
      waiting: [],
    }
    this.#inflated.set(monitor.id, monitor)
    this.#vm.rt.setLock(object, -monitor.id)
    return monitor
  }
  #deflate(object: Ref, monitor: Monitor): void {
    if (monitor.owner !== 0 || monitor.entering.length > 0 || monitor.waiting.length > 0) return
    this.#inflated.delete(monitor.id)
    this.#vm.rt.setLock(object, 0)
  }

  *enter(object: Ref, count = 1): Work<void> {
    const { threads } = this.#vm
    const thread = threads.current
    const monitor = this.#inflate(object)
    if (monitor.owner === thread.id) {
      monitor.count += count
      return
    }
    while (monitor.owner !== 0) {
      yield* threads.suspend(THREAD_STATUS.blocked, undefined, wake => monitor.entering.push(wake))
    }
    monitor.owner = thread.id
    monitor.count = count
  }
  exit(object: Ref): void {
    const lock = this.#vm.rt.getLock(object)
    const monitor = lock < 0 ? this.#inflated.get(-lock) : undefined
    if (!monitor || monitor.owner !== this.#vm.threads.current.id) {
      throw new JavaProblem('java/lang/IllegalMonitorStateException', 'current thread is not owner')
    }
    if (--monitor.count === 0) this.#leave(object, monitor)
  }
  #leave(object: Ref, monitor: Monitor): void {
    monitor.owner = 0
    const next = monitor.entering.shift()
    if (next) next()
    else this.#deflate(object, monitor)
  }
  holds(object: Ref, thread: JavaThread): boolean {
    const lock = this.#vm.rt.getLock(object)
    return lock < 0 ? this.#inflated.get(-lock)?.owner === thread.id : lock !== 0 && lock >>> COUNT_BITS === thread.id
  }

  /** Object.wait; `ms` 0 waits without end. */
  *wait(object: Ref, ms: number): Work<void> {
    const { threads } = this.#vm
    const thread = threads.current
    if (!this.holds(object, thread)) {
      throw new JavaProblem('java/lang/IllegalMonitorStateException', 'current thread is not owner')
    }
    const interrupted = (): boolean => {
      const was = thread.interrupted
      thread.interrupted = false
      if (was && thread.object !== null) this.#vm.heap.set(thread.object, 'interrupted', 0)
      return was
    }
    if (interrupted()) throw new JavaProblem('java/lang/InterruptedException')
    const monitor = this.#inflate(object)
    const { count } = monitor
    const status = ms === 0 ? THREAD_STATUS.waiting : THREAD_STATUS.timedWaiting
    let entry: Monitor['waiting'][0] | undefined
    yield* threads.suspend(status, ms === 0 ? undefined : ms, wake => {
      entry = { thread, wake, notified: false }
      monitor.waiting.push(entry)
      this.#leave(object, monitor)
    })
    const at = monitor.waiting.findIndex(e => e === entry)
    if (at >= 0) monitor.waiting.splice(at, 1)
    yield* this.enter(object, count)
    if (!entry?.notified && interrupted()) throw new JavaProblem('java/lang/InterruptedException')
  }
  notify(object: Ref, all: boolean): void {
    if (!this.holds(object, this.#vm.threads.current)) {
      throw new JavaProblem('java/lang/IllegalMonitorStateException', 'current thread is not owner')
    }
    this.#wake(object, all)
  }
  /** As `notify` for all, by the machine itself. */
  notifyAll(object: Ref): void {
    this.#wake(object, true)
  }
  #wake(object: Ref, all: boolean): void {
    const lock = this.#vm.rt.getLock(object)
    const monitor = lock < 0 ? this.#inflated.get(-lock) : undefined
    if (!monitor) return
    for (const entry of monitor.waiting.splice(0, all ? monitor.waiting.length : 1)) {
      entry.notified = true
      entry.wake()
    }
  }
}
