/** Bytes that are appended to: the constants of a program while it is loaded. */
export class ConstantBytes {
  #bytes = new Uint8Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }
  /** Makes room for so many zeros; where they begin. */
  reserve(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return at
  }
  setByte(at: number, value: number): void {
    this.#bytes[at] = value
  }
  appendWord(value: number): void {
    const at = this.reserve(4)
    new DataView(this.#bytes.buffer).setInt32(at, value, true)
  }
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}
