import type { SharedClock } from './shared-clock.ts'

/** What one instruction may take in the guest's eyes, ms: as for harts on one thread (`GuestClock` of the board). */
const MAX_INSTRUCTION_MS = 50e-6
/** What it takes at least while another hart holds time: programs measure what they do, and divide by it. */
const MIN_INSTRUCTION_MS = 0.1e-6
/** How far others' time goes on while this hart does not: several times its slices. */
const HELD_AFTER_MS = 0.5
/** What the board's answer may take: several times what it takes where threads are not kept waiting. */
const MAX_ANSWER_MS = 0.1

/** The part of a hart that its time is told by. */
interface Retiring {
  readonly id: number
  readonly retired: bigint
}

/**
 * The time as a hart on a thread of its own sees it, which never runs further ahead of the instructions it retires than
 * the slowest machine would: see `GuestClock`. The others' time waits for it meanwhile.
 */
export class HartTime {
  readonly #clock: SharedClock
  readonly #hart: Retiring
  #told = 0n
  #retiredThen = 0n
  #holds = false
  #extraMs = 0

  constructor(clock: SharedClock, hart: Retiring) {
    this.#clock = clock
    this.#hart = hart
  }

  ticks(): bigint {
    const { retired } = this.#hart
    if (!this.#holds) return (this.#told = this.#clock.ticks())
    const instructions = Number(retired - this.#retiredThen)
    const mostMs = instructions * MAX_INSTRUCTION_MS + this.#extraMs
    const least = this.#told + this.#clock.ticksIn(instructions * MIN_INSTRUCTION_MS)
    const now = this.#clock.ticks(this.#told + this.#clock.ticksIn(mostMs), least)
    if (now === this.#told) return now
    // What the host did not need is not saved up: a pause in the next handler would be paid from it.
    this.#told = now
    this.#retiredThen = retired
    this.#extraMs = 0
    return now
  }

  /** The hart runs, or goes on running: others' time waits for it from now on. */
  hold(): void {
    if (this.#holds) this.ticks()
    else {
      this.#told = this.#clock.ticks()
      this.#retiredThen = this.#hart.retired
      this.#extraMs = 0
    }
    this.#holds = true
    this.#clock.hold(this.#hart.id, this.#told + this.#clock.ticksIn(HELD_AFTER_MS))
  }
  /** The hart waits, and does not notice how long. */
  release(): void {
    this.#holds = false
    this.#clock.release(this.#hart.id)
  }
  /** What the hart asked of another thread has been answered. */
  answered(): void {
    this.#extraMs += MAX_ANSWER_MS
    this.ticks()
    this.#clock.hold(this.#hart.id, this.#told + this.#clock.ticksIn(HELD_AFTER_MS))
  }
}
