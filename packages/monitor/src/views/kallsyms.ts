import { type GuestMemory, type GuestSymbol, SymbolTable, utf8Text } from '@doppel/base'

/**
 * The table of symbols that a Linux kernel carries with it (CONFIG_KALLSYMS), read from the guest's memory: names in pieces
 * ("tokens") of a table of 256, a mark for each 256 names, addresses as offsets to a base. Laid out by scripts/kallsyms.c of
 * the kernel; two orders are known, that since Linux 6.4 and that before.
 */

/** Kernels lie at the beginning of RAM. */
const MAX_SCAN_BYTES = 128 << 20
const PIECE_BYTES = 1 << 20
const MAX_SYMBOLS = 1_000_000
const MAX_NAME_BYTES = 512
const TOKENS = 256
const MARK_EVERY = 256
/** The table of tokens has no more: names are at most 512 bytes, most tokens two or three. */
const MAX_TOKEN_BYTES = 16 << 10
/** Tokens stand for themselves where names have them as characters, as all names' digits: they lie in a row. */
const DIGITS: Uint8Array = Uint8Array.from('0123456789', c => c.charCodeAt(0)).reduce(
  (all, digit, i) => (all.set([digit, 0], i * 2), all),
  new Uint8Array(20),
)
const ZERO = 0x30
/** Kernels are in the upper half. */
const MIN_BASE = 1n << 63n
const TEXT_LETTERS = /[tTwW]/

const align8 = (at: number): number => Math.ceil(at / 8) * 8

/** The symbols of the Linux kernel in a machine's memory; undefined where there is none, or none that carries them. */
export function readKallsyms(memory: GuestMemory): SymbolTable | undefined {
  for (const { base, lengthBytes } of memory.ranges) {
    const end = base + Math.min(lengthBytes, MAX_SCAN_BYTES)
    for (let at = base; at < end; at += PIECE_BYTES) {
      // A pattern may begin in one piece and end in the next.
      const piece = new Uint8Array(Math.min(PIECE_BYTES + DIGITS.length, base + lengthBytes - at))
      if (!memory.read(at, piece)) continue
      for (let i = indexOfDigits(piece, 0); i >= 0; i = indexOfDigits(piece, i + 1)) {
        const table = new Tables(memory).read(at + i)
        if (table) return table
      }
    }
  }
  return undefined
}

function indexOfDigits(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(ZERO, from); at >= 0; at = bytes.indexOf(ZERO, at + 1)) {
    if (bytes[at + 1] === 0 && bytes[at + 2] === ZERO + 1 && DIGITS.every((byte, i) => bytes[at + i] === byte))
      return at
  }
  return -1
}

/** The tables around one place in memory, checked against one another: other data may look like a part of them. */
class Tables {
  readonly #memory: GuestMemory

  constructor(memory: GuestMemory) {
    this.#memory = memory
  }
  #bytes(at: number, lengthBytes: number): Uint8Array | undefined {
    const bytes = new Uint8Array(lengthBytes)
    return this.#memory.read(at, bytes) ? bytes : undefined
  }
  #word(at: number): number | undefined {
    const bytes = this.#bytes(at, 4)
    return bytes && new DataView(bytes.buffer).getUint32(0, true)
  }

  /** `digits` is where the token of the digit 0 is. */
  read(digits: number): SymbolTable | undefined {
    const found = this.#tokens(digits)
    if (!found) return undefined
    const marks = this.#marks(found.table)
    const names = marks && this.#names(marks)
    if (!names) return undefined
    const addresses = this.#addresses(found.end, names.count, names.at)
    if (!addresses) return undefined
    const symbols: GuestSymbol[] = []
    let at = 0
    for (let i = 0; i < names.count; i++) {
      const { lengthBytes, next } = nameAt(names.bytes, at)
      let text = ''
      for (let k = next - lengthBytes; k < next; k++) text += found.tokens[names.bytes[k] as number] ?? ''
      at = next
      symbols.push({
        name: text.slice(1),
        address: addresses[i] as bigint,
        sizeBytes: 0n,
        isCode: TEXT_LETTERS.test(text[0] ?? ''),
      })
    }
    return new SymbolTable(symbols)
  }

  /** The tokens, where their table begins, and where the index after it ends. */
  #tokens(digits: number): { tokens: string[]; table: number; end: number } | undefined {
    const rest = this.#bytes(digits, MAX_TOKEN_BYTES)
    if (!rest) return undefined
    let end = 0
    for (let token = ZERO; token < TOKENS; token++) {
      end = rest.indexOf(0, end) + 1
      if (end === 0) return undefined
    }
    const indexAt = align8(digits + end)
    const index = this.#bytes(indexAt, TOKENS * 2)
    if (!index) return undefined
    const offsets = new Uint16Array(index.buffer)
    const table = digits - (offsets[ZERO] as number)
    const lengthBytes = digits + end - table
    const bytes = this.#bytes(table, lengthBytes)
    if (!bytes || table % 8 !== 0 || offsets[0] !== 0) return undefined
    const tokens: string[] = []
    for (let token = 0; token < TOKENS; token++) {
      const from = offsets[token] as number
      const to = token + 1 < TOKENS ? (offsets[token + 1] as number) - 1 : lengthBytes - 1
      if (from > to || bytes[to] !== 0) return undefined
      tokens.push(utf8Text(bytes.subarray(from, to)))
    }
    return { tokens, table, end: indexAt + TOKENS * 2 }
  }

  /** The marks, which end where the tokens begin: where each 256th name is. */
  #marks(tokens: number): { at: number; marks: number[] } | undefined {
    let at = tokens - 4
    // Up to four bytes of padding; the first mark, 0, is before those that are not.
    if (this.#word(at) === 0) at -= 4
    const marks: number[] = []
    for (let last = Infinity; marks.length < MAX_SYMBOLS / MARK_EVERY; at -= 4) {
      const mark = this.#word(at)
      if (mark === undefined || mark >= last) return undefined
      marks.unshift(mark)
      if (mark === 0) return marks.length > 1 ? { at, marks } : undefined
      last = mark
    }
    return undefined
  }

  /** The names, which end where the marks begin; their number is before them. */
  #names({
    at: end,
    marks,
  }: {
    at: number
    marks: number[]
  }): { at: number; count: number; bytes: Uint8Array } | undefined {
    const last = marks.at(-1) as number
    const full = (marks.length - 1) * MARK_EVERY
    for (let at = end - align8(last + 1); at >= end - align8(last + MARK_EVERY * MAX_NAME_BYTES); at -= 8) {
      const count = this.#word(at - 8)
      if (count === undefined) return undefined
      if (count <= full || count > full + MARK_EVERY || count > MAX_SYMBOLS) continue
      const bytes = this.#bytes(at, end - at)
      if (bytes && namesFit(bytes, marks, count)) return { at, count, bytes }
    }
    return undefined
  }

  /** Since 6.4 offsets and base follow the tokens' index; before that they precede the number of names. */
  #addresses(after: number, count: number, names: number): bigint[] | undefined {
    const before = names - 8 - 8 - align8(count * 4)
    for (const at of [align8(after), before]) {
      const base = this.#bytes(at + align8(count * 4), 8)
      const bytes = this.#bytes(at, count * 4)
      if (!base || !bytes) continue
      const relative = new DataView(base.buffer).getBigUint64(0, true)
      const offsets = new Uint32Array(bytes.buffer)
      if (relative < MIN_BASE || !offsets.every((offset, i) => i === 0 || offset >= (offsets[i - 1] as number)))
        continue
      return Array.from(offsets, offset => BigInt.asUintN(64, relative + BigInt(offset)))
    }
    return undefined
  }
}

/** A name's length in tokens, of one byte or, since Linux 6.1, two; and where the next one begins. */
function nameAt(bytes: Uint8Array, at: number): { lengthBytes: number; next: number } {
  const first = bytes[at] ?? 0
  const isLong = (first & 0x80) !== 0
  const lengthBytes = isLong ? (first & 0x7f) | ((bytes[at + 1] ?? 0) << 7) : first
  return { lengthBytes, next: at + (isLong ? 2 : 1) + lengthBytes }
}

function namesFit(bytes: Uint8Array, marks: readonly number[], count: number): boolean {
  let at = 0
  for (let i = 0; i < count; i++) {
    if (i % MARK_EVERY === 0 && at !== marks[i / MARK_EVERY]) return false
    const { lengthBytes, next } = nameAt(bytes, at)
    if (lengthBytes === 0 || next > bytes.length) return false
    at = next
  }
  return bytes.length - at < 8
}
