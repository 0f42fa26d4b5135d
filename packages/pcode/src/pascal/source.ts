import { LINE_BITS } from '../program/program.ts'
import type { SourcePosition } from '../source-position.ts'

/** One text: the program or a file that it includes. */
export interface SourceText {
  readonly name: string
  readonly text: string
  /** What is added to an index in `text` to make a position. */
  readonly base: number
}

/** All texts of one compilation in one space of positions, so that a place is one number. */
export class Sources {
  readonly #texts: SourceText[] = []
  readonly #lines = new Map<SourceText, readonly number[]>()
  #next = 0

  /** Adds a text; its first character is at position `base`. */
  add(name: string, text: string): SourceText {
    const source = { name, text, base: this.#next }
    this.#texts.push(source)
    // One more, so that the end of a text is a position of its own.
    this.#next += text.length + 1
    return source
  }

  /** The text that a position is in. */
  textAt(position: number): SourceText {
    let found = this.#texts[0] as SourceText
    for (const source of this.#texts) if (source.base <= position) found = source
    return found
  }

  /** What stands between two positions of one text. */
  slice(start: number, end: number): string {
    const source = this.textAt(start)
    return source.text.slice(start - source.base, end - source.base)
  }

  /** The files' names; their places are the file indexes of `lineWord`. */
  get names(): readonly string[] {
    return this.#texts.map(({ name }) => name)
  }

  /** File, line and column of a position. */
  locate(position: number): SourcePosition {
    const source = this.textAt(position)
    const starts = this.#linesOf(source)
    const index = Math.min(position - source.base, source.text.length)
    const line = lineOf(starts, index)
    return { file: source.name, line: line + 1, column: index - (starts[line] as number) + 1 }
  }

  /** Line and file of a position as program code keeps them: the file's index above the line. */
  lineWord(position: number): number {
    const source = this.textAt(position)
    const line = lineOf(this.#linesOf(source), position - source.base) + 1
    return line + (this.#texts.indexOf(source) << LINE_BITS)
  }

  #linesOf(source: SourceText): readonly number[] {
    const known = this.#lines.get(source)
    if (known) return known
    const starts = [0]
    for (let at = source.text.indexOf('\n'); at >= 0; at = source.text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#lines.set(source, starts)
    return starts
  }

  /** The text of the line that a position is in, without its end. */
  lineAt(position: number): string {
    const { text, base } = this.textAt(position)
    const index = Math.min(position - base, text.length)
    const start = text.lastIndexOf('\n', index - 1) + 1
    const end = text.indexOf('\n', index)
    return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '')
  }
}

/** Index of the last line that starts at or before an index. */
function lineOf(starts: readonly number[], index: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] as number) <= index) low = middle
    else high = middle - 1
  }
  return low
}
