import type { Diagnostics, Span } from '../diagnostics.ts'
import type { Sources, SourceText } from '../source.ts'

/** How deep files may include one another. */
const MAX_INCLUDE_DEPTH = 16

/** Reads the text of a file that a program includes, or undefined where there is none. */
export type ReadInclude = (name: string) => string | undefined

/** Acts on `{$I file}` in comments (UCSD Pascal). */
export class IncludeScanner {
  readonly #sources: Sources
  readonly #diagnostics: Diagnostics
  readonly #read: ReadInclude

  constructor(sources: Sources, diagnostics: Diagnostics, read: ReadInclude) {
    this.#sources = sources
    this.#diagnostics = diagnostics
    this.#read = read
  }

  /** The text named by what follows `$` in a comment, or undefined where it names none. */
  open(option: string, span: Span, depth: number): SourceText | undefined {
    const letter = option.charAt(0)
    // `I+` and `I-` switch the checks of input and output; `I name` includes.
    if ((letter !== 'I' && letter !== 'i') || option.charAt(1) === '+' || option.charAt(1) === '-') return undefined
    const name = option.slice(1).trim()
    if (depth >= MAX_INCLUDE_DEPTH) {
      this.#diagnostics.report('include-depth', span, [MAX_INCLUDE_DEPTH])
      return undefined
    }
    const text = this.#read(name)
    if (text === undefined) {
      this.#diagnostics.report('include', span, [name])
      return undefined
    }
    return this.#sources.add(name, text)
  }
}
