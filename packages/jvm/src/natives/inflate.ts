/** Sizes of the fixed Huffman code (RFC 1951 §3.2.6) and of length and distance symbols (§3.2.5). */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const WINDOW = 32_768
const MAX_BITS = 15

/** A canonical Huffman code: counts by length and symbols in order of their codes. */
interface Huffman {
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
}
function huffman(lengths: ArrayLike<number>): Huffman {
  const counts = new Uint16Array(MAX_BITS + 1)
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number
    counts[length] = (counts[length] as number) + 1
  }
  counts[0] = 0
  let left = 1
  for (let length = 1; length <= MAX_BITS; length++) {
    left = left * 2 - (counts[length] as number)
    if (left < 0) throw new InflateError('invalid code lengths set')
  }
  const offsets = new Uint16Array(MAX_BITS + 2)
  for (let length = 1; length <= MAX_BITS; length++) {
    offsets[length + 1] = (offsets[length] as number) + (counts[length] as number)
  }
  const symbols = new Uint16Array(lengths.length)
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number
    if (length === 0) continue
    symbols[offsets[length] as number] = i
    offsets[length] = (offsets[length] as number) + 1
  }
  return { counts, symbols }
}
const FIXED_LITERALS: Huffman = huffman(
  Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
)
const FIXED_DISTANCES: Huffman = huffman(Array.from({ length: 30 }, () => 5))

/** Compressed data that is none; the message is zlib’s. */
export class InflateError extends Error {}

/** A running decompression (RFC 1950, RFC 1951): give it input and room, and it goes on where it stopped. */
export class Inflater {
  input: Uint8Array = new Uint8Array(0)
  inputAt = 0
  output: Uint8Array = new Uint8Array(0)
  outputAt = 0
  finished = false
  needsDictionary = false
  adler = 1
  readonly raw: boolean
  readonly #window = new Uint8Array(WINDOW)
  #windowAt = 0
  #bits = 0
  #bitCount = 0
  readonly #steps: Iterator<void>

  constructor(raw: boolean) {
    this.raw = raw
    this.#steps = this.#run()
  }

  /** Goes on until the input is used up, the output full, or the data at its end. Throws InflateError. */
  run(): void {
    if (this.#steps.next().done) this.finished = true
  }
  dictionary(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#window[this.#windowAt] = byte
      this.#windowAt = (this.#windowAt + 1) & (WINDOW - 1)
    }
    this.needsDictionary = false
    this.adler = 1
  }

  *#byte(): Generator<void, number> {
    while (this.inputAt >= this.input.length) yield
    return this.input[this.inputAt++] as number
  }
  *#take(count: number): Generator<void, number> {
    while (this.#bitCount < count) {
      this.#bits |= (yield* this.#byte()) << this.#bitCount
      this.#bitCount += 8
    }
    const value = this.#bits & ((1 << count) - 1)
    this.#bits >>>= count
    this.#bitCount -= count
    return value
  }
  *#symbol({ counts, symbols }: Huffman): Generator<void, number> {
    let [code, first, index] = [0, 0, 0]
    for (let length = 1; length <= MAX_BITS; length++) {
      if (this.#bitCount === 0) {
        this.#bits = yield* this.#byte()
        this.#bitCount = 8
      }
      code |= this.#bits & 1
      this.#bits >>>= 1
      this.#bitCount--
      const count = counts[length] as number
      if (code - count < first) return symbols[index + (code - first)] as number
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw new InflateError('invalid code')
  }
  #put(byte: number): void {
    this.output[this.outputAt++] = byte
    this.#window[this.#windowAt] = byte
    this.#windowAt = (this.#windowAt + 1) & (WINDOW - 1)
  }

  *#run(): Generator<void, void> {
    if (!this.raw) yield* this.#header()
    let last: number
    do {
      last = yield* this.#take(1)
      const type: number = yield* this.#take(2)
      if (type === 0) yield* this.#stored()
      else if (type === 1) yield* this.#compressed(FIXED_LITERALS, FIXED_DISTANCES)
      else if (type === 2) yield* this.#dynamic()
      else throw new InflateError('invalid block type')
    } while (last === 0)
    this.#align()
    if (!this.raw) for (let i = 0; i < 4; i++) yield* this.#byte()
  }
  *#header(): Generator<void, void> {
    const method = yield* this.#byte()
    const flags: number = yield* this.#byte()
    if ((method & 15) !== 8 || (method * 256 + flags) % 31 !== 0) throw new InflateError('incorrect header check')
    if ((flags & 32) === 0) return
    let id = 0
    for (let i = 0; i < 4; i++) id = (id << 8) | (yield* this.#byte())
    this.adler = id
    this.needsDictionary = true
    while (this.needsDictionary) yield
  }
  /** Goes to the next byte; whole bytes that were read ahead are given back. */
  #align(): void {
    this.inputAt -= this.#bitCount >> 3
    this.#bits = 0
    this.#bitCount = 0
  }
  *#stored(): Generator<void, void> {
    this.#align()
    const low = yield* this.#byte()
    const length = low | ((yield* this.#byte()) << 8)
    const check = (yield* this.#byte()) | ((yield* this.#byte()) << 8)
    if (length !== (~check & 0xffff)) throw new InflateError('invalid stored block lengths')
    for (let i = 0; i < length; i++) {
      const byte = yield* this.#byte()
      while (this.outputAt >= this.output.length) yield
      this.#put(byte)
    }
  }
  *#dynamic(): Generator<void, void> {
    const literals = (yield* this.#take(5)) + 257
    const distances = (yield* this.#take(5)) + 1
    const codes = (yield* this.#take(4)) + 4
    if (literals > 286 || distances > 30) throw new InflateError('too many length or distance symbols')
    const lengths = new Uint8Array(320)
    for (let i = 0; i < codes; i++) lengths[CODE_ORDER[i] as number] = yield* this.#take(3)
    const lengthCode = huffman(lengths.subarray(0, 19))
    lengths.fill(0)
    for (let i = 0; i < literals + distances; ) {
      const symbol = yield* this.#symbol(lengthCode)
      if (symbol < 16) {
        lengths[i++] = symbol
        continue
      }
      if (symbol === 16 && i === 0) throw new InflateError('invalid bit length repeat')
      const value = symbol === 16 ? (lengths[i - 1] as number) : 0
      let repeat: number =
        symbol === 16
          ? 3 + (yield* this.#take(2))
          : symbol === 17
            ? 3 + (yield* this.#take(3))
            : 11 + (yield* this.#take(7))
      if (i + repeat > literals + distances) throw new InflateError('invalid bit length repeat')
      while (repeat-- > 0) lengths[i++] = value
    }
    if (lengths[256] === 0) throw new InflateError('invalid code -- missing end-of-block')
    yield* this.#compressed(
      huffman(lengths.subarray(0, literals)),
      huffman(lengths.subarray(literals, literals + distances)),
    )
  }
  *#compressed(literals: Huffman, distances: Huffman): Generator<void, void> {
    for (;;) {
      const symbol = this.#fast(literals) ?? (yield* this.#symbol(literals))
      if (symbol === 256) return
      if (symbol < 256) {
        while (this.outputAt >= this.output.length) yield
        this.#put(symbol)
        continue
      }
      const lengthSymbol = symbol - 257
      if (lengthSymbol >= LENGTH_BASE.length) throw new InflateError('invalid literal/length code')
      const length = (LENGTH_BASE[lengthSymbol] as number) + (yield* this.#take(LENGTH_EXTRA[lengthSymbol] as number))
      const distanceSymbol = yield* this.#symbol(distances)
      if (distanceSymbol >= DISTANCE_BASE.length) throw new InflateError('invalid distance code')
      const extra: number = yield* this.#take(DISTANCE_EXTRA[distanceSymbol] as number)
      const distance = (DISTANCE_BASE[distanceSymbol] as number) + extra
      for (let i = 0; i < length; i++) {
        while (this.outputAt >= this.output.length) yield
        this.#put(this.#window[(this.#windowAt - distance) & (WINDOW - 1)] as number)
      }
    }
  }
  /** A symbol decoded without stopping, when enough input is there. */
  #fast({ counts, symbols }: Huffman): number | undefined {
    while (this.#bitCount < MAX_BITS) {
      if (this.inputAt >= this.input.length) return undefined
      this.#bits |= (this.input[this.inputAt++] as number) << this.#bitCount
      this.#bitCount += 8
    }
    let [code, first, index] = [0, 0, 0]
    for (let length = 1; length <= MAX_BITS; length++) {
      code |= (this.#bits >> (length - 1)) & 1
      const count = counts[length] as number
      if (code - count < first) {
        this.#bits >>>= length
        this.#bitCount -= length
        return symbols[index + (code - first)] as number
      }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw new InflateError('invalid code')
  }
}
