/** What a machine may save up while it waits, and spend at once. */
const BURST_NS = 10_000_000

/** Time that comes in at a steady rate and is spent by running: what is left may be below zero, after a long turn. */
export class TimeCredit {
  /** Nanoseconds that come in with each that passes, 0 to 1. */
  rate: number
  #leftNs = BURST_NS
  #atNs: number

  constructor(rate: number, nowNs: number) {
    this.rate = rate
    this.#atNs = nowNs
  }

  leftNs(nowNs: number): number {
    this.#leftNs = Math.min(BURST_NS, this.#leftNs + (nowNs - this.#atNs) * this.rate)
    this.#atNs = nowNs
    return this.#leftNs
  }
  spend(tookNs: number): void {
    this.#leftNs -= tookNs
  }
}
