import type { SourcePosition } from '../source-position.ts'
import { DIAGNOSTICS, type DiagnosticName, type DiagnosticRow } from './diagnostic-rows.ts'
import type { Sources } from './source.ts'

/** Diagnostics kept of one compilation: past it a program is too wrong to be told about. */
const MAX_DIAGNOSTICS = 100

/** A stretch of program text: positions of its first character and of what follows its last. */
export interface Span {
  readonly pos: number
  readonly end: number
}

/** One rule that the program breaks, and where. */
export interface Diagnostic {
  /** Stable: `pascal.` and the row's name. */
  readonly code: string
  readonly severity: 'error' | 'warning'
  /** The clause of ISO 7185:1990. */
  readonly clause: string
  readonly message: string
  readonly hint: string | undefined
  readonly at: SourcePosition
  /** How many characters of the line are meant, at least one. */
  readonly width: number
  /** The whole line. */
  readonly line: string
}

/** Takes down what is wrong with a program. */
export class Diagnostics {
  readonly #sources: Sources
  readonly #found: Diagnostic[] = []
  readonly #places = new Set<number>()
  /** How many errors there are. */
  errors = 0

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** Reports one; a second one at the same place is most likely the first's consequence, and is dropped. */
  report(name: DiagnosticName, span: Span, args: readonly (string | number)[] = [], hint?: string): void {
    const row: DiagnosticRow = DIAGNOSTICS[name]
    const severity = row.severity ?? 'error'
    if (severity === 'error') this.errors++
    if (this.#places.has(span.pos) || this.#found.length > MAX_DIAGNOSTICS) return
    this.#places.add(span.pos)
    if (this.#found.length === MAX_DIAGNOSTICS) {
      this.#add('too-many', DIAGNOSTICS['too-many'], 'error', span, [MAX_DIAGNOSTICS], undefined)
      return
    }
    this.#add(name, row, severity, span, args, hint)
  }

  /** All, in the order of the text. */
  all(): readonly Diagnostic[] {
    const order = (d: Diagnostic): number => d.at.line * 100_000 + d.at.column
    return this.#found
      .map((diagnostic, index) => ({ diagnostic, index }))
      .sort((a, b) =>
        a.diagnostic.at.file === b.diagnostic.at.file ? order(a.diagnostic) - order(b.diagnostic) : a.index - b.index,
      )
      .map(({ diagnostic }) => diagnostic)
  }

  #add(
    name: DiagnosticName,
    row: DiagnosticRow,
    severity: 'error' | 'warning',
    span: Span,
    args: readonly (string | number)[],
    hint: string | undefined,
  ): void {
    const fill = (text: string): string => text.replace(/\{(\d)\}/g, (_, digit: string) => String(args[Number(digit)]))
    const at = this.#sources.locate(span.pos)
    const line = this.#sources.lineAt(span.pos)
    const width = Math.max(1, Math.min(span.end - span.pos, line.length - at.column + 1))
    const help = hint ?? (row.hint === undefined ? undefined : fill(row.hint))
    const message = fill(row.text)
    this.#found.push({ code: `pascal.${name}`, severity, clause: row.clause, message, hint: help, at, width, line })
  }
}

/** A diagnostic as a terminal shows it: place and message, the line, a caret under what is meant, a hint. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { at, code, clause, severity, message, hint, line, width } = diagnostic
  const gutter = `${at.line} | `
  // Tabs stay tabs, so that the caret stands below what it means at any width of them.
  const indent = line.slice(0, at.column - 1).replace(/[^\t]/g, ' ')
  const head = `${at.file}:${at.line}:${at.column}: ${severity}: ${message} [${code}, ISO 7185 §${clause}]`
  const marks = `${' '.repeat(gutter.length - 2)}| ${indent}${'^'.repeat(width)}`
  return `${head}\n${gutter}${line}\n${marks}${hint === undefined ? '' : ` ${hint}`}\n`
}
