import { assert } from '@doppel/base'

const PAGE_BYTES = 0x1_0000

/** A program's memory: little-endian words and bytes of one WebAssembly memory. Addresses are checked by the engine. */
export class MachineMemory {
  readonly memory: WebAssembly.Memory
  #view: DataView
  #bytes: Uint8Array

  constructor(bytes: number, maxBytes: number) {
    const pages = (n: number): number => Math.ceil(n / PAGE_BYTES)
    assert(bytes <= maxBytes, 'memory begins no larger than it may become')
    this.memory = new WebAssembly.Memory({ initial: pages(bytes), maximum: pages(maxBytes) })
    this.#view = new DataView(this.memory.buffer)
    this.#bytes = new Uint8Array(this.memory.buffer)
  }
  /** Makes sure that addresses below `end` are there; false when the limit forbids it. */
  growTo(end: number): boolean {
    const missing = end - this.#bytes.length
    if (missing <= 0) return true
    // Grown by a quarter at least, so that a growing heap asks seldom.
    const wanted = Math.ceil(Math.max(missing, this.#bytes.length / 4) / PAGE_BYTES)
    if (!this.#grow(wanted) && !this.#grow(Math.ceil(missing / PAGE_BYTES))) return false
    this.#view = new DataView(this.memory.buffer)
    this.#bytes = new Uint8Array(this.memory.buffer)
    return true
  }
  #grow(pages: number): boolean {
    try {
      this.memory.grow(pages)
      return true
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
  }
  get bytes(): Uint8Array {
    return this.#bytes
  }
  get view(): DataView {
    return this.#view
  }
  word(address: number): number {
    return this.#view.getInt32(address, true)
  }
  setWord(address: number, value: number): void {
    this.#view.setInt32(address, value, true)
  }
  byte(address: number): number {
    return this.#view.getUint8(address)
  }
  setByte(address: number, value: number): void {
    this.#view.setUint8(address, value)
  }
  real(address: number): number {
    return this.#view.getFloat64(address, true)
  }
  setReal(address: number, value: number): void {
    this.#view.setFloat64(address, value, true)
  }
  /** Fills bytes, which end with a whole word or are zeros, with a word. */
  fill(address: number, bytes: number, word: number): void {
    if (word === 0) this.#bytes.fill(0, address, address + bytes)
    else for (let i = 0; i < bytes; i += 4) this.setWord(address + i, word)
  }
  /** A copy of bytes, for a port to keep. */
  slice(address: number, bytes: number): Uint8Array {
    const at = address < 0 ? address + 0x1_0000_0000 : address
    if (bytes < 0 || at + bytes > this.#bytes.length) throw new RangeError('beyond the memory')
    return this.#bytes.slice(at, at + bytes)
  }
}
