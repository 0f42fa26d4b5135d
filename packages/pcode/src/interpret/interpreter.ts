import { FRAME_HEADER_BYTES, frameSize } from '../machine/layout.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import {
  CODE_WORDS,
  Field,
  STORAGE,
  type StorageClass,
  UNDEFINED_WORD,
  VALUE_BYTES,
  type ValueType,
} from '../program/program.ts'
import type { Ops } from '../rows/ops.ts'
import { Row as RowNumber, ROWS } from '../rows/p5.ts'
import type { Row } from '../rows/row.ts'
import { resultOnFault, STANDARD } from '../rows/standard.ts'
import type { StandardResult } from '../rows/standard-row.ts'
import { enclosing } from '../verify/operands.ts'
import type { VerifiedProgram, VerifiedRoutine } from '../verify/verify.ts'
import { type StackValue, ValueOps } from './value-ops.ts'

/** Where the address of the enclosing routine's frame stands, seen from a frame. */
const LINK = -FRAME_HEADER_BYTES
/** Routines active at once. */
const MAX_ACTIVATIONS = 1 << 20
/** Instructions between looks at the world outside. */
const SLICE = 100_000

/** A routine that has begun and not returned. */
export interface Activation {
  readonly verified: VerifiedRoutine
  /** The address of its frame. */
  readonly frame: number
  /** The stack of frames before this one. */
  readonly stackTop: number
  /** The instruction that it runs next. */
  at: number
  stack: StackValue[]
}

/** Runs a program by its instructions' meanings, one after another: slowly, exactly, and stoppable anywhere. */
export class Interpreter extends ValueOps implements Ops<StackValue> {
  readonly #verified: VerifiedProgram
  readonly #activations: Activation[] = []
  #now: Activation
  #stackTop: number
  #stopped = false
  #served: StandardResult = undefined

  constructor(verified: VerifiedProgram, runtime: Runtime) {
    super(runtime)
    this.#verified = verified
    this.#stackTop = runtime.layout.stack
    this.#now = this.#enter(0, 0, [])
  }

  /** Runs to the end. Waits by yielding promises: for input, and for `look`, called now and then. */
  *run(look?: () => Promise<void> | undefined): Generator<Promise<void>, void> {
    let slice = SLICE
    while (!this.#stopped) {
      if (--slice === 0) {
        slice = SLICE
        const wait = look?.()
        if (wait) yield wait
      }
      const rest = this.next()
      if (rest) yield* rest
    }
  }
  /** Runs one instruction; what is left of it, where it may have to wait. */
  next(): Generator<Promise<void>, void> | undefined {
    const now = this.#now
    this.#step(now)
    return typeof this.#served === 'object' ? this.#serve(this.#served, now) : undefined
  }
  *#serve(served: StandardResult & object, now: Activation): Generator<Promise<void>, void> {
    this.#served = undefined
    const result = yield* served
    if (result !== undefined) now.stack.push(result)
  }
  /** True when the program has ended by itself. */
  get isOver(): boolean {
    return this.#stopped
  }
  /** The routines that are active, the main program first. */
  get activations(): readonly Activation[] {
    return this.#activations
  }
  /** Address of the frame that the routine of a frame sees as the one around it. */
  enclosingFrame(frame: number): number {
    return this.runtime.memory.word(frame + LINK)
  }
  /** Where each active routine is, innermost first. */
  sites(): { readonly routine: number; readonly at: number }[] {
    // An activation's own instruction is the one before that it will run next.
    return this.#activations.map(a => ({ routine: a.verified.index, at: Math.max(a.at - 1, 0) })).reverse()
  }

  #step(now: Activation): void {
    const { verified } = now
    const at = now.at++
    const word = at * CODE_WORDS
    const { code } = verified.routine
    const row = ROWS[code[word + Field.row] as number] as Row
    const effect = verified.effects[at] as { pops: string }
    const values = effect.pops === '' ? [] : now.stack.splice(-effect.pops.length)
    const operands = {
      p: code[word + Field.p] as number,
      q: code[word + Field.q] as number,
      r: code[word + Field.r] as number,
    }
    const result = row.run(this as Ops<StackValue>, operands, ...values)
    if (result === undefined) return
    if (Array.isArray(result)) now.stack.push(...(result as StackValue[]))
    else now.stack.push(result as StackValue)
  }

  #enter(index: number, link: number, args: readonly StackValue[]): Activation {
    const verified = this.#verified.routines[index] as VerifiedRoutine
    const { routine } = verified
    const { memory, layout, program } = this.runtime
    const stackTop = this.#stackTop
    const frame = stackTop + FRAME_HEADER_BYTES
    const top = stackTop + frameSize(routine.frameBytes)
    if (top > layout.stackEnd || this.#activations.length >= MAX_ACTIVATIONS) throw new Problem('stack')
    memory.fill(frame, top - frame, program.undefined ? UNDEFINED_WORD : 0)
    memory.setWord(frame + LINK, link)
    this.#stackTop = top
    routine.params.forEach((type, i) => {
      this.store(storageOf(type), frame, routine.paramOffsets[i] as number, args[i] as StackValue)
    })
    const activation = { verified, frame, stackTop, at: 0, stack: [] }
    this.#activations.push(activation)
    this.#now = activation
    return activation
  }
  #leave(): Activation | undefined {
    this.#stackTop = this.#now.stackTop
    this.#activations.pop()
    const caller = this.#activations[this.#activations.length - 1]
    if (caller) this.#now = caller
    return caller
  }
  #frame(levels: number): number {
    let frame = this.#now.frame
    for (let i = 0; i < levels; i++) frame = this.enclosingFrame(frame)
    return frame
  }
  #levelsTo(outer: number): number {
    let levels = 0
    for (let at = this.#now.verified.index; at !== outer; levels++) {
      at = enclosing(this.runtime.program, at, 1) as number
    }
    return levels
  }

  loadLocal(storage: StorageClass, levels: number, offset: number): StackValue {
    return this.load(storage, this.#frame(levels), offset)
  }
  storeLocal(storage: StorageClass, levels: number, offset: number, value: StackValue): void {
    this.store(storage, this.#frame(levels), offset, value)
  }
  localAddress(levels: number, offset: number): StackValue {
    return this.#frame(levels) + offset
  }
  standard(index: number, args: readonly StackValue[]): StackValue | undefined {
    const row = STANDARD[index]
    if (row?.inline) return row.inline(this as Ops<StackValue>, ...args) ?? undefined
    try {
      const result = row?.serve?.(this.runtime, ...(args as number[]))
      if (typeof result === 'number') return result
      this.#served = result && this.#forgiving(result, index, args as number[])
      return undefined
    } catch (error) {
      return this.#settled(error, index, args as number[])
    }
  }

  *#forgiving(
    steps: StandardResult & object,
    index: number,
    args: readonly number[],
  ): Generator<Promise<void>, number | void> {
    try {
      return yield* steps
    } catch (error) {
      return this.#settled(error, index, args)
    }
  }
  /** What a standard procedure gives that failed where the program goes on; else throws. */
  #settled(error: unknown, index: number, args: readonly number[]): number | undefined {
    const { at, verified } = this.#now
    const row = verified.routine.code[(at - 1) * CODE_WORDS + Field.row]
    if (
      row === RowNumber.csf &&
      error instanceof Problem &&
      this.runtime.forgives(error, STANDARD[index]?.onFault !== undefined)
    )
      return resultOnFault(STANDARD[index] as (typeof STANDARD)[number], args)
    throw error
  }

  jump(target: number): void {
    this.#now.at = target
  }
  jumpIf(condition: StackValue, target: number): void {
    if (condition !== 0) this.#now.at = target
  }
  jumpTable(table: number, selector: StackValue): void {
    const entry = this.runtime.program.tables[table] as { low: number; targets: readonly number[]; fallback: number }
    this.#now.at = entry.targets[(selector as number) - entry.low] ?? entry.fallback
  }
  call(routine: number, args: readonly StackValue[]): undefined {
    this.#enter(routine, this.procedureLink(routine), args)
  }
  callIndirect(signature: number, link: StackValue, code: StackValue, args: readonly StackValue[]): undefined {
    const { program } = this.runtime
    const index = (code as number) - 1
    const callee = program.routines[index]
    const wanted = program.signatures[signature]
    const fits =
      callee && index > 0 && callee.result === wanted?.result && callee.params.join() === wanted?.params.join()
    if (!fits) throw new Problem('procedure')
    this.#enter(index, link as number, args)
  }
  procedureLink(routine: number): number {
    return this.#frame(this.#levelsTo(this.runtime.program.routines[routine]?.parent as number))
  }
  procedureCode(routine: number): number {
    return routine + 1
  }
  return(value: StackValue | undefined): void {
    const caller = this.#leave()
    if (!caller) this.#stopped = true
    if (value !== undefined) caller?.stack.push(value)
  }
  goto(levels: number, target: number): void {
    const frame = this.#frame(levels)
    const routine = enclosing(this.runtime.program, this.#now.verified.index, levels)
    while (this.#now.frame !== frame || this.#now.verified.index !== routine) {
      if (!this.#leave()) throw new Problem('procedure')
    }
    this.#now.at = target
    this.#now.stack = []
  }
  stop(): void {
    this.#stopped = true
  }
}

/** How a parameter of a type lies in its frame. */
export function storageOf(type: ValueType): StorageClass {
  return STORAGE[type].bytes === VALUE_BYTES[type] ? type : 'i'
}
