/** A place that samples have hit: an address, and whether U-mode was there. */
export interface ProfilePlace {
  readonly pc: bigint
  readonly user: boolean
  readonly samples: number
}

/** More places than this are no profile; those that come late are counted, not told apart. */
const MAX_PLACES = 100_000

/**
 * Where harts spend their instructions: the program counter each time that a slice has used up its instructions, which harts
 * do about once a millisecond while they run.
 */
export class Profile {
  readonly #samples = new Map<bigint, number>()
  /** Samples in all. */
  total = 0

  note(pc: bigint, user: boolean): void {
    this.total++
    // No address is odd: the lowest bit tells the two apart.
    const key = pc | (user ? 1n : 0n)
    const known = this.#samples.get(key)
    if (known !== undefined || this.#samples.size < MAX_PLACES) this.#samples.set(key, (known ?? 0) + 1)
  }
  /** The places, the most frequent first. */
  places(): ProfilePlace[] {
    return [...this.#samples]
      .map(([key, samples]) => ({ pc: key & ~1n, user: (key & 1n) === 1n, samples }))
      .sort((a, b) => b.samples - a.samples)
  }
}
