/** The shortest turn, instructions: a few critical sections. */
const SHORTEST = 64

/**
 * In which order harts have their turns, and how long these are, as a function of a seed: other seeds interleave harts in other
 * ways. All magnitudes of length are alike frequent, so that turns end within short stretches of code and long ones alike.
 */
export class TurnPlan {
  #state: number

  constructor(seed: number) {
    this.#state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)) | 0
  }

  /** The next round's order (Fisher and Yates's shuffle; Knuth, TAOCP vol. 2, §3.4.2). */
  order<T>(harts: readonly T[]): T[] {
    const order = [...harts]
    for (let i = order.length - 1; i > 0; i--) {
      const other = Math.floor(this.#next() * (i + 1))
      ;[order[i], order[other]] = [order[other] as T, order[i] as T]
    }
    return order
  }
  /** The next turn's length, at most `most` instructions. */
  instructions(most: number): number {
    const shortest = Math.min(SHORTEST, most)
    return Math.floor(shortest * (most / shortest) ** this.#next())
  }
  save(): number {
    return this.#state
  }
  restore(state: number): void {
    this.#state = state
  }

  /** At least 0, less than 1: a Weyl sequence through the finalizer of MurmurHash3. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
  }
}
