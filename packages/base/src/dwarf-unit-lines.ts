import { countBefore } from './search.ts'
import { AT } from './dwarf-constants.ts'
import { type LineSections, readLineProgram, type RowSink } from './dwarf-lines.ts'
import { DwarfReader } from './dwarf-reader.ts'
import type { UnitFiles } from './dwarf-files.ts'
import type { DwarfUnit } from './dwarf-unit.ts'

/** A row of a unit's line table: code from `start` to before `end` was made from a line. Statements may have no code of their own. */
export interface LineRow {
  readonly start: bigint
  end: bigint
  readonly file: string
  /** 0 for code that no line was made into. */
  readonly line: number
  /** True where a statement begins: a place to stop at. */
  readonly isStatement: boolean
}

class Rows implements RowSink {
  readonly all: LineRow[] = []
  #isFirst = true

  close(end: bigint): void {
    const last = this.all.at(-1)
    if (last && !this.#isFirst) last.end = end
  }
  add(start: bigint, file: string, line: number, isStatement: boolean): void {
    this.all.push({ start, end: start, file, line, isStatement })
    this.#isFirst = false
  }
  endSequence(): void {
    this.#isFirst = true
  }
}

/** The line table of one unit. */
export class UnitLines {
  /** By ascending addresses; of one address, in their order. */
  readonly rows: readonly LineRow[]

  constructor(rows: readonly LineRow[]) {
    this.rows = rows.toSorted((a, b) => (a.start === b.start ? 0 : a.start < b.start ? -1 : 1))
  }
  /** The row of the code at an address: of several, the last that begins a statement. */
  at(address: bigint): LineRow | undefined {
    const count = countBefore(this.rows, row => row.start <= address)
    const found = this.rows[count - 1]
    if (!found || address >= found.end) return undefined
    if (found.isStatement) return found
    for (let i = count - 2; i >= 0 && this.rows[i]?.start === found.start; i--) {
      const row = this.rows[i] as LineRow
      if (row.isStatement) return { ...row, end: found.end }
    }
    return found
  }
}

/** The line table of a unit; undefined where it has none. Throws `dwarf.*`. */
export function linesOf(unit: DwarfUnit): UnitLines | undefined {
  const rows = new Rows()
  return readOf(unit, rows) && new UnitLines(rows.all)
}
/** The source files of a unit, by their numbers. Throws `dwarf.*`. */
export function filesOf(unit: DwarfUnit): UnitFiles {
  return readOf(unit, undefined) ?? { files: [], path: () => '' }
}

function readOf(unit: DwarfUnit, rows: Rows | undefined): ReturnType<typeof readLineProgram> | undefined {
  const { file, root } = unit
  const at = unit.base(AT.stmtList)
  const line = file.section('.debug_line')
  if (!root.value(AT.stmtList) || !line) return undefined
  const sections: LineSections = {
    line,
    lineStrings: file.section('.debug_line_str'),
    strings: file.section('.debug_str'),
  }
  const reader = new DwarfReader(line, `${file.name}, .debug_line`)
  reader.skip(at)
  return readLineProgram(reader, sections, file.name, rows, file.moved)
}
