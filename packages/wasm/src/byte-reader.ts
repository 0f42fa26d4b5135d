/** Reads WebAssembly's number encodings (Core spec §5.2) from bytes of our own making; past the end all is zero. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }
  u8(): number {
    return this.#bytes[this.#at++] ?? 0
  }
  /** Unsigned LEB128 of a 32-bit value. */
  u32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      value |= (byte & 127) << shift
      if (byte < 128) break
    }
    return value >>> 0
  }
  /** Signed LEB128 of up to 64 bits. */
  signed(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return (byte & 64) === 0 ? value : BigInt.asIntN(64, value - (1n << (shift + 7n)))
    }
    return BigInt.asIntN(64, value)
  }
  /** A float of 4 or 8 bytes. */
  float(bytes: 4 | 8): number {
    const view = new DataView(new ArrayBuffer(8))
    for (let i = 0; i < bytes; i++) view.setUint8(i, this.u8())
    return bytes === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
  }
}
