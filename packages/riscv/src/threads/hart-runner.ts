import { assert, type RiscvHart } from '@doppel/base'
import { RiscvCpu } from '../cpu.ts'
import type { Hart } from '../hart.ts'
import { type HartHandover, handOver, takeOver } from '../saved.ts'
import type { MakeHart, ThreadStats } from './messages.ts'
import { HartTime } from './hart-time.ts'
import { SharedClock } from './shared-clock.ts'
import { Ask, CLOCK_AT, clockLimitAt, Tell, ThreadWords } from './thread-words.ts'

/** A slice aims at this: what a hart is told, another's interrupt above all, waits no longer. */
const SLICE_MS = 0.1
const MIN_SLICE = 2_000
const MAX_SLICE = 100_000
const FIRST_SLICE = 10_000
/** The board's thread is told again each time so many more exceptions in a row have come to nothing. */
const FRUITLESS_TOLD = 10_000
/** The clock may be set while a hart sleeps: it looks at it so often. */
const MAX_SLEEP_MS = 1000
const LONG_SLEEP_MS = 5

type Width = 1 | 2 | 4 | 8

/** Runs one hart on this thread; everything that is the board's it asks of the board's thread. */
export class HartRunner {
  readonly #cpu: RiscvCpu
  readonly #hart: Hart
  readonly #words: ThreadWords
  readonly #clock: SharedClock
  readonly #time: HartTime
  #budget = FIRST_SLICE
  #fruitless = 0

  constructor(config: MakeHart) {
    const { place, translateAfter } = config
    const memory = place.memory?.buffer
    assert(memory !== undefined, 'the board’s thread makes the memory')
    this.#words = new ThreadWords(memory, place.hart)
    const limitsAt = Array.from({ length: config.harts }, (_, hart) => clockLimitAt(hart))
    this.#clock = new SharedClock(memory, CLOCK_AT, limitsAt)
    this.#cpu = new RiscvCpu(
      {
        harts: config.harts,
        ramBase: config.ramBase,
        ramBytes: config.ramBytes,
        time: () => this.#time.ticks(),
        bus: {
          read: (gpa, width) => this.#read(gpa, width),
          write: (gpa, width, value) => this.#write(gpa, width, value),
        },
        ...(config.hasFirmware && { environmentCall: (hart: RiscvHart) => this.#callFirmware(hart) }),
      },
      { place, ...(translateAfter !== undefined && { translateAfter }) },
    )
    this.#hart = this.#cpu.harts[place.hart] as Hart
    this.#time = new HartTime(this.#clock, this.#hart)
    if (config.hasPageSource) this.#cpu.engine.frames.giver = page => this.#askFrame(page)
    if (config.translations) this.#cpu.engine.restoreTranslations(config.translations)
  }

  /** Runs until the hart is to go home. */
  run(handover: HartHandover): HartHandover {
    takeOver(this.#hart, handover)
    for (;;) {
      if ((this.#listen() & Tell.gather) !== 0) {
        this.#time.release()
        return handOver(this.#hart)
      }
      if (!this.#hart.running || this.#slice() === 'wfi') this.#sleep()
    }
  }

  stats(): ThreadStats {
    const { stats, engine } = this.#cpu
    return { ...this.#hart.stats, ...stats, engine: engine.stats }
  }
  translations(): Uint8Array {
    return this.#cpu.engine.saveTranslations()
  }

  #slice(): ReturnType<Hart['run']> {
    const hart = this.#hart
    const began = performance.now()
    const before = hart.retired
    this.#time.hold()
    const end = hart.run(this.#budget)
    const { retired } = hart
    this.#words.setLong('retired', retired)
    if (end !== 'budget') return end
    if (retired === before) {
      this.#fruitless += this.#budget
      this.#words.setWord('fruitless', this.#fruitless)
      if (this.#fruitless % FRUITLESS_TOLD < this.#budget) this.#words.ring()
    } else if (this.#fruitless > 0) this.#words.setWord('fruitless', (this.#fruitless = 0))
    const tookMs = performance.now() - began
    if (tookMs > 2 * SLICE_MS) this.#budget = Math.max(MIN_SLICE, this.#budget >> 1)
    else if (tookMs < SLICE_MS / 2) this.#budget = Math.min(MAX_SLICE, this.#budget * 2)
    return end
  }

  // What the hart is told

  /** Does what the hart has been told; going home is the caller's to do. */
  #listen(): number {
    return this.#words.listen(tells => this.#obey(tells))
  }
  #obey(tells: number): void {
    const words = this.#words
    const hart = this.#hart
    if ((tells & Tell.flushTlb) !== 0) hart.flushTlb()
    else if ((tells & Tell.flushRange) !== 0) {
      hart.flushTlb({ start: words.long('rangeStart'), lengthBytes: words.long('rangeBytes') })
    }
    if ((tells & Tell.flushCode) !== 0) hart.flushInstructions()
    if ((tells & Tell.stop) !== 0) hart.stop()
    if ((tells & Tell.start) !== 0) {
      hart.start({
        pc: words.long('startPc'),
        privilege: words.word('startPrivilege') as 0 | 1 | 3,
        a0: words.long('startA0'),
        a1: words.long('startA1'),
      })
    }
    if ((tells & Tell.wait) !== 0) hart.wait()
  }

  /** Sleeps until something is told, or an interrupt is pending. */
  #sleep(): void {
    const [words, hart] = [this.#words, this.#hart]
    // What it wrote so far the others need look at only once then.
    hart.flushTlb()
    const began = performance.now()
    this.#time.release()
    words.setWord('asleep', 1)
    for (;;) {
      const seen = words.word('wake')
      // Before the look at interrupts: a deadline that passes in between is pending there.
      const timeoutMs = hart.running ? this.#deadlineMs() : Infinity
      if (words.word('tells') !== 0 || (hart.running && hart.interruptPending())) break
      words.sleep(seen, timeoutMs)
    }
    words.setWord('asleep', 0)
    this.#time.hold()
    // Whoever accounts for the time looks at sleepers seldom.
    if (performance.now() - began > LONG_SLEEP_MS) words.ring()
  }
  /** Milliseconds to the hart's own timer; one that has passed with its interrupt off wakes nobody. */
  #deadlineMs(): number {
    const deadline = this.#hart.timerDeadline()
    const left = deadline === undefined ? -1 : Number(deadline - this.#time.ticks())
    return left > 0 ? Math.min(this.#clock.msOf(left), MAX_SLEEP_MS) : Infinity
  }

  // What it asks

  #ask(what: number): void {
    this.#words.setWord('ask', what)
    this.#words.ring()
    while (this.#isAsking()) this.#words.sleep(this.#seen, Infinity)
    this.#time.answered()
  }
  #seen = 0
  #isAsking(): boolean {
    this.#seen = this.#words.word('wake')
    return this.#words.word('ask') !== Ask.nothing
  }
  #access(what: number, gpa: number, width: Width, value: bigint): boolean {
    this.#words.setLong('gpa', BigInt(gpa))
    this.#words.setLong('value', value)
    this.#words.setWord('bytes', width)
    this.#ask(what)
    return this.#words.word('ok') === 1
  }
  #read(gpa: number, width: Width): bigint | undefined {
    return this.#access(Ask.read, gpa, width, 0n) ? this.#words.long('value') : undefined
  }
  #write(gpa: number, width: Width, value: bigint): boolean {
    const done = this.#access(Ask.write, gpa, width, value)
    // A device may have raised an interrupt, or ended the machine.
    if (this.#words.word('tells') !== 0 || this.#hart.interruptPending()) this.#cpu.interrupted = true
    return done
  }
  #askFrame(page: number): number {
    this.#words.setLong('gpa', BigInt(page))
    this.#ask(Ask.frame)
    return Number(this.#words.long('value'))
  }

  /** Asks the firmware; fences that other harts ask for meanwhile are done, or two harts would wait for each other. */
  #callFirmware(hart: RiscvHart): void {
    const words = this.#words
    words.setLong('retired', hart.retired)
    words.setWord('ask', Ask.environmentCall)
    words.setWord('asleep', 1)
    words.ring()
    while (this.#isAsking()) words.sleep(this.#seen, Infinity)
    words.setWord('asleep', 0)
    this.#time.answered()
    const left = this.#listen() & Tell.gather
    // For the loop, which is between slices only.
    if (left !== 0) words.tell(left)
  }
}
