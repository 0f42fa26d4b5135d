import type { Method, Ref } from './classes.ts'
import type { Vm } from './vm.ts'

/** One frame of a Java stack: the method and the offset of its current instruction; -2 in native methods. */
export interface TraceFrame {
  readonly method: Method
  readonly offset: number
}

interface CallSite {
  getFunctionName(): string | null
  getPosition(): number
}
/** V8’s hook, https://v8.dev/docs/stack-trace-api. */
interface StackTraceApi {
  stackTraceLimit: number
  prepareStackTrace?: unknown
  captureStackTrace(into: object): void
}

/** Frames that are kept of a stack, as OpenJDK’s MaxJavaStackTraceDepth. */
export const MAX_FRAMES = 1024

/** Where each method’s code came from, and stacks read with it. */
export class StackTraces {
  readonly #vm: Vm
  readonly #marks = new Map<string, Int32Array>()

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** Notes a function’s marks: pairs of byte offset in its module and bytecode offset. */
  register(name: string, marks: readonly number[]): void {
    this.#marks.set(name, Int32Array.from(marks))
  }

  /** The current thread’s frames, innermost first. */
  capture(max: number = MAX_FRAMES): TraceFrame[] {
    const api = Error as unknown as StackTraceApi
    const [limit, prepare] = [api.stackTraceLimit, api.prepareStackTrace]
    const frames: TraceFrame[] = []
    const read = (_error: unknown, sites: readonly CallSite[]): TraceFrame[] => {
      for (const site of sites) {
        const name = site.getFunctionName()
        if (name === null || name[0] !== 'm') continue
        const id = Number.parseInt(name.slice(1))
        const method = this.#vm.classes.methodById(id)
        if (method) frames.push({ method, offset: this.#offsetAt(name, site.getPosition()) })
        if (frames.length >= max) break
      }
      return frames
    }
    const holder: { stack?: unknown } = {}
    try {
      api.stackTraceLimit = max * 2 + 64
      api.prepareStackTrace = read
      api.captureStackTrace(holder)
      // The hook runs when the property is first read.
      void holder.stack
    } finally {
      api.stackTraceLimit = limit
      api.prepareStackTrace = prepare
    }
    return frames
  }
  #offsetAt(name: string, position: number): number {
    const marks = this.#marks.get(name)
    if (!marks) return -1
    let offset = marks[1] ?? -1
    for (let i = 0; i < marks.length && (marks[i] as number) <= position; i += 2) offset = marks[i + 1] as number
    return offset
  }

  /** Frames as an int[] of method and offset pairs: what Throwable.backtrace holds. */
  pack(frames: readonly TraceFrame[]): Ref {
    const { rt, classes } = this.#vm
    const array = rt.newArray(classes.boot('[I').id, frames.length * 2)
    frames.forEach((frame, i) => {
      rt.setI(array, i * 2, frame.method.id)
      rt.setI(array, i * 2 + 1, frame.offset)
    })
    return array
  }
  unpack(array: Ref): TraceFrame[] {
    const { rt, classes } = this.#vm
    return Array.from({ length: rt.arrayLength(array) >> 1 }, (_, i) => ({
      method: classes.methodById(rt.getI(array, i * 2)) as Method,
      offset: rt.getI(array, i * 2 + 1),
    }))
  }
}
