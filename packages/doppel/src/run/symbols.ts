import { readFile } from 'node:fs/promises'
import { DoppelError, isElf, parseElf } from '@doppel/base'

/** A place with a name. */
interface GuestSymbol {
  readonly address: bigint
  readonly name: string
}

const STT_FUNCTION = 2
/** What is so far behind the last name before it has no name. */
const MAX_DISTANCE = 1n << 20n
/** Larger than any kernel's table. */
const MAX_SYMBOLS = 2_000_000
const LINE = /^([0-9a-fA-F]{1,16}) ([a-zA-Z]) (\S+)/
/** nm's letters for code, and for symbols without a type. */
const CODE_LETTERS = /[tTwW]/

/** Names of guest code by address. */
export class GuestSymbols {
  readonly #symbols: readonly GuestSymbol[]

  constructor(symbols: readonly GuestSymbol[]) {
    this.#symbols = symbols.toSorted((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
  }
  /** The name of the code at an address, if it has one. */
  nameAt(address: bigint): string | undefined {
    let low = 0
    let high = this.#symbols.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#symbols[middle] as GuestSymbol).address <= address) low = middle + 1
      else high = middle
    }
    const found = this.#symbols[low - 1]
    return found && address - found.address < MAX_DISTANCE ? found.name : undefined
  }
}

/** The functions of an ELF file's symbol table, or of a text as nm writes it: System.map, /proc/kallsyms. */
export function parseSymbols(bytes: Uint8Array, name: string): GuestSymbols {
  if (isElf(bytes)) {
    const { symbols } = parseElf(bytes, { name })
    // Assembly's labels often have no type; mapping symbols ($x) are no names.
    const code = symbols.filter(s => (s.type === STT_FUNCTION || s.type === 0) && !s.name.startsWith('$'))
    return new GuestSymbols(code.map(s => ({ address: s.value, name: s.name })))
  }
  const symbols: GuestSymbol[] = []
  for (const line of new TextDecoder('latin1').decode(bytes).split('\n')) {
    const found = LINE.exec(line)
    if (!found || !CODE_LETTERS.test(found[2] ?? '') || symbols.length === MAX_SYMBOLS) continue
    symbols.push({ address: BigInt(`0x${found[1]}`), name: found[3] ?? '' })
  }
  if (symbols.length === 0) {
    throw new DoppelError(
      'run.symbols',
      `${name} has no symbols; expected an ELF file with a symbol table, or lines of address, type and name as in System.map`,
      { name },
    )
  }
  return new GuestSymbols(symbols)
}

/** The symbols of the files given, all together; files without any are passed over unless they were asked for by name. */
export async function readSymbols(asked: string | undefined, others: readonly string[]): Promise<GuestSymbols> {
  if (asked !== undefined) return parseSymbols(await readFile(asked), asked)
  for (const path of others) {
    const bytes = await readFile(path)
    if (isElf(bytes)) return parseSymbols(bytes, path)
  }
  return new GuestSymbols([])
}
