const FIRST_SLOTS = 1024

/**
 * Spellings of identifiers, each a small number: identifiers that differ in the case of letters only are one
 * (ISO 7185 §6.1.1).
 */
export class Names {
  readonly #texts: string[] = []
  #slots: Int32Array<ArrayBuffer> = new Int32Array(FIRST_SLOTS).fill(-1)
  readonly #hashes: number[] = []

  /** The number of the spelling in `text` from `start` up to `end`; letters must be ASCII. */
  intern(text: string, start: number, end: number): number {
    let hash = 0
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (text.charCodeAt(i) | 0x20)) | 0
    const mask = this.#slots.length - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    for (;;) {
      const id = this.#slots[slot] as number
      if (id < 0) return this.#add(text.slice(start, end).toLowerCase(), hash, slot)
      if (this.#hashes[id] === hash && this.#same(this.#texts[id] as string, text, start, end)) return id
      slot = (slot + 1) & mask
    }
  }

  /** The number of a whole text. */
  of(text: string): number {
    return this.intern(text, 0, text.length)
  }

  /** The spelling in lower case. */
  text(id: number): string {
    return this.#texts[id] ?? ''
  }

  /** How many there are; numbers are below it. */
  get count(): number {
    return this.#texts.length
  }

  #same(known: string, text: string, start: number, end: number): boolean {
    if (known.length !== end - start) return false
    for (let i = 0; i < known.length; i++) {
      const c = text.charCodeAt(start + i)
      const lower = c >= 65 && c <= 90 ? c | 0x20 : c
      if (known.charCodeAt(i) !== lower) return false
    }
    return true
  }

  #add(text: string, hash: number, slot: number): number {
    const id = this.#texts.length
    this.#texts.push(text)
    this.#hashes.push(hash)
    this.#slots[slot] = id
    if (this.#texts.length * 2 > this.#slots.length) this.#grow()
    return id
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    this.#hashes.forEach((hash, id) => {
      let slot = (hash ^ (hash >>> 15)) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = id
    })
    this.#slots = slots
  }
}
