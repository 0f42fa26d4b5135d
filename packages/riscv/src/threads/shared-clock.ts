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

/** The time counter that harts of several threads read: it never tells one less than it has told another. */
export class SharedClock {
  readonly #words: Int32Array
  readonly #longs: BigInt64Array
  readonly #doubles: Float64Array

  constructor(memory: ArrayBufferLike, at: number) {
    this.#words = new Int32Array(memory, at, SHARED_CLOCK_BYTES / 4)
    this.#longs = new BigInt64Array(memory, at, SHARED_CLOCK_BYTES / 8)
    this.#doubles = new Float64Array(memory, at, SHARED_CLOCK_BYTES / 8)
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

  /** How long so many ticks take. */
  msOf(ticks: number): number {
    return ticks / (this.#doubles[RATE] as number)
  }
  /** The ticks now. */
  ticks(): bigint {
    for (;;) {
      const version = Atomics.load(this.#words, VERSION)
      const sinceMs = threadsNowMs() - (this.#doubles[SET_MS] as number)
      const now = (this.#longs[SET_TICKS] as bigint) + BigInt(Math.floor(sinceMs * (this.#doubles[RATE] as number)))
      // Set meanwhile: read anew.
      if ((version & 1) !== 0 || Atomics.load(this.#words, VERSION) !== version) continue
      const latest = Atomics.load(this.#longs, LATEST)
      if (now <= latest) return latest
      if (Atomics.compareExchange(this.#longs, LATEST, latest, now) === latest) return now
    }
  }
}
