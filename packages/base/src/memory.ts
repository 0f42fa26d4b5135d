/**
 * A machine's RAM as its devices and loaders see it: guest-physical, byte addressed. Addresses are JavaScript numbers
 * (exact below 2^53; a guest's 64-bit address beyond that is outside every memory). Writes drop translated code.
 */
export interface GuestMemory {
  /** RAM's guest-physical ranges, ascending and disjoint, in bytes. */
  readonly ranges: readonly { readonly base: number; readonly lengthBytes: number }[]
  /** True when all of `[gpa, gpa + lengthBytes)` is RAM. */
  contains(gpa: number, lengthBytes: number): boolean
  /** Copies guest bytes out; false, and nothing copied, when the range is not all RAM. */
  read(gpa: number, into: Uint8Array): boolean
  /** Copies bytes into the guest; false, and nothing copied, when the range is not all RAM. */
  write(gpa: number, from: Uint8Array): boolean
}

/** Plain RAM in one buffer: for device tests and for boards with no CPU. */
export class FlatMemory implements GuestMemory {
  readonly ranges: readonly { readonly base: number; readonly lengthBytes: number }[]
  readonly bytes: Uint8Array
  readonly #base: number

  constructor(base: number, lengthBytes: number) {
    this.#base = base
    this.bytes = new Uint8Array(lengthBytes)
    this.ranges = [{ base, lengthBytes }]
  }
  contains(gpa: number, lengthBytes: number): boolean {
    return gpa >= this.#base && gpa + lengthBytes <= this.#base + this.bytes.length
  }
  read(gpa: number, into: Uint8Array): boolean {
    if (!this.contains(gpa, into.length)) return false
    const at = gpa - this.#base
    into.set(this.bytes.subarray(at, at + into.length))
    return true
  }
  write(gpa: number, from: Uint8Array): boolean {
    if (!this.contains(gpa, from.length)) return false
    this.bytes.set(from, gpa - this.#base)
    return true
  }
}
