import { RELOCATED_BYTES, RelocationKind, type Relocations, writePadded } from './relocations.ts'

/** A growing byte buffer with WebAssembly's number encodings (Core spec §5.2). */
export class ByteWriter {
  bytes: Uint8Array
  length = 0
  /** Where indices are noted while code is written that is to fit other modules too. */
  relocations: Relocations | undefined

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
  }

  #reserve(extra: number): void {
    if (this.length + extra <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + extra))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.#reserve(1)
    this.bytes[this.length++] = value
  }

  /** Unsigned LEB128 of a 32-bit value. */
  u32(value: number): void {
    this.#reserve(5)
    let rest = value >>> 0
    while (rest > 127) {
      this.bytes[this.length++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  /** Signed LEB128 of a 32-bit value. */
  s32(value: number): void {
    this.#reserve(5)
    let rest = value | 0
    for (;;) {
      const low = rest & 127
      rest >>= 7
      if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) {
        this.bytes[this.length++] = low
        return
      }
      this.bytes[this.length++] = low | 128
    }
  }

  /** Signed LEB128 of the 64-bit value `high:low`, without BigInt. */
  s64(low: number, high: number): void {
    this.#reserve(10)
    let lo = low | 0
    let hi = high | 0
    for (;;) {
      const septet = lo & 127
      lo = (lo >>> 7) | (hi << 25)
      hi >>= 7
      if ((lo === 0 && hi === 0 && (septet & 64) === 0) || (lo === -1 && hi === -1 && (septet & 64) !== 0)) {
        this.bytes[this.length++] = septet
        return
      }
      this.bytes[this.length++] = septet | 128
    }
  }

  /** A type’s index. */
  typeIndex(index: number): void {
    if (!this.relocations?.note(this.length, RelocationKind.type, index)) return this.u32(index)
    this.#padded(index)
  }
  /** A type’s index where heap and block types stand: signed. */
  signedTypeIndex(index: number): void {
    if (!this.relocations?.note(this.length, RelocationKind.signedType, index)) return this.s32(index)
    this.#padded(index)
  }
  /** A function’s index. */
  functionIndex(index: number): void {
    if (!this.relocations?.note(this.length, RelocationKind.function, index)) return this.u32(index)
    this.#padded(index)
  }
  #padded(index: number): void {
    this.#reserve(RELOCATED_BYTES)
    writePadded(this.bytes, this.length, index)
    this.length += RELOCATED_BYTES
  }

  /** Four bytes, little-endian. */
  fixed32(value: number): void {
    this.#reserve(4)
    for (let shift = 0; shift < 32; shift += 8) this.bytes[this.length++] = (value >>> shift) & 255
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** A name: UTF-8 bytes after their count. Only ASCII is ever written by us. */
  name(text: string): void {
    this.u32(text.length)
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i) & 127)
  }

  /** A copy of what has been written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length) as Uint8Array<ArrayBuffer>
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
