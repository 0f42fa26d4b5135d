/** Packets of GDB's remote serial protocol (GDB manual, appendix E.1). Their text is one character a byte. */

/** What may be in a packet, either way; told to the debugger. */
export const MAX_PACKET_BYTES = 0x4000
const INTERRUPT = 0x03
const [DOLLAR, HASH, PLUS, MINUS, ESCAPE] = [0x24, 0x23, 0x2b, 0x2d, 0x7d] as const
const ESCAPE_BIT = 0x20
const REPEAT = 0x2a

/** One thing that a debugger has sent. */
export type Received =
  | { readonly kind: 'packet'; readonly text: string }
  /** A packet whose sum is wrong, or that is too long: to be sent again. */
  | { readonly kind: 'damaged' }
  /** The last packet did not arrive whole. */
  | { readonly kind: 'again' }
  /** Control-C. */
  | { readonly kind: 'interrupt' }

/** Finds packets in what arrives; whatever is between them is passed over. */
export class PacketReader {
  #body: number[] | undefined
  #isTooLong = false
  /** Digits of the sum that are still to come. */
  #sumDigits = ''
  #inSum = false

  /** What these bytes complete. */
  feed(bytes: Uint8Array): Received[] {
    return Array.from(bytes, byte => this.#take(byte)).filter(found => found !== undefined)
  }
  #take(byte: number): Received | undefined {
    if (this.#inSum) return this.#takeSum(byte)
    if (byte === DOLLAR) this.#body = []
    else if (this.#body === undefined) {
      if (byte === INTERRUPT) return { kind: 'interrupt' }
      return byte === MINUS ? { kind: 'again' } : undefined
    } else if (byte === HASH) this.#inSum = true
    else if (this.#body.length < MAX_PACKET_BYTES) this.#body.push(byte)
    else this.#isTooLong = true
    return undefined
  }
  #takeSum(byte: number): Received | undefined {
    this.#sumDigits += String.fromCharCode(byte)
    if (this.#sumDigits.length < 2) return undefined
    const body = this.#body ?? []
    const isWhole =
      !this.#isTooLong && /^[0-9a-f]{2}$/i.test(this.#sumDigits) && sumOf(body) === Number.parseInt(this.#sumDigits, 16)
    this.#body = undefined
    this.#isTooLong = this.#inSum = false
    this.#sumDigits = ''
    return isWhole ? { kind: 'packet', text: unescape(body) } : { kind: 'damaged' }
  }
}

function sumOf(bytes: Iterable<number>): number {
  let sum = 0
  for (const byte of bytes) sum = (sum + byte) & 0xff
  return sum
}

function unescape(body: readonly number[]): string {
  let text = ''
  for (let i = 0; i < body.length; i++) {
    const byte = body[i] as number
    text += String.fromCharCode(byte === ESCAPE ? (body[++i] ?? 0) ^ ESCAPE_BIT : byte)
  }
  return text
}

/** A packet's bytes. */
export function encodePacket(text: string): Uint8Array {
  const body: number[] = []
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i) & 0xff
    const isSpecial = byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === REPEAT
    if (isSpecial) body.push(ESCAPE, byte ^ ESCAPE_BIT)
    else body.push(byte)
  }
  const sum = sumOf(body).toString(16).padStart(2, '0')
  return Uint8Array.from([DOLLAR, ...body, HASH, sum.charCodeAt(0), sum.charCodeAt(1)])
}

/** Says that a packet has arrived whole, or that it has not. */
export const ACKNOWLEDGED: Uint8Array = Uint8Array.of(PLUS)
export const DAMAGED: Uint8Array = Uint8Array.of(MINUS)
