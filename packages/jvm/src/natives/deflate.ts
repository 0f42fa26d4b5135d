/** Compression as RFC 1951 has it: greedy matches through a hash of three bytes, in blocks of the fixed code. */
const [MIN_MATCH, MAX_MATCH, WINDOW, HASH_SIZE] = [3, 258, 32_768, 1 << 15]
const MAX_CHAIN = 64

/** One compression: input gathers until a flush or the end; output waits until there is room for it. */
export class Deflater {
  readonly raw: boolean
  #pending: Uint8Array[] = []
  #out: number[] = []
  #outAt = 0
  #bits = 0
  #bitCount = 0
  #started = false
  #ended = false
  adler = 1
  /** Level 0 stores. */
  level: number

  constructor(raw: boolean, level: number) {
    this.raw = raw
    this.level = level
  }
  get finished(): boolean {
    return this.#ended && this.#outAt === this.#out.length
  }

  /** Takes input, all of it. */
  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pending.push(bytes)
    this.adler = adler32(this.adler, bytes)
  }
  /** Turns what has gathered into blocks; the last one when `end`. */
  flush(end: boolean): void {
    if (this.#ended) return
    if (!this.#started && !this.raw) this.#out.push(0x78, 0x9c)
    this.#started = true
    const data = joined(this.#pending)
    this.#pending = []
    if (this.level === 0) this.#stored(data, end)
    else this.#block(data, end)
    if (!end) {
      this.#put(0, 3)
      this.#align()
      this.#out.push(0, 0, 0xff, 0xff)
      return
    }
    this.#align()
    if (!this.raw) for (const shift of [24, 16, 8, 0]) this.#out.push((this.adler >>> shift) & 255)
    this.#ended = true
  }
  /** Moves output into `room`; returns how much. */
  read(room: Uint8Array): number {
    const count = Math.min(room.length, this.#out.length - this.#outAt)
    for (let i = 0; i < count; i++) room[i] = this.#out[this.#outAt + i] as number
    this.#outAt += count
    if (this.#outAt === this.#out.length) {
      this.#out = []
      this.#outAt = 0
    }
    return count
  }

  #put(value: number, count: number): void {
    this.#bits |= value << this.#bitCount
    this.#bitCount += count
    while (this.#bitCount >= 8) {
      this.#out.push(this.#bits & 255)
      this.#bits >>>= 8
      this.#bitCount -= 8
    }
  }
  #align(): void {
    if (this.#bitCount > 0) this.#put(0, 8 - this.#bitCount)
  }
  /** Huffman codes go highest bit first. */
  #code(value: number, count: number): void {
    let reversed = 0
    for (let i = 0; i < count; i++) reversed |= ((value >> i) & 1) << (count - 1 - i)
    this.#put(reversed, count)
  }
  #literal(symbol: number): void {
    if (symbol < 144) this.#code(0x30 + symbol, 8)
    else if (symbol < 256) this.#code(0x190 + symbol - 144, 9)
    else if (symbol < 280) this.#code(symbol - 256, 7)
    else this.#code(0xc0 + symbol - 280, 8)
  }
  #match(length: number, distance: number): void {
    if (length === MAX_MATCH) this.#literal(285)
    else {
      const l = length - 3
      const bits = l < 8 ? 0 : 29 - Math.clz32(l)
      this.#literal(257 + (bits << 2) + (l >> bits))
      this.#put(l & ((1 << bits) - 1), bits)
    }
    const d = distance - 1
    const bits = d < 4 ? 0 : 30 - Math.clz32(d)
    this.#code((bits << 1) + (d >> bits), 5)
    this.#put(d & ((1 << bits) - 1), bits)
  }

  #stored(data: Uint8Array, end: boolean): void {
    for (let at = 0; at < data.length || at === 0; at += 65_535) {
      const part = data.subarray(at, at + 65_535)
      this.#put(end && at + part.length >= data.length ? 1 : 0, 3)
      this.#align()
      const length = part.length
      this.#out.push(length & 255, length >> 8, ~length & 255, (~length >> 8) & 255)
      for (const byte of part) this.#out.push(byte)
    }
  }
  #block(data: Uint8Array, end: boolean): void {
    this.#put((end ? 1 : 0) | 2, 3)
    const heads = new Int32Array(HASH_SIZE).fill(-1)
    const previous = new Int32Array(data.length)
    const at = (i: number): number => data[i] as number
    const hash = (i: number): number => ((at(i) << 10) ^ (at(i + 1) << 5) ^ at(i + 2)) & (HASH_SIZE - 1)
    const remember = (i: number): void => {
      if (i + MIN_MATCH > data.length) return
      const h = hash(i)
      previous[i] = heads[h] as number
      heads[h] = i
    }
    for (let i = 0; i < data.length; ) {
      let [length, distance] = [0, 0]
      if (i + MIN_MATCH <= data.length) {
        let candidate = heads[hash(i)] as number
        for (let chain = 0; candidate >= 0 && i - candidate <= WINDOW && chain < MAX_CHAIN; chain++) {
          let n = 0
          while (n < MAX_MATCH && i + n < data.length && at(candidate + n) === at(i + n)) n++
          if (n > length) [length, distance] = [n, i - candidate]
          candidate = previous[candidate] as number
        }
      }
      if (length < MIN_MATCH) {
        this.#literal(at(i))
        remember(i++)
        continue
      }
      this.#match(length, distance)
      for (let n = 0; n < length; n++) remember(i++)
    }
    this.#literal(256)
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Adler-32 (RFC 1950 §8.2). */
export function adler32(start: number, bytes: Uint8Array): number {
  let [a, b] = [start & 0xffff, start >>> 16]
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return ((b << 16) | a) >>> 0
}

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})
/** CRC-32 (RFC 1952 §8), continued from `start`. */
export function crc32(start: number, bytes: Uint8Array): number {
  let c = ~start
  for (let i = 0; i < bytes.length; i++) c = (CRC_TABLE[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8)
  return ~c
}
