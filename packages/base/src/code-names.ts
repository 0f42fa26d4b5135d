import type { LineTable, SourceLine } from './dwarf-lines.ts'
import { type GuestSymbol, placeText, type SymbolPlace, type SymbolTable } from './symbols.ts'

/** What is known of guest code by its address: names, and lines of source where somebody has them. */
export class CodeNames {
  readonly symbols: SymbolTable
  readonly #readLines: () => readonly LineTable[]
  #lines: readonly LineTable[] | undefined

  /** Lines are read when they are first asked for: a kernel's take seconds. */
  constructor(symbols: SymbolTable, readLines: () => readonly LineTable[] = () => []) {
    this.symbols = symbols
    this.#readLines = readLines
  }
  get lines(): readonly LineTable[] {
    return (this.#lines ??= this.#readLines())
  }
  at(address: bigint): SymbolPlace | undefined {
    return this.symbols.at(address)
  }
  find(name: string): GuestSymbol | undefined {
    return this.symbols.find(name)
  }
  /** The line of the code at an address. Throws what reading the lines throws, the first time. */
  line(address: bigint): SourceLine | undefined {
    for (const table of this.lines) {
      const found = table.at(address)
      if (found) return found
    }
    return undefined
  }
  /** `name+0x1c`, or undefined. */
  text(address: bigint): string | undefined {
    return placeText(this.at(address))
  }
}
