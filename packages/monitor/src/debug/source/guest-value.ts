import { ATE, DoppelError, type SourceValue, type SourceVariable } from '@doppel/base'
import {
  bytesOfNumber,
  type DataAccess,
  type Datum,
  datumAt,
  elementOf,
  isFloat,
  memberOf,
  numberOf,
} from './guest-data.ts'
import type { GuestType } from './guest-types.ts'

/** Characters of a value that are shown in one line. */
const MAX_TEXT = 240
const MAX_DEPTH = 4
const MAX_STRING_BYTES = 200
const MAX_ELEMENTS = 200
const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
  27: '\\033',
  34: '\\"',
  92: '\\\\',
}

/** Reads an expression's number, to give it to a variable. */
export type ReadNumber = (text: string, type: GuestType) => Uint8Array

/** A value as people read it, in GDB's spelling. */
export class GuestValue implements SourceValue {
  readonly #datum: Datum
  readonly #access: DataAccess
  readonly #readNumber: ReadNumber | undefined

  constructor(datum: Datum, access: DataAccess, readNumber?: ReadNumber) {
    this.#datum = datum
    this.#access = access
    this.#readNumber = readNumber
  }
  get type(): string {
    return this.#datum.type.name
  }
  get text(): string {
    try {
      return shown(this.#datum, this.#access, MAX_DEPTH)
    } catch (error) {
      if (error instanceof DoppelError) return error.message.startsWith('<') ? error.message : `<${error.message}>`
      throw error
    }
  }
  get parts(): number {
    const { type } = this.#datum
    if (type.kind === 'array') return type.count
    if (type.kind === 'struct') return type.members().length
    return this.#target ? 1 : 0
  }
  part(first: number, count: number): readonly SourceVariable[] {
    const { type } = this.#datum
    const last = Math.min(first + count, this.parts)
    const found: SourceVariable[] = []
    for (let i = first; i < last; i++) {
      if (type.kind === 'array') {
        found.push(this.#named(`[${i}]`, elementOf(this.#datum, type.element, i, this.#access)))
      } else if (type.kind === 'struct') {
        const member = type.members()[i]
        if (member) found.push(this.#named(member.name || '(anonymous)', memberOf(this.#datum, member, this.#access)))
      } else if (this.#target) found.push(this.#named('*', this.#target))
    }
    return found
  }
  #named(name: string, datum: Datum): SourceVariable {
    return { name, value: new GuestValue(datum, this.#access, this.#readNumber) }
  }
  /** What a pointer leads to, if that is an object. */
  get #target(): Datum | undefined {
    const { type } = this.#datum
    if (type.kind !== 'pointer') return undefined
    const target = type.target()
    if (target.kind === 'void' || target.kind === 'function' || target.sizeBytes === 0) return undefined
    const bytes = this.#datum.read()
    const address = bytes && numberOf({ type, read: () => bytes })
    return address ? datumAt(target, address, this.#access) : undefined
  }
  get memory(): { readonly address: bigint; readonly lengthBytes: number } | undefined {
    const { type, address } = this.#datum
    return address === undefined ? undefined : { address, lengthBytes: type.sizeBytes }
  }
  get assign(): ((text: string) => void) | undefined {
    const { type, write, bits } = this.#datum
    const read = this.#readNumber
    if (!write || !read || type.kind === 'struct' || type.kind === 'array' || type.kind === 'function') return undefined
    return text => {
      const bytes = read(text, type)
      const whole = bits ? this.#withBits(bytes, bits) : bytes
      if (!write(whole)) throw new DoppelError('debug.value', 'it cannot be written where it is')
    }
  }
  #withBits(bytes: Uint8Array, { offset, size }: { readonly offset: number; readonly size: number }): Uint8Array {
    const old = this.#datum.read() ?? new Uint8Array()
    const big = (from: Uint8Array): bigint => from.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    const mask = ((1n << BigInt(size)) - 1n) << BigInt(offset)
    return bytesOfNumber((big(old) & ~mask) | ((big(bytes) << BigInt(offset)) & mask), old.length)
  }
}

function shown(datum: Datum, access: DataAccess, depth: number): string {
  const { type } = datum
  switch (type.kind) {
    case 'struct': {
      if (depth === 0) return '{…}'
      // All or nothing: what is optimized out is so as a whole.
      if (datum.address === undefined && !datum.read()) return '<optimized out>'
      return listed(
        type.members().map(member => () => {
          const text = shown(memberOf(datum, member, access), access, depth - 1)
          return member.name === '' ? text : `${member.name} = ${text}`
        }),
      )
    }
    case 'array': {
      if (isCharacter(type.element)) return quoted(datum.read() ?? unreadable(datum))
      if (depth === 0) return '{…}'
      const count = Math.min(type.count, MAX_ELEMENTS)
      const elements = Array.from(
        { length: count },
        (_, i) => () => shown(elementOf(datum, type.element, i, access), access, depth - 1),
      )
      return listed(count < type.count ? [...elements, () => '…'] : elements)
    }
    case 'enumeration': {
      const value = numberOf(datum)
      return type.values.get(value) ?? flags(value, type.values)
    }
    case 'pointer':
      return pointerText(numberOf(datum), type.target(), access)
    case 'function':
    case 'void':
    case 'unknown':
      return datum.address === undefined ? `<${type.name}>` : pointerText(datum.address, type, access)
    case 'base':
      return baseText(datum)
  }
}

function unreadable(datum: Datum): never {
  throw new DoppelError('debug.value', datum.address === undefined ? '<optimized out>' : 'cannot be read')
}

/** `{a, b}`, as far as a line goes. */
function listed(parts: readonly (() => string)[]): string {
  let text = ''
  for (const [i, part] of parts.entries()) {
    if (text.length > MAX_TEXT) return `{${text}, …}`
    text += `${i === 0 ? '' : ', '}${part()}`
  }
  return `{${text}}`
}

function isCharacter(type: GuestType): boolean {
  return (
    type.kind === 'base' && type.sizeBytes === 1 && [ATE.signedChar, ATE.unsignedChar].some(e => e === type.encoding)
  )
}

function pointerText(address: bigint, target: GuestType, access: DataAccess): string {
  const digits = `0x${address.toString(16)}`
  const name = address === 0n ? undefined : access.nameAt(address)
  const named = name === undefined ? digits : `${digits} <${name}>`
  if (!isCharacter(target) || address === 0n) return named
  const bytes = textAt(address, access)
  return bytes ? `${named} ${quoted(bytes)}` : named
}
/** A C string's bytes, its end included where it is near. */
function textAt(address: bigint, access: DataAccess): Uint8Array | undefined {
  const bytes = access.readMemory(address, MAX_STRING_BYTES)
  if (!bytes || bytes.length === 0) return undefined
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end + 1)
}
/** Up to the first null byte. */
function quoted(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const all = end < 0 ? bytes : bytes.subarray(0, end)
  const text = Array.from(all.subarray(0, MAX_STRING_BYTES), byte => character(byte, '"')).join('')
  const isWhole = all.length <= MAX_STRING_BYTES && (end >= 0 || bytes.length < MAX_STRING_BYTES)
  return `"${text}"${isWhole ? '' : '…'}`
}
function character(byte: number, quote: string): string {
  if (byte === 34 || byte === 39) return quote === String.fromCharCode(byte) ? `\\${quote}` : String.fromCharCode(byte)
  const escape = ESCAPES[byte]
  if (escape !== undefined) return escape
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
}

function baseText(datum: Datum): string {
  const { type } = datum
  if (type.kind !== 'base') return ''
  if (isFloat(type)) return floatText(datum.read() ?? unreadable(datum))
  const value = numberOf(datum)
  if (type.encoding === ATE.boolean) return value === 0n ? 'false' : value === 1n ? 'true' : String(value)
  if (!isCharacter(type)) return String(value)
  return `${value} '${character(Number(BigInt.asUintN(8, value)), "'")}'`
}
function floatText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length === 4) return shortSingle(view.getFloat32(0, true))
  if (bytes.length === 8) return spelled(view.getFloat64(0, true))
  return `<${bytes.length * 8} bits>`
}
function spelled(value: number): string {
  return Number.isNaN(value) ? 'nan' : Number.isFinite(value) ? String(value) : value < 0 ? '-inf' : 'inf'
}
/** The fewest digits that are this single. */
function shortSingle(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return spelled(short)
  }
  return spelled(value)
}
/** A value that is several of an enumeration's at once. */
function flags(value: bigint, values: ReadonlyMap<bigint, string>): string {
  let left = value
  const names: string[] = []
  for (const [bit, name] of values) {
    if (bit <= 0n || (bit & (bit - 1n)) !== 0n || (left & bit) === 0n) continue
    names.push(name)
    left &= ~bit
  }
  return names.length > 0 && left === 0n ? `(${names.join(' | ')})` : String(value)
}
