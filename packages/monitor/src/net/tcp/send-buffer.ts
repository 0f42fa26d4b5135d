/** Bytes that were written and not acknowledged yet, by their place in the stream. */
export class SendBuffer {
  readonly #chunks: Uint8Array[] = []
  /** The stream's offset of the first byte kept, and of the first not written yet. */
  #start = 0
  #end = 0

  get start(): number {
    return this.#start
  }
  get end(): number {
    return this.#end
  }
  get lengthBytes(): number {
    return this.#end - this.#start
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#end += bytes.length
  }

  /** Forgets everything before `offset`. */
  dropUntil(offset: number): void {
    while (this.#start < offset) {
      const first = this.#chunks[0]
      if (!first) return
      const lengthBytes = Math.min(first.length, offset - this.#start)
      if (lengthBytes === first.length) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(lengthBytes)
      this.#start += lengthBytes
    }
  }

  /** Copies the bytes from `offset` on into all of `into`; they are there. */
  copy(offset: number, into: Uint8Array): void {
    let at = this.#start
    let filled = 0
    for (const chunk of this.#chunks) {
      if (filled === into.length) return
      const from = offset + filled - at
      if (from < chunk.length) {
        const part = chunk.subarray(from, from + into.length - filled)
        into.set(part, filled)
        filled += part.length
      }
      at += chunk.length
    }
  }
}
