import { DoppelError, type PlacedBreakpoint, type SourceBreakpoint } from '@doppel/base'
import { type CodePlace, type LineTable, Mark } from './line-table.ts'
import { readExpression, type WrittenExpression } from './read-expression.ts'

/** A breakpoint in the code. */
export interface CodeBreakpoint {
  readonly places: readonly CodePlace[]
  readonly condition: WrittenExpression | undefined
  readonly hits: number
  /** Pieces of what is told: text and expressions in turn; undefined to stop. */
  readonly message: readonly (string | WrittenExpression)[] | undefined
  arrivals: number
}

/** Breakpoints of lines and routines. */
export class Breakpoints {
  readonly #lines: LineTable
  readonly #ofFiles = new Map<string, readonly CodeBreakpoint[]>()
  #ofRoutines: readonly CodePlace[] = []

  constructor(lines: LineTable) {
    this.#lines = lines
  }

  setOf(file: string, wanted: readonly SourceBreakpoint[]): readonly PlacedBreakpoint[] {
    const placed: CodeBreakpoint[] = []
    const told = wanted.map((breakpoint): PlacedBreakpoint => {
      const found = this.#lines.find(file, breakpoint.line)
      if (!found) return { line: undefined }
      try {
        placed.push(readBreakpoint(breakpoint, found.places))
      } catch (error) {
        if (error instanceof DoppelError) return { line: undefined, problem: error.message }
        throw error
      }
      return { line: found.line }
    })
    this.#ofFiles.set(file, placed)
    this.#mark()
    return told
  }
  setOfRoutines(places: readonly CodePlace[]): void {
    this.#ofRoutines = places
    this.#mark()
  }
  /** Those at an instruction, and whether a routine's is there. */
  at(place: CodePlace): { readonly lines: readonly CodeBreakpoint[]; readonly ofRoutine: boolean } {
    const isHere = (p: CodePlace): boolean => p.routine === place.routine && p.at === place.at
    const lines = [...this.#ofFiles.values()].flat().filter(({ places }) => places.some(isHere))
    return { lines, ofRoutine: this.#ofRoutines.some(isHere) }
  }

  #mark(): void {
    for (const marks of this.#lines.marks) marks.forEach((mark, at) => void (marks[at] = mark & ~Mark.breakpoint))
    const places = [...[...this.#ofFiles.values()].flat().flatMap(b => b.places), ...this.#ofRoutines]
    for (const { routine, at } of places) {
      const marks = this.#lines.marks[routine]
      if (marks) marks[at] = (marks[at] as number) | Mark.breakpoint
    }
  }
}

/** Throws `debug.expression`. */
function readBreakpoint(
  { condition, hits = 1, message }: SourceBreakpoint,
  places: readonly CodePlace[],
): CodeBreakpoint {
  return {
    places,
    condition: condition === undefined || condition === '' ? undefined : readExpression(condition),
    hits,
    message: message === undefined || message === '' ? undefined : readMessage(message),
    arrivals: 0,
  }
}

/** Splits `text {expression} text`. Throws `debug.expression`. */
function readMessage(text: string): readonly (string | WrittenExpression)[] {
  return text.split(/\{([^{}]*)\}/).map((piece, i) => (i % 2 === 0 ? piece : readExpression(piece)))
}
