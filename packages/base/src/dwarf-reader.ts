import { DoppelError } from './errors.ts'

/** The bytes of a DWARF section, read in order; whatever would lie outside is `dwarf.truncated`. */
export class DwarfReader {
  at = 0
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #name: string

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes
    this.#name = name
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }
  /** An error about what is here. */
  fault(code: string, what: string): DoppelError {
    return new DoppelError(`dwarf.${code}`, `${this.#name}: ${what} at byte ${this.at}`, {
      name: this.#name,
      at: this.at,
    })
  }
  #take(lengthBytes: number): number {
    const at = this.at
    if (!(lengthBytes <= this.bytes.length - at)) throw this.fault('truncated', 'it ends in the middle of an entry')
    this.at = at + lengthBytes
    return at
  }
  skip(lengthBytes: number): void {
    this.#take(lengthBytes)
  }
  u8(): number {
    return this.bytes[this.#take(1)] as number
  }
  i8(): number {
    return (this.u8() << 24) >> 24
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true)
  }
  /** An offset or length: 8 bytes in the 64-bit format (DWARF 5 §7.4). */
  offset(is64: boolean): number {
    return is64 ? this.size(this.u64()) : this.u32()
  }
  /** What no section reaches becomes Infinity, which no bound admits. */
  size(value: bigint): number {
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Infinity
  }
  /** LEB128 (DWARF 5 §7.6) modulo 2^64. */
  uleb(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8()
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
  }
  sleb(): bigint {
    let value = 0n
    let shift = 0n
    for (;;) {
      const byte = this.u8()
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift
      shift += 7n
      if (byte < 0x80) return BigInt.asIntN(64, byte & 0x40 && shift < 64n ? value - (1n << shift) : value)
    }
  }
  /** A length or index in LEB128. */
  length(): number {
    return this.size(this.uleb())
  }
  text(maxBytes: number): string {
    const end = this.bytes.indexOf(0, this.at)
    if (end < 0) throw this.fault('truncated', 'a text has no end')
    const from = this.#take(end + 1 - this.at)
    return new TextDecoder().decode(this.bytes.subarray(from, Math.min(end, from + maxBytes)))
  }
}
