import { threadsNowMs } from '@doppel/base'

/** i32: odd while the clock is being set. */
const VERSION = 0
/** Then, at 8 bytes each: ticks and host milliseconds when it was set, ticks a millisecond, the latest ticks told. */
const SET_TICKS = 1
const SET_MS = 2
const RATE = 3
const LATEST = 4
/** What all of it takes. */
const SHARED_CLOCK_BYTES = 40
/** What a hart that does not hold the clock has as its limit. */
const NO_LIMIT = 0x7fff_ffff_ffff_ffffn

/**
 * The time counter that harts of several threads read: it never tells one less than it has told another. Nor does it run
 * far ahead of a hart that the host keeps from running, in the middle of an interrupt handler perhaps, which would seem
 * to have taken long, with the next interrupts due: each hart that is awake says how far time may go before it has got
 * on, and all see time stand still there (what `GuestClock` does for harts on one thread).
 */
export class SharedClock {
  readonly #words: Int32Array
  readonly #longs: BigInt64Array
  readonly #doubles: Float64Array
  readonly #limits: readonly BigInt64Array[]

  /** `limitsAt`: host addresses of an i64 for each hart, which are to begin with set by `release`. */
  constructor(memory: ArrayBufferLike, at: number, limitsAt: readonly number[]) {
    this.#words = new Int32Array(memory, at, SHARED_CLOCK_BYTES / 4)
    this.#longs = new BigInt64Array(memory, at, SHARED_CLOCK_BYTES / 8)
    this.#doubles = new Float64Array(memory, at, SHARED_CLOCK_BYTES / 8)
    this.#limits = limitsAt.map(limit => new BigInt64Array(memory, limit, 1))
  }

  /** Makes it show `ticks` now. Only one thread sets it. */
  set(ticks: bigint, ticksPerSecond: number): void {
    Atomics.add(this.#words, VERSION, 1)
    this.#longs[SET_TICKS] = ticks
    this.#doubles[SET_MS] = threadsNowMs()
    this.#doubles[RATE] = ticksPerSecond / 1000
    Atomics.store(this.#longs, LATEST, ticks)
    Atomics.add(this.#words, VERSION, 1)
  }

  /** The whole ticks of some time. */
  ticksIn(ms: number): bigint {
    return BigInt(Math.floor(ms * (this.#doubles[RATE] as number)))
  }
  /** How long so many ticks take. */
  msOf(ticks: number): number {
    return ticks / (this.#doubles[RATE] as number)
  }
  /** The ticks now; where `most` is given no more than that, or `least` where other harts hold time below it. */
  ticks(most: bigint = NO_LIMIT, least = 0n): bigint {
    for (;;) {
      let now = this.hostTicks()
      for (const limit of this.#limits) {
        const held = Atomics.load(limit, 0)
        if (held < now) now = held
      }
      if (now < least) now = least
      if (now > most) now = most
      const latest = Atomics.load(this.#longs, LATEST)
      if (now <= latest) return latest
      if (Atomics.compareExchange(this.#longs, LATEST, latest, now) === latest) return now
    }
  }
  /** The ticks that the host's time amounts to, which the clock shows when no hart holds it. */
  hostTicks(): bigint {
    for (;;) {
      const version = Atomics.load(this.#words, VERSION)
      const sinceMs = threadsNowMs() - (this.#doubles[SET_MS] as number)
      const now = (this.#longs[SET_TICKS] as bigint) + BigInt(Math.floor(sinceMs * (this.#doubles[RATE] as number)))
      // Set meanwhile: read anew.
      if ((version & 1) === 0 && Atomics.load(this.#words, VERSION) === version) return now
    }
  }

  /** The hart, or what runs it, lets time go on to so many ticks, and holds it there. */
  hold(hart: number, limit: bigint): void {
    Atomics.store(this.#limits[hart] as BigInt64Array, 0, limit)
  }
  /** The hart holds time no longer: it waits, and does not notice how long. */
  release(hart: number): void {
    Atomics.store(this.#limits[hart] as BigInt64Array, 0, NO_LIMIT)
  }
}
