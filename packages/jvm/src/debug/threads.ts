import type { Method, Value } from '../runtime/classes.ts'
import type { NotedStack, TraceFrame } from '../runtime/stack-traces.ts'
import type { JavaThread } from '../runtime/threads.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import type { Step } from './step.ts'

/** A frame of a method that can be debugged: where it is, and what its variables hold. */
export interface DebugFrame {
  readonly method: Method
  at: number
  readonly slots: Value[]
  /** Where it throws an exception, from there to where that has come. */
  throwsAt?: number | undefined
}
/** A frame of a stopped thread as a debugger sees it; without `debug` its variables are not known. */
export interface SeenFrame extends TraceFrame {
  readonly debug: DebugFrame | undefined
}

/** What the debugger knows of one thread. */
export class DebugThread {
  readonly thread: JavaThread
  readonly frames: DebugFrame[] = []
  suspends = 0
  step: Step | undefined
  /** The stack when the thread last stopped running, and what it was found to be. */
  stack: NotedStack | undefined
  seen: readonly SeenFrame[] | undefined
  /** True while it waits for the debugger at an event, where it can be asked to call methods. */
  atEvent = false
  /** What it is to do for the debugger before it goes on. */
  errand: (() => Work<void>) | undefined
  /** Goes on, or does its errand. */
  wake: (() => void)[] = []
  /** The exception that has been reported while it goes through the frames. */
  reported: object | undefined

  constructor(thread: JavaThread) {
    this.thread = thread
  }
  wakeUp(): void {
    for (const wake of this.wake.splice(0)) wake()
  }
  /** The stack as it was noted, innermost first. */
  look(vm: Vm): readonly SeenFrame[] {
    if (this.seen) return this.seen
    const trace = this.stack ? vm.traces.framesNoted(this.stack) : []
    const known = [...this.frames]
    const seen = trace
      .filter(frame => !frame.method.owner.hidden)
      .map((frame): SeenFrame => {
        const last = known[known.length - 1]
        const isInnermost = known.length === this.frames.length
        if (last?.method !== frame.method) return { ...frame, debug: undefined }
        known.pop()
        // Callers stand at their calls; the innermost is where it last said it was.
        return { method: frame.method, offset: isInnermost ? last.at : frame.offset, debug: last }
      })
    this.seen = seen
    return seen
  }
}

/** The threads that the debugger has to do with, and which of them may run. */
export class DebugThreads {
  readonly #all = new Map<JavaThread, DebugThread>()
  /** While a method is called for the debugger, all but those at events may run. */
  invocations = 0

  of(thread: JavaThread): DebugThread {
    let known = this.#all.get(thread)
    if (!known) this.#all.set(thread, (known = new DebugThread(thread)))
    return known
  }
  forget(thread: JavaThread): void {
    this.#all.delete(thread)
  }
  all(): Iterable<DebugThread> {
    return this.#all.values()
  }
  /** True when the thread must not run. */
  holds(thread: JavaThread): boolean {
    const known = this.#all.get(thread)
    return known !== undefined && known.suspends > 0 && !known.atEvent && this.invocations === 0
  }
  suspend(thread: JavaThread): void {
    this.of(thread).suspends++
  }
  resume(thread: JavaThread): void {
    const known = this.of(thread)
    if (known.suspends === 0 || --known.suspends > 0) return
    known.wakeUp()
  }
  /** Resolves when the thread is resumed, or may run for another reason. */
  released(thread: JavaThread): Promise<void> {
    return new Promise<void>(resolve => this.of(thread).wake.push(resolve))
  }
}
