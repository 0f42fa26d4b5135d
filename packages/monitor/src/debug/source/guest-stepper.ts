import { type DebugTarget, type SourceEnd, type SourceRun, type SourceStop, spansOf } from '@doppel/base'
import type { CodeIndex } from './code-index.ts'
import type { GuestBreakpoints } from './guest-breakpoints.ts'
import type { Arrival, GuestRun } from './guest-run.ts'
import { type MachineCode, readNumber } from './machine-code.ts'
import type { MachineFrame } from './machine-frames.ts'

/** What stepping goes by. */
export interface SteppedGuest {
  readonly target: DebugTarget
  readonly index: CodeIndex
  readonly code: MachineCode
  readonly run: GuestRun
  readonly breakpoints: GuestBreakpoints
  /** The innermost frame of a thread, as it is now. */
  frameOf(thread: number): MachineFrame
  /** Whether to stop for what has happened; undefined to go on. */
  judge(arrival: Arrival): Promise<SourceStop | SourceEnd | undefined>
  /** Whether a breakpoint stops a thread that has come to it, on its way back too. */
  isHit(thread: number, address: bigint, how?: { readonly isBack: boolean }): boolean
  /** Resolves when others have had their turn. */
  rest(): Promise<void>
}

type Stop = SourceStop | SourceEnd
type Place = { readonly file: string; readonly line: number } | undefined
const STEPS_BETWEEN_RESTS = 2000

/** A step of one thread by its source lines. */
export class GuestStepper {
  readonly #on: SteppedGuest
  readonly #thread: number
  readonly #how: Exclude<SourceRun, 'continue'>
  #frame: MachineFrame
  #line: Place
  /** The functions that it began in, put into one another, by their entries. */
  #chain: readonly number[]

  constructor(on: SteppedGuest, thread: number, how: Exclude<SourceRun, 'continue'>) {
    this.#on = on
    this.#thread = thread
    this.#how = how
    this.#frame = on.frameOf(thread)
    this.#line = on.index.rowAt(this.#frame.pc)
    this.#chain = this.#frame.functions.map(({ entry }) => entry.at)
  }
  get #pc(): bigint {
    return readNumber(this.#on.target, this.#thread, this.#on.code.programCounter) ?? 0n
  }
  get #sp(): bigint | undefined {
    const { target, code } = this.#on
    return readNumber(target, this.#thread, code.registerOf(code.stackPointer))
  }
  get #done(): SourceStop {
    return { reason: 'step', thread: this.#thread }
  }

  async run(): Promise<Stop> {
    if (this.#how === 'out' && this.#chain.length < 2) return await this.#return()
    for (let count = 1; ; count++) {
      if (count % STEPS_BETWEEN_RESTS === 0) {
        await this.#on.rest()
        if (this.#on.run.isPauseAsked) return { reason: 'pause', thread: this.#thread }
      }
      const stop = await this.#instruction()
      if (stop) return stop
    }
  }
  /** Until the frame has returned. */
  async #return(): Promise<Stop> {
    const { caller, cfa } = this.#frame
    const stop = caller ? await this.#runTo([caller.pc], cfa) : await this.#goOn()
    return stop ?? this.#done
  }
  async #goOn(): Promise<Stop> {
    for (;;) {
      const stop = await this.#on.judge(await this.#on.run.go())
      if (stop) return stop
    }
  }
  /** Until the thread is at one of these addresses, with this stack pointer: others, and calls of its own, come there too. */
  async #runTo(addresses: readonly bigint[], sp: bigint | undefined): Promise<Stop | undefined> {
    const { run, breakpoints } = this.#on
    if (breakpoints.isPlaced(this.#pc)) {
      const arrival = await run.step(this.#thread)
      const stop = arrival && (await this.#on.judge(arrival))
      if (stop) return stop
      if (addresses.includes(this.#pc) && (sp === undefined || sp === this.#sp)) return undefined
    }
    breakpoints.ofStep = addresses
    try {
      for (;;) {
        const arrival = await run.go()
        const isOwn = arrival.kind === 'stop' && arrival.stop.thread === this.#thread && !arrival.stop.watched
        if (isOwn && addresses.includes(this.#pc) && (sp === undefined || sp === this.#sp)) return undefined
        const stop = await this.#on.judge(arrival)
        if (stop) return stop
      }
    } finally {
      breakpoints.ofStep = []
    }
  }

  /** One instruction, or a call as a whole. */
  async #instruction(): Promise<Stop | undefined> {
    const { code, run, index, breakpoints } = this.#on
    const [before, sp] = [this.#pc, this.#sp]
    const instruction = code.instructionAt(this.#thread, before)
    const next = before + BigInt(instruction?.lengthBytes ?? 0)
    const arrival = await run.step(this.#thread)
    const stop = arrival && (await this.#on.judge(arrival))
    if (stop) return stop
    const now = this.#pc
    if (now === before) return undefined
    if (breakpoints.isPlaced(now) && this.#on.isHit(this.#thread, now)) {
      return { reason: 'breakpoint', thread: this.#thread }
    }
    const kind = instruction?.kind ?? 'other'
    if (kind === 'call' && now !== next) {
      if (this.#how === 'into' && index.rowAt(now)) return await this.#enter(now)
      return (await this.#runTo([next], sp)) ?? this.#arrived()
    }
    const isInside = this.#isInside(now)
    // A trap's handler, or an interrupt's: the thread comes back to where it was, or behind.
    if (kind === 'other' && !isInside) return (await this.#runTo([before, next], sp)) ?? this.#arrived()
    if (kind === 'jump' || !isInside) return await this.#jumped(now)
    return this.#arrived()
  }
  #isInside(address: bigint): boolean {
    const own = this.#frame.functions[0]?.entry
    if (!own) return this.#on.index.functionsAt(address).length === 0
    return spansOf(own).some(({ start, end }) => address >= start && address < end)
  }
  /** To where a function's parameters are in their places. */
  async #enter(address: bigint): Promise<Stop> {
    const entry = this.#on.index.afterEntry(address)
    const stop = entry === address ? undefined : await this.#runTo([entry], undefined)
    return stop ?? this.#done
  }
  /** A jump may stay in the frame, return from it, or leave it for a call in its place. */
  async #jumped(now: bigint): Promise<Stop | undefined> {
    const { index } = this.#on
    const frame = this.#on.frameOf(this.#thread)
    const [was, is] = [this.#frame.cfa, frame.cfa]
    if (was === is && this.#isInside(now)) return this.#arrived()
    const hasReturned = was === undefined || is === undefined || is > was
    if (!hasReturned) {
      if (this.#how === 'into' && index.rowAt(now)) return await this.#enter(now)
      const { caller } = frame
      const stop = caller ? await this.#runTo([caller.pc], is) : await this.#goOn()
      if (stop) return stop
    }
    // In the middle of the caller's line: the step goes on to its end.
    this.#frame = this.#on.frameOf(this.#thread)
    this.#chain = this.#frame.functions.map(({ entry }) => entry.at)
    const row = index.rowAt(this.#pc)
    if (!row || this.#how === 'out') return this.#done
    this.#line = row
    return row.isStatement && row.start === this.#pc ? this.#done : undefined
  }
  /** Whether the line of a step is done, where the frame is the one that it is about. */
  #arrived(): Stop | undefined {
    const now = this.#pc
    const row = this.#on.index.rowAt(now)
    if (!row || row.line === 0 || !row.isStatement || row.start !== now) return undefined
    const chain = this.#on.index.functionsAt(now).map(({ entry }) => entry.at)
    const isWithin = this.#chain.every((at, i) => chain[i] === at)
    if (this.#how === 'out') return isWithin ? undefined : this.#done
    if (this.#how === 'over' && isWithin && chain.length > this.#chain.length) return undefined
    return row.line === this.#line?.line && row.file === this.#line.file ? undefined : this.#done
  }
}
