import { type EngineFrame, engineStacks, readFrames } from '@doppel/wasm'
import type { Field, JavaClass, Method, Ref } from './classes.ts'
import { INLINED_SHIFT, type InlinedMark } from '../translate/frame.ts'
import type { Vm } from './vm.ts'

/** One frame of a Java stack: the method and the offset of its current instruction; -2 in native methods. */
export interface TraceFrame {
  readonly method: Method
  readonly offset: number
}

/** A stack that V8 has noted and not described yet. */
interface Holder {
  stack?: unknown
  how?: 'made' | 'constructed'
}
/** The same, to others. */
export type NotedStack = Holder
/** Notes the current stack. */
function hold(max: number): Holder {
  const holder: Holder = {}
  const limit = engineStacks.stackTraceLimit
  // Host functions and adapters stand between Java’s frames.
  engineStacks.stackTraceLimit = max * 2 + 64
  engineStacks.captureStackTrace(holder)
  engineStacks.stackTraceLimit = limit
  return holder
}
/** The frames of a new throwable: without fillInStackTrace and the constructors that led to it. */
function withoutConstructors(frames: readonly TraceFrame[], cls: JavaClass): TraceFrame[] {
  let first = 0
  while (frames[first]?.method.name === 'fillInStackTrace') first++
  while (frames[first]?.method.name === '<init>' && cls.isSubtypeOf(frames[first]?.method.owner as JavaClass)) first++
  return frames.slice(first)
}

/** Frames that are kept of a stack, as OpenJDK’s MaxJavaStackTraceDepth. */
export const MAX_FRAMES = 1024

/** Where each method’s code came from, and stacks read with it. */
export class StackTraces {
  readonly #vm: Vm
  readonly #marks = new Map<string, Int32Array>()
  readonly #inlined = new Map<string, readonly InlinedMark[]>()

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** Notes a function’s marks: pairs of byte offset in its module and position; and whose code is inlined there. */
  register(name: string, marks: readonly number[], inlined: readonly InlinedMark[] = []): void {
    this.#marks.set(name, Int32Array.from(marks))
    if (inlined.length > 0) this.#inlined.set(name, inlined)
  }

  /** The current thread’s frames, innermost first. */
  capture(max: number = MAX_FRAMES): TraceFrame[] {
    return this.#read(hold(max), max)
  }
  /** Notes the current thread’s stack, to be read when somebody asks. */
  note(): NotedStack {
    return hold(MAX_FRAMES)
  }
  /** The frames of a stack that was noted, innermost first; it can be read once. */
  framesNoted(stack: NotedStack): TraceFrame[] {
    return this.#read(stack, MAX_FRAMES)
  }
  #read(holder: Holder, max: number): TraceFrame[] {
    const frames: TraceFrame[] = []
    const read = (sites: readonly EngineFrame[]): void => {
      for (const site of sites) {
        const name = site.getFunctionName()
        if (name === null || name[0] !== 'm') continue
        this.#readFunction(name, this.#positionAt(name, site.getPosition()), frames)
        if (frames.length >= max) break
      }
      frames.length = Math.min(frames.length, max)
    }
    readFrames(holder, read)
    return frames
  }

  /** The frames that one function stands for: those of inlined calls, innermost first, then its own. */
  #readFunction(name: string, innermost: number, frames: TraceFrame[]): void {
    const { classes } = this.#vm
    const inlined = this.#inlined.get(name)
    let position = innermost
    for (let call = position >> INLINED_SHIFT; call > 0; call = position >> INLINED_SHIFT) {
      const mark = inlined?.[call - 1]
      const method = mark && classes.methodById(mark.method)
      if (!mark || !method) break
      frames.push({ method, offset: position & ((1 << INLINED_SHIFT) - 1) })
      position = mark.caller
    }
    const method = classes.methodById(Number.parseInt(name.slice(1)))
    if (method) frames.push({ method, offset: position })
  }

  // Throwables

  #fields: Record<'trace' | 'backtrace' | 'depth', Field> | undefined
  get #throwable(): Record<'trace' | 'backtrace' | 'depth', Field> {
    const named = (name: string): Field => this.#vm.classes.boot('java/lang/Throwable').declaredField(name) as Field
    return (this.#fields ??= { trace: named('$trace'), backtrace: named('backtrace'), depth: named('depth') })
  }
  /**
   * Gives a throwable the current stack, which is read when somebody asks for it: most exceptions are caught and
   * forgotten. Of one that Java code has `constructed`, the constructors are no part of it.
   */
  fillIn(throwable: Ref, how: 'made' | 'constructed'): void {
    const { heap, rt, classes } = this.#vm
    const { trace, backtrace, depth } = this.#throwable
    const holder = hold(MAX_FRAMES)
    holder.how = how
    heap.setField(throwable, trace, holder)
    // Throwable takes a null to mean that there is no stack.
    heap.setField(throwable, backtrace, (this.#unread ??= rt.newArray(classes.boot('[I').id, 0)))
    heap.setField(throwable, depth, -1)
  }
  #unread: Ref = null
  /** A throwable’s frames, innermost first. */
  framesOf(throwable: Ref): TraceFrame[] {
    const { heap } = this.#vm
    const { trace, backtrace, depth } = this.#throwable
    const holder = heap.getField(throwable, trace) as Holder | null
    if (holder === null) {
      const packed = heap.getField(throwable, backtrace) as Ref
      return packed === null ? [] : this.#unpack(packed)
    }
    let frames = this.#read(holder, MAX_FRAMES).filter(f => !f.method.owner.hidden)
    if (holder.how === 'constructed') frames = withoutConstructors(frames, heap.classOf(throwable))
    heap.setField(throwable, trace, null)
    heap.setField(throwable, backtrace, this.#pack(frames))
    heap.setField(throwable, depth, frames.length)
    return frames
  }
  #positionAt(name: string, position: number): number {
    const marks = this.#marks.get(name)
    if (!marks) return -1
    let found = marks[1] ?? -1
    for (let i = 0; i < marks.length && (marks[i] as number) <= position; i += 2) found = marks[i + 1] as number
    return found
  }

  /** Frames as an int[] of method and offset pairs: what Throwable.backtrace holds. */
  #pack(frames: readonly TraceFrame[]): Ref {
    const { rt, classes } = this.#vm
    const array = rt.newArray(classes.boot('[I').id, frames.length * 2)
    frames.forEach((frame, i) => {
      rt.setI(array, i * 2, frame.method.id)
      rt.setI(array, i * 2 + 1, frame.offset)
    })
    return array
  }
  #unpack(array: Ref): TraceFrame[] {
    const { rt, classes } = this.#vm
    return Array.from({ length: rt.arrayLength(array) >> 1 }, (_, i) => ({
      method: classes.methodById(rt.getI(array, i * 2)) as Method,
      offset: rt.getI(array, i * 2 + 1),
    }))
  }
}
