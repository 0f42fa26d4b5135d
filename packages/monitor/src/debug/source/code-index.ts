import {
  AT,
  type CodeNames,
  type DwarfInfo,
  type DwarfUnit,
  filesOf,
  FrameTable,
  type FrameRules,
  type LineRow,
  linesOf,
  TAG,
  type UnitFiles,
  type UnitLines,
} from '@doppel/base'
import { type ActiveFunction, functionsAt } from './code-scopes.ts'

/** A file with debugging information. */
export interface DebugFile {
  readonly info: DwarfInfo
  readonly frames: FrameTable
}
/** A place in the source that has code, and where that is. */
export interface CodePlaces {
  readonly file: string
  readonly line: number
  readonly addresses: readonly bigint[]
}

/** Answers that are remembered. */
const MAX_REMEMBERED = 10_000

/** What is known of a program's code: its names, lines, functions and frames. */
export class CodeIndex {
  readonly names: CodeNames
  readonly #files: readonly DebugFile[]
  readonly #lines = new Map<DwarfUnit, UnitLines | undefined>()
  readonly #unitFiles = new Map<DwarfUnit, UnitFiles>()
  readonly #functions = new Map<bigint, readonly ActiveFunction[]>()
  #units: ReadonlyMap<string, readonly DwarfUnit[]> | undefined

  constructor(names: CodeNames, files: readonly DebugFile[]) {
    this.names = names
    this.#files = files
  }
  get infos(): readonly DwarfInfo[] {
    return this.#files.map(({ info }) => info)
  }
  unitAt(address: bigint): DwarfUnit | undefined {
    for (const { info } of this.#files) {
      const found = info.unitAt(address)
      if (found) return found
    }
    return undefined
  }
  framesAt(address: bigint): FrameRules | undefined {
    for (const { frames } of this.#files) {
      const found = frames.at(address)
      if (found) return found
    }
    return undefined
  }
  /** The line of the code at an address. */
  rowAt(address: bigint): LineRow | undefined {
    const unit = this.unitAt(address)
    return unit && this.linesOf(unit)?.at(address)
  }
  linesOf(unit: DwarfUnit): UnitLines | undefined {
    if (!this.#lines.has(unit)) this.#lines.set(unit, linesOf(unit))
    return this.#lines.get(unit)
  }
  #filesOf(unit: DwarfUnit): UnitFiles {
    let found = this.#unitFiles.get(unit)
    if (!found) this.#unitFiles.set(unit, (found = filesOf(unit)))
    return found
  }
  functionsAt(address: bigint): readonly ActiveFunction[] {
    let found = this.#functions.get(address)
    if (found) return found
    const unit = this.unitAt(address)
    found = unit ? functionsAt(unit, address, this.#filesOf(unit)) : []
    if (this.#functions.size >= MAX_REMEMBERED) this.#functions.clear()
    this.#functions.set(address, found)
    return found
  }

  /** Every source file, and the units that have code of it; gone through when first asked for. */
  #unitsByFile(): ReadonlyMap<string, readonly DwarfUnit[]> {
    if (this.#units) return this.#units
    const units = new Map<string, DwarfUnit[]>()
    for (const info of this.infos) {
      for (const unit of info.units) {
        if (unit.root.tag !== TAG.compileUnit) continue
        for (const file of new Set(this.#filesOf(unit).files)) {
          const known = units.get(file)
          if (known) known.push(unit)
          else units.set(file, [unit])
        }
      }
    }
    return (this.#units = units)
  }
  get sourceFiles(): readonly string[] {
    return [...this.#unitsByFile().keys()]
  }
  /** Where the code of a line begins, or of the first line behind it that has code; undefined where there is none. */
  find(file: string, line: number): CodePlaces | undefined {
    const rows = (this.#unitsByFile().get(file) ?? []).flatMap(unit =>
      (this.linesOf(unit)?.rows ?? []).filter(row => row.isStatement && row.file === file && row.line >= line),
    )
    const found = rows.reduce((least, row) => Math.min(least, row.line), Infinity)
    const starts = [...new Set(rows.filter(row => row.line === found).map(({ start }) => start))]
    if (starts.length === 0) return undefined
    // A line may have code in several places of a block; it is come to at the first.
    const blocks = new Map<number, bigint>()
    for (const start of starts) {
      const innermost = this.functionsAt(start).at(-1)
      const key = innermost?.blocks.at(-1)?.at ?? innermost?.entry.at ?? -1
      const known = blocks.get(key)
      if (known === undefined || start < known) blocks.set(key, start)
    }
    return { file, line: found, addresses: [...blocks.values()].map(start => this.afterEntry(start)) }
  }
  /** Where a function's own code begins; undefined for a name that no function has. */
  entryOf(name: string): bigint | undefined {
    const symbol = this.names.find(name)
    return symbol?.isCode ? this.afterEntry(symbol.address) : undefined
  }
  /** An address, unless a function begins there that has yet to put its parameters where its variables are. */
  afterEntry(address: bigint): bigint {
    const unit = this.unitAt(address)
    const own = this.functionsAt(address)[0]
    if (!unit || !own || own.entry.address(AT.lowPc) !== address || this.#hasLists(unit)) return address
    const next = this.linesOf(unit)?.rows.find(row => row.start > address && row.isStatement && row.line > 0)
    return next && this.functionsAt(next.start)[0]?.entry.at === own.entry.at ? next.start : address
  }
  /** Whether a unit tells where its variables are at each instruction: optimizing compilers do. */
  #hasLists(unit: DwarfUnit): boolean {
    return unit.root.children.some(
      entry =>
        entry.tag === TAG.subprogram &&
        entry.children.some(child => {
          const kind = child.value(AT.location)?.kind
          return kind !== undefined && kind !== 'block'
        }),
    )
  }
}
