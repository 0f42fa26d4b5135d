/** Shorter turns are measured by the host's clock alone: asking for the processor's time takes microseconds. */
const SHORT_NS = 200_000
/** No turn takes less, though a host may count too coarsely to see it. */
const LEAST_NS = 1000

/** What turns take of a thread's processor time, all of them one after another. */
export class ThreadTime {
  readonly #busyNs: (() => number) | undefined
  /** The thread's time at the end of the last turn, as far as that is known. */
  #thenNs: number

  /** `busyNs` is the processor's time that the thread has had; without it the host's clock is all there is to measure by. */
  constructor(busyNs: (() => number) | undefined) {
    this.#busyNs = busyNs
    this.#thenNs = busyNs?.() ?? 0
  }

  /** What of the time that passed in a turn the thread had; no more than it has had since the turn before. */
  ofTurn(elapsedNs: number): number {
    if (!this.#busyNs) return elapsedNs
    if (elapsedNs < SHORT_NS) {
      this.#thenNs += elapsedNs
      return elapsedNs
    }
    const nowNs = this.#busyNs()
    const tookNs = Math.min(elapsedNs, Math.max(nowNs - this.#thenNs, LEAST_NS))
    this.#thenNs = nowNs
    return tookNs
  }
}
