import { analyse } from './analysis/analyse.ts'
import type { CheckedProgram } from './analysis/checked.ts'
import { type Diagnostic, Diagnostics } from './diagnostics.ts'
import { type Dialect, DIALECTS } from './dialect.ts'
import { Sources, type SourceText } from './source.ts'
import { Cursor } from './syntax/cursor.ts'
import { Lexer } from './syntax/lexer.ts'
import { IoSwitches } from './syntax/io-switches.ts'
import { Names } from './syntax/names.ts'
import { parseProgram, parseUnitFile } from './syntax/parse-program.ts'
import type { Block, ProgramNode, UnitNode } from './syntax/tree.ts'
import { unitsOf } from './used-units.ts'

/** How a program is to be read. */
export interface FrontOptions {
  /** What the program’s text is called in messages; `program.pas` where it is not given. */
  readonly file?: string
  /** Default `iso-1`: ISO 7185 level 1. */
  readonly dialect?: Dialect['name']
  /** The text may be that of a unit, where the dialect has such: then there is nothing to run. */
  readonly mayBeUnit?: boolean
  /** The text of a file that the program takes in, where the dialect can; undefined where there is none. */
  readonly readFile?: (name: string) => string | undefined
}

/** What the front end found. */
export interface FrontResult {
  /** Undefined where there are errors. */
  readonly program: CheckedProgram | undefined
  readonly diagnostics: readonly Diagnostic[]
  readonly sources: Sources
}

/** Reads a program and checks it by the rules of its dialect. Never throws for what the text holds. */
export function checkPascal(text: string, options: FrontOptions = {}): FrontResult {
  const dialect = DIALECTS[options.dialect ?? 'iso-1']
  const sources = new Sources()
  const diagnostics = new Diagnostics(sources)
  const names = new Names()
  const ioSwitches = new IoSwitches()
  const { readFile } = options
  const include = (name: string): SourceText | undefined => {
    const included = readFile?.(name)
    return included === undefined ? undefined : sources.add(name, included)
  }
  const cursorOf = (source: SourceText): Cursor => {
    // Each text begins with checks.
    ioSwitches.isOn = true
    const options = dialect.titles ? { ...dialect, ioSwitches } : dialect
    const lexer = new Lexer(names, diagnostics, { ...options, include: dialect.includes ? include : undefined })
    return new Cursor(lexer.scan(source), sources, diagnostics, dialect)
  }
  const cursor = cursorOf(sources.add(options.file ?? 'program.pas', text))
  const isUnit = dialect.units && cursor.isWord('unit')
  const tree = isUnit ? programOf(parseUnitFile(cursor)) : parseProgram(cursor)
  if (isUnit && options.mayBeUnit !== true) diagnostics.report('unit-alone', tree.name)
  const read = (file: string): readonly UnitNode[] | undefined => {
    const source = include(file)
    return source && parseUnitFile(cursorOf(source))
  }
  const units = unitsOf(tree, { names, diagnostics, read })
  // A text that does not parse is analysed too: its declarations are mostly right, and so is what is said of them.
  const program = analyse(tree, units, names, sources, diagnostics, dialect, ioSwitches)
  return { program: diagnostics.errors === 0 ? program : undefined, diagnostics: diagnostics.all(), sources }
}

/** A program that has units and does nothing. */
function programOf(units: readonly [UnitNode, ...UnitNode[]]): ProgramNode {
  const { name, pos, end } = units[0]
  const block: Block = { declarations: [], body: { kind: 'compound', body: [], pos, end }, pos, end }
  return { name, parameters: [], units, uses: [], block, pos, end }
}
