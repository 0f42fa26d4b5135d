import { DoppelError } from './errors.ts'

/** What the snapshot codec writes and reads back the same. Object keys keep their order. */
export type Saved =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Saved[]
  | { readonly [key: string]: Saved }

// Major types and simple values, RFC 8949 §3.
const UNSIGNED = 0
const NEGATIVE = 1
const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const UNDEFINED = 0xf7
const DOUBLE = 0xfb
/** Tag 2: an unsigned bignum; 3: a negative one (§3.4.3). */
const TAG_BIGNUM = 2
const MAX_DEPTH = 64
const MAX_ITEMS = 1 << 24

/**
 * Writes a value as CBOR (RFC 8949). Integers that numbers hold exactly are integers, other numbers doubles; a bigint is
 * always a bignum, so that it comes back as one.
 */
export function encodeSaved(value: Saved): Uint8Array {
  const writer = new Writer()
  writer.value(value)
  return writer.bytes()
}

/** Reads what `encodeSaved` wrote. Throws `codec.format` for anything else, saying where. */
export function decodeSaved(bytes: Uint8Array): Saved {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.at !== bytes.length) throw reader.wrong('bytes after the end')
  return value
}

class Writer {
  #buffer = new Uint8Array(1024)
  #view = new DataView(this.#buffer.buffer)
  #at = 0

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#at)
  }
  value(value: Saved): void {
    if (value === undefined) return this.#byte(UNDEFINED)
    if (value === null) return this.#byte(NULL)
    if (typeof value === 'boolean') return this.#byte(value ? TRUE : FALSE)
    if (typeof value === 'number') return this.#number(value)
    if (typeof value === 'bigint') return this.#bigint(value)
    if (typeof value === 'string') return this.#run(TEXT, new TextEncoder().encode(value))
    if (value instanceof Uint8Array) return this.#run(BYTES, value)
    if (Array.isArray(value)) {
      this.#head(ARRAY, value.length)
      for (const item of value as readonly Saved[]) this.value(item)
      return
    }
    const entries = Object.entries(value as { readonly [key: string]: Saved })
    this.#head(MAP, entries.length)
    for (const [key, item] of entries) {
      this.value(key)
      this.value(item)
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      return value >= 0 ? this.#head(UNSIGNED, value) : this.#head(NEGATIVE, -1 - value)
    }
    this.#room(9)
    this.#buffer[this.#at] = DOUBLE
    this.#view.setFloat64(this.#at + 1, value)
    this.#at += 9
  }
  #bigint(value: bigint): void {
    const isNegative = value < 0n
    let rest = isNegative ? -1n - value : value
    const bytes: number[] = []
    for (; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn))
    this.#head(TAG, isNegative ? TAG_BIGNUM + 1 : TAG_BIGNUM)
    this.#run(BYTES, Uint8Array.from(bytes))
  }
  #run(major: number, bytes: Uint8Array): void {
    this.#head(major, bytes.length)
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }
  #head(major: number, value: number): void {
    this.#room(9)
    const lead = major << 5
    if (value < 24) return this.#byte(lead | value)
    if (value < 2 ** 32) {
      this.#byte(lead | 26)
      this.#view.setUint32(this.#at, value)
      this.#at += 4
      return
    }
    this.#byte(lead | 27)
    this.#view.setBigUint64(this.#at, BigInt(value))
    this.#at += 8
  }
  #byte(byte: number): void {
    this.#room(1)
    this.#buffer[this.#at++] = byte
  }
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#at + bytes))
    grown.set(this.#buffer)
    this.#buffer = grown
    this.#view = new DataView(grown.buffer)
  }
}

class Reader {
  at = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  wrong(what: string): DoppelError {
    return new DoppelError('codec.format', `saved state: ${what} at byte ${this.at}`, { at: this.at })
  }

  value(depth: number): Saved {
    if (depth > MAX_DEPTH) throw this.wrong('nested too deeply')
    this.#need(1)
    const lead = this.#bytes[this.at] as number
    switch (lead) {
      case FALSE:
      case TRUE:
        this.at++
        return lead === TRUE
      case NULL:
        this.at++
        return null
      case UNDEFINED:
        this.at++
        return undefined
      case DOUBLE: {
        this.#need(9)
        this.at += 9
        return this.#view.getFloat64(this.at - 8)
      }
    }
    const major = lead >> 5
    const length = this.#head()
    switch (major) {
      case UNSIGNED:
        return length
      case NEGATIVE:
        return -1 - length
      case BYTES:
        return this.#take(length).slice()
      case TEXT:
        return new TextDecoder().decode(this.#take(length))
      case ARRAY:
        return Array.from({ length: this.#count(length) }, () => this.value(depth + 1))
      case MAP:
        return this.#map(this.#count(length), depth)
      case TAG:
        return this.#bignum(length)
      default:
        throw this.wrong('a value of no kind that is written')
    }
  }

  #map(count: number, depth: number): Saved {
    const entries: [string, Saved][] = []
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1)
      if (typeof key !== 'string') throw this.wrong('a key that is no text')
      entries.push([key, this.value(depth + 1)])
    }
    return Object.fromEntries(entries)
  }
  #bignum(tag: number): bigint {
    if (tag !== TAG_BIGNUM && tag !== TAG_BIGNUM + 1) throw this.wrong(`an unknown tag ${tag}`)
    if ((this.#bytes[this.at] ?? 0) >> 5 !== BYTES) throw this.wrong('a bignum without bytes')
    let value = 0n
    for (const byte of this.#take(this.#head())) value = (value << 8n) | BigInt(byte)
    return tag === TAG_BIGNUM ? value : -1n - value
  }
  #head(): number {
    this.#need(1)
    const low = (this.#bytes[this.at++] as number) & 31
    if (low < 24) return low
    if (low === 26) {
      this.#need(4)
      this.at += 4
      return this.#view.getUint32(this.at - 4)
    }
    if (low !== 27) throw this.wrong('a length of a kind that is not written')
    this.#need(8)
    this.at += 8
    const value = this.#view.getBigUint64(this.at - 8)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.wrong('a number too large')
    return Number(value)
  }
  #count(length: number): number {
    // Each item takes a byte at least.
    if (length > MAX_ITEMS || length > this.#bytes.length - this.at) throw this.wrong(`${length} items`)
    return length
  }
  #take(length: number): Uint8Array {
    this.#need(length)
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }
  #need(bytes: number): void {
    if (bytes > this.#bytes.length - this.at) throw this.wrong('cut off')
  }
}
