import { DoppelError } from '@doppel/base'

/** A run of instruction bits that belongs to a field: `width` bits from bit `at` go to the field's bit `to`. */
export interface FieldPart {
  readonly at: number
  readonly width: number
  readonly to: number
  /** As many ones as the part is wide. */
  readonly mask: number
}

/** A named operand of an encoding. */
export interface EncodedField {
  readonly name: string
  readonly parts: readonly FieldPart[]
  /** Width of the whole value in bits, counting the zeros below its lowest encoded bit. */
  readonly bits: number
  /** Added to the encoded value: 8 for the three-bit register fields that the manual writes with a prime. */
  readonly bias: number
  /** How far the value is shifted up and down again to extend its sign: 0 for unsigned fields. */
  readonly signShift: number
  /** Values that belong to other instructions or are reserved. */
  readonly forbidden: readonly number[]
}

/** An instruction's encoding, read from the way the manual prints it. */
export interface Encoding {
  readonly lengthBits: 16 | 32
  /** Fixed bits: `(word & mask) === match`. Both unsigned. */
  readonly mask: number
  readonly match: number
  readonly fields: readonly EncodedField[]
  /** Those of the fields that may not have every value. */
  readonly restricted: readonly EncodedField[]
}

/** The field whose encoded value is two's complement. The manual calls the unsigned ones `uimm` and `shamt`. */
const SIGNED_FIELD = 'imm'

/** Widths of fields that are written without a bit list. */
const PLAIN_WIDTH: Readonly<Record<string, number>> = {
  rd: 5,
  rs1: 5,
  rs2: 5,
  rs3: 5,
  rm: 3,
  csr: 12,
  uimm: 5,
  aq: 1,
  rl: 1,
  fm: 4,
  pred: 4,
  succ: 4,
}
const PRIME_WIDTH = 3
const PRIME_BIAS = 8

/** `imm[12|10:5]` lists the value's bits from the high end. */
function bitRanges(list: string): { high: number; low: number }[] {
  return list.split('|').map(range => {
    const [high, low] = range.split(':').map(Number) as [number, number?]
    return { high, low: low ?? high }
  })
}

interface FieldDraft {
  parts: FieldPart[]
  bias: number
  forbidden: number[]
}

/**
 * Reads an encoding as printed in the manual, most significant bit first: fixed bits (`0110011`), fields (`rd`, `rs1'`,
 * `imm[4:1|11]`), and exclusions (`rd!=0,2`). Throws `encoding.syntax` when it does not add up to 16 or 32 bits.
 */
export function parseEncoding(text: string): Encoding {
  const drafts = new Map<string, FieldDraft>()
  const place: { apply: (at: number) => void; width: number }[] = []
  let mask = 0n
  let match = 0n
  for (const token of text.trim().split(/\s+/)) {
    if (/^[01]+$/.test(token)) {
      place.push({
        width: token.length,
        apply: at => {
          mask |= ((1n << BigInt(token.length)) - 1n) << BigInt(at)
          match |= BigInt(`0b${token}`) << BigInt(at)
        },
      })
      continue
    }
    const parsed = /^([a-z]\w*)(')?(?:\[([\d:|]+)\])?(?:!=([\d,]+))?$/.exec(token)
    if (!parsed) throw new DoppelError('encoding.syntax', `'${token}' in '${text}' is neither bits nor a field`)
    const [, name, prime, list, excluded] = parsed as unknown as [string, string, string?, string?, string?]
    const draft = drafts.get(name) ?? { parts: [], bias: 0, forbidden: [] }
    drafts.set(name, draft)
    if (prime) draft.bias = PRIME_BIAS
    if (excluded) draft.forbidden.push(...excluded.split(',').map(Number))
    const plain = prime ? PRIME_WIDTH : (PLAIN_WIDTH[name] ?? 0)
    for (const { high, low } of list ? bitRanges(list) : [{ high: plain - 1, low: 0 }]) {
      const width = high - low + 1
      place.push({ width, apply: at => draft.parts.push({ at, width, to: low, mask: 2 ** width - 1 }) })
    }
  }
  const lengthBits = place.reduce((sum, p) => sum + p.width, 0)
  if (lengthBits !== 16 && lengthBits !== 32) {
    throw new DoppelError('encoding.syntax', `'${text}' has ${lengthBits} bits, not 16 or 32`)
  }
  let at: number = lengthBits
  for (const p of place) {
    at -= p.width
    p.apply(at)
  }
  const fields = [...drafts].map(([name, d]) => {
    const bits = Math.max(...d.parts.map(p => p.to + p.width))
    const signShift = name === SIGNED_FIELD ? 32 - bits : 0
    return { name, parts: d.parts, bits, bias: d.bias, signShift, forbidden: d.forbidden }
  })
  const restricted = fields.filter(f => f.forbidden.length > 0)
  return { lengthBits, mask: Number(mask), match: Number(match), fields, restricted }
}

/** A field's value in an instruction word: sign-extended when signed, biased when it names a register. */
export function extractField(field: EncodedField, word: number): number {
  let value = 0
  const { parts, signShift } = field
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as FieldPart
    value |= ((word >>> part.at) & part.mask) << part.to
  }
  return ((value << signShift) >> signShift) + field.bias
}

/** The instruction bits that hold `value` in a field. */
export function insertField(field: EncodedField, value: number): number {
  let word = 0
  for (const part of field.parts) {
    word |= (((value - field.bias) >>> part.to) & part.mask) << part.at
  }
  return word >>> 0
}

/** True when the word has the encoding's fixed bits and none of its excluded field values. */
export function matches(encoding: Encoding, word: number): boolean {
  if ((word & encoding.mask) >>> 0 !== encoding.match) return false
  for (const field of encoding.restricted) {
    if (field.forbidden.includes(extractField(field, word) - field.bias)) return false
  }
  return true
}
