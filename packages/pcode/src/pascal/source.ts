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

  /** File, line and column of a position. */
  locate(position: number): SourcePosition {
    const { name, text, base } = this.textAt(position)
    const index = Math.min(position - base, text.length)
    let line = 1
    let lineStart = 0
    for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) {
      line++
      lineStart = at + 1
    }
    return { file: name, line, column: index - lineStart + 1 }
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
