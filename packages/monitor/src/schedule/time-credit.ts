/** What a machine begins with. */
const FIRST_NS = 10_000_000

/** Time that comes in at a steady rate and is spent by running: what is left may be below zero, after a long turn. */
export class TimeCredit {
  /** Nanoseconds that come in with each that passes, 0 to 1. */
  rate: number
  #leftNs: number
  #atNs: number
  readonly #burstNs: number

  /** `burstNs` is what may be saved up, and spent at once. */
  constructor(rate: number, burstNs: number, nowNs: number) {
    this.rate = rate
    this.#burstNs = burstNs
    this.#leftNs = Math.min(burstNs, FIRST_NS)
    this.#atNs = nowNs
  }

  leftNs(nowNs: number): number {
    this.#leftNs = Math.min(this.#burstNs, this.#leftNs + (nowNs - this.#atNs) * this.rate)
    this.#atNs = nowNs
    return this.#leftNs
  }
  spend(tookNs: number): void {
    this.#leftNs -= tookNs
  }
}
