import { DoppelError, type Privilege, type RiscvHart, type SliceEnd } from '@doppel/base'
import type { Hart } from '../hart.ts'
import { Tell, type ThreadWords } from './thread-words.ts'

/** Bits of mip that software writes, by the CSRs that firmware may write while the hart is away. */
const WRITABLE_AWAY: Readonly<Record<string, bigint>> = { sip: 2n, mip: 2n }

/** CSRs that count, and whose state is all in memory. */
const COUNTERS: ReadonlySet<string> = new Set(['mcycle', 'minstret', 'mcountinhibit'])

/** A hart as the board's thread has it: at home the hart itself, and away what is in memory and what it can be told. */
export class ThreadedHart implements RiscvHart {
  readonly id: number
  readonly home: Hart
  readonly words: ThreadWords
  /** It runs on its own thread now. */
  isAway = false
  #isCalling = false
  /** Called when it has been told to fence, and has yet to do so. */
  readonly #onFence: (hart: ThreadedHart) => void
  #running = false

  constructor(home: Hart, words: ThreadWords, onFence: (hart: ThreadedHart) => void) {
    this.id = home.id
    this.home = home
    this.words = words
    this.#onFence = onFence
  }

  get running(): boolean {
    return this.isAway ? this.#running : this.home.running
  }
  get retired(): bigint {
    return this.isAway ? this.words.long('retired') : this.home.retired
  }
  /** Lets it go: from now on it is told, not touched. */
  leaves(): void {
    this.#running = this.home.running
    this.words.setLong('retired', this.home.retired)
    this.isAway = true
  }

  /** Does what firmware does for a hart that has called it, and waits: its counters may be touched meanwhile. */
  call(firmware: (hart: RiscvHart) => void): void {
    this.home.adopt(this.#running, this.words.long('retired'))
    this.#isCalling = true
    try {
      firmware(this)
    } finally {
      this.#isCalling = false
    }
  }

  start(entry: { readonly pc: bigint; readonly privilege: Privilege; readonly a0: bigint; readonly a1: bigint }): void {
    if (!this.isAway) return this.home.start(entry)
    this.words.setLong('startPc', entry.pc)
    this.words.setWord('startPrivilege', entry.privilege)
    this.words.setLong('startA0', entry.a0)
    this.words.setLong('startA1', entry.a1)
    this.#running = true
    this.words.tell(Tell.start)
  }
  stop(): void {
    if (!this.isAway) return this.home.stop()
    this.#running = false
    this.words.tell(Tell.stop)
  }
  run(budget: number): SliceEnd {
    if (this.isAway) throw new DoppelError('internal.hart-away', `hart ${this.id} runs on its own thread`)
    return this.home.run(budget)
  }
  x(register: number): bigint {
    return this.home.x(register)
  }
  setX(register: number, value: bigint): void {
    this.home.setX(register, value)
  }
  setInterrupt(bit: number, level: boolean): void {
    this.home.setInterrupt(bit, level)
    if (level && this.isAway) this.words.wake()
  }
  wait(): void {
    if (this.isAway) this.words.tell(Tell.wait)
    else this.home.wait()
  }
  interruptPending(): boolean {
    return this.home.interruptPending()
  }
  timerDeadline(): bigint | undefined {
    return this.home.timerDeadline()
  }
  setSupervisorTimer(value: bigint): void {
    this.home.setSupervisorTimer(value)
    if (this.isAway) this.words.wake()
  }
  flushTlb(range?: { readonly start: bigint; readonly lengthBytes: bigint }): void {
    if (!this.isAway) return this.home.flushTlb(range)
    // The words of a range that has yet to be flushed must stay.
    if (range === undefined || !this.words.hasFenced) {
      return this.#fence(Tell.flushTlb)
    }
    this.words.setLong('rangeStart', range.start)
    this.words.setLong('rangeBytes', range.lengthBytes)
    this.#fence(Tell.flushRange)
  }
  flushInstructions(): void {
    if (this.isAway) this.#fence(Tell.flushCode)
    else this.home.flushInstructions()
  }
  #fence(tell: number): void {
    if (this.words.fence(tell)) this.#onFence(this)
  }
  readCsr(name: string): bigint {
    return this.home.readCsr(name)
  }
  writeCsr(name: string, value: bigint): void {
    if (!this.isAway || (this.#isCalling && COUNTERS.has(name))) return this.home.writeCsr(name, value)
    const writable = WRITABLE_AWAY[name]
    if (writable === undefined) {
      throw new DoppelError('internal.hart-away', `${name} of hart ${this.id}, which runs on its own thread`)
    }
    this.home.changeInterrupts(writable & ~value, writable & value)
    this.words.wake()
  }
}
