const MAX_CONSTANT_BYTES = 1 << 26

/** The constants of a program, each once. */
export class Pool {
  #bytes: number[] = []
  readonly #strings = new Map<string, number>()
  readonly reals: number[] = []
  readonly #realIndexes = new Map<string, number>()
  readonly sets: Uint8Array[] = []
  readonly #setIndexes = new Map<string, number>()

  /** Where the characters of a string are. */
  string(text: string): number {
    const known = this.#strings.get(text)
    if (known !== undefined) return known
    const at = this.#bytes.length
    for (let i = 0; i < text.length && at + i < MAX_CONSTANT_BYTES; i++) this.#bytes.push(text.charCodeAt(i) & 0xff)
    this.#strings.set(text, at)
    return at
  }

  real(value: number): number {
    // By text, with the sign of zero.
    const key = Object.is(value, -0) ? '-0' : String(value)
    const known = this.#realIndexes.get(key)
    if (known !== undefined) return known
    this.#realIndexes.set(key, this.reals.length)
    return this.reals.push(value) - 1
  }

  /** The index of the set of 32 bytes. */
  set(bits: Uint8Array): number {
    const key = bits.join()
    const known = this.#setIndexes.get(key)
    if (known !== undefined) return known
    this.#setIndexes.set(key, this.sets.length)
    return this.sets.push(bits) - 1
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}
