import { countBefore } from './search.ts'
import { type ElfExpectation, isElf, parseElf } from './elf.ts'
import { DoppelError } from './errors.ts'
import { utf8Text } from './text.ts'

/** A name of guest code or data: where it begins, and how long it is where that is known (0 where not). */
export interface GuestSymbol {
  readonly name: string
  readonly address: bigint
  readonly sizeBytes: bigint
  /** False for what is only looked up by name. */
  readonly isCode: boolean
}

/** The code at an address: a symbol's name, and how far behind its beginning. */
export interface SymbolPlace {
  readonly name: string
  readonly address: bigint
  readonly offset: bigint
}

const STT_OBJECT = 1
const STT_FUNCTION = 2
const STT_SECTION = 3
const STT_FILE = 4
const STT_TLS = 6
/** What is so far behind the last name before it, whose size nobody knows, has no name. */
const MAX_DISTANCE = 1n << 20n
/** Larger than any kernel's table. */
const MAX_SYMBOLS = 2_000_000
/** Labels in a row that are looked through for what they lie in. */
const MAX_LABELS = 16
const LINE = /^([0-9a-fA-F]{1,16}) ([a-zA-Z]) (\S+)/
/** nm's letters for code, and for symbols without a type. */
const CODE_LETTERS = /[tTwW]/

/** Names of guest code by address, and addresses by name. */
export class SymbolTable {
  readonly symbols: readonly GuestSymbol[]
  readonly #code: readonly GuestSymbol[]
  /** Of `#code`, in order: a search through numbers in a row is several times as fast. */
  readonly #addresses: BigUint64Array
  #byName: Map<string, GuestSymbol> | undefined
  #all: SymbolTable | undefined

  constructor(symbols: readonly GuestSymbol[]) {
    this.symbols = symbols
    // Of several names of one address the one that knows its size is found.
    const order = (a: GuestSymbol, b: GuestSymbol): number =>
      a.address === b.address ? Number(a.sizeBytes > 0n) - Number(b.sizeBytes > 0n) : a.address < b.address ? -1 : 1
    this.#code = symbols.filter(symbol => symbol.isCode).sort(order)
    this.#addresses = BigUint64Array.from(this.#code, symbol => symbol.address)
  }

  /** All of several tables. */
  static join(tables: readonly SymbolTable[]): SymbolTable {
    const [only, ...others] = tables.filter(table => table.symbols.length > 0)
    return only && others.length === 0 ? only : new SymbolTable(tables.flatMap(table => table.symbols))
  }

  /** The code at an address, if it has a name. */
  at(address: bigint): SymbolPlace | undefined {
    const found = this.#code[this.#countTo(address) - 1]
    if (!found) return undefined
    const offset = address - found.address
    if (offset >= (found.sizeBytes > 0n ? found.sizeBytes : MAX_DISTANCE)) return undefined
    return { name: found.name, address: found.address, offset }
  }
  /** How many begin there or before. */
  #countTo(address: bigint): number {
    return countBefore(this.#addresses, each => each <= address)
  }
  /** What is known to reach to an address: labels may lie in the midst of it. */
  #around(address: bigint): SymbolPlace | undefined {
    const last = this.#countTo(address) - 1
    for (let i = last; i > last - MAX_LABELS; i--) {
      const found = this.#code[i]
      if (found && address < found.address + found.sizeBytes) {
        return { name: found.name, address: found.address, offset: address - found.address }
      }
    }
    return undefined
  }
  /** What is at an address, code or data, if it has a name. */
  nearest(address: bigint): SymbolPlace | undefined {
    this.#all ??= new SymbolTable(this.symbols.map(symbol => ({ ...symbol, isCode: true })))
    return this.#all.#around(address) ?? this.#all.at(address)
  }
  /** The address and size of a name; the first where several have it. */
  find(name: string): GuestSymbol | undefined {
    if (!this.#byName) {
      this.#byName = new Map()
      for (const symbol of this.symbols) if (!this.#byName.has(symbol.name)) this.#byName.set(symbol.name, symbol)
    }
    return this.#byName.get(name)
  }
  /** Where the code of a name ends: by its size, else where the next name begins. */
  endOf({ address, sizeBytes }: GuestSymbol): bigint {
    if (sizeBytes > 0n) return address + sizeBytes
    const next = this.#addresses.findIndex(at => at > address)
    return next < 0 ? address + MAX_DISTANCE : (this.#addresses[next] as bigint)
  }
}

/** An address as people read it: `name+0x1c`; undefined where it has no name. */
export function placeText(place: SymbolPlace | undefined): string | undefined {
  if (!place) return undefined
  return place.offset === 0n ? place.name : `${place.name}+0x${place.offset.toString(16)}`
}

/**
 * The symbols of an ELF file, or of a text as nm writes it (System.map, /proc/kallsyms), moved by `offset`. Throws `elf.*`
 * for a damaged file or one for another machine, `symbols.none` for one that has no symbols.
 */
export function parseSymbols(bytes: Uint8Array, expected: ElfExpectation, offset = 0n): SymbolTable {
  const at = (address: bigint): bigint => BigInt.asUintN(64, address + offset)
  const symbols = isElf(bytes) ? elfSymbols(bytes, expected) : textSymbols(bytes)
  if (symbols.length === 0) {
    throw new DoppelError(
      'symbols.none',
      `${expected.name} has no symbols; expected an ELF file that is not stripped, or lines of address, type and name as in System.map`,
      { name: expected.name },
    )
  }
  return new SymbolTable(offset === 0n ? symbols : symbols.map(s => ({ ...s, address: at(s.address) })))
}

/** Assembly's labels often have no type; mapping symbols ($x) and local labels are no names. */
function elfSymbols(bytes: Uint8Array, expected: ElfExpectation): GuestSymbol[] {
  return parseElf(bytes, expected)
    .symbols.filter(({ name, type }) => ![STT_SECTION, STT_FILE, STT_TLS].includes(type) && !/^(?:\$|\.L)/.test(name))
    .map(({ name, value, sizeBytes, type }) => ({
      name,
      address: value,
      sizeBytes: type === STT_FUNCTION || type === STT_OBJECT ? sizeBytes : 0n,
      isCode: type !== STT_OBJECT,
    }))
}

function textSymbols(bytes: Uint8Array): GuestSymbol[] {
  const symbols: GuestSymbol[] = []
  for (const line of utf8Text(bytes).split('\n')) {
    const found = LINE.exec(line)
    if (!found || symbols.length === MAX_SYMBOLS) continue
    const [, address, letter = '', name = ''] = found
    symbols.push({ address: BigInt(`0x${address}`), name, sizeBytes: 0n, isCode: CODE_LETTERS.test(letter) })
  }
  return symbols
}
