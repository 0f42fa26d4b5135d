import type { DiagnosticName } from '../diagnostic-rows.ts'
import type { Diagnostics, Span } from '../diagnostics.ts'
import type { Dialect } from '../dialect.ts'
import { editDistance } from '../edit-distance.ts'
import { MAX_NESTING, MAX_OPERATORS } from '../limits.ts'
import type { Sources } from '../source.ts'
import type { TokenBuffer } from './token-buffer.ts'
import { FIRST_WORD, kindSet, Token, type TokenKind, tokenName } from './tokens.ts'
import type { Name } from './tree.ts'

/** What ends an expression that is given up. */
const AFTER_EXPRESSION = kindSet(
  Token.rightParen,
  Token.rightBracket,
  Token.semicolon,
  Token.endWord,
  Token.thenWord,
  Token.do,
  Token.of,
  Token.else,
  Token.until,
  Token.begin,
  Token.to,
  Token.downto,
  Token.becomes,
)

/** Where the parser is in the tokens, and how it gets on after errors. */
export class Cursor {
  readonly dialect: Dialect
  readonly diagnostics: Diagnostics
  readonly #sources: Sources
  readonly #tokens: TokenBuffer
  readonly #kinds: Uint8Array
  #at = 0
  #depth = 0
  #operators = 0
  /** Index of the token that the last error was at: an error there again is its consequence. */
  #failedAt = -1
  #lastFailure = -2
  /** Kind of the current token. */
  kind: number

  constructor(tokens: TokenBuffer, sources: Sources, diagnostics: Diagnostics, dialect: Dialect) {
    this.#tokens = tokens
    this.#kinds = tokens.kinds
    this.#sources = sources
    this.diagnostics = diagnostics
    this.dialect = dialect
    this.kind = tokens.kinds[0] as number
  }

  /** Start of the current token. */
  get pos(): number {
    return this.#tokens.starts[this.#at] as number
  }

  /** End of the current token. */
  get end(): number {
    return this.#tokens.ends[this.#at] as number
  }

  /** End of the token before. */
  get lastEnd(): number {
    return this.#at === 0 ? this.pos : (this.#tokens.ends[this.#at - 1] as number)
  }

  /** The current word's name, or literal's index. */
  get value(): number {
    return this.#tokens.values[this.#at] as number
  }

  /** The current literal's value. */
  get literal(): number | string {
    return this.#tokens.literals[this.value] as number | string
  }

  /** The kind of the token after. */
  get nextKind(): number {
    return this.#at + 1 < this.#tokens.count ? (this.#kinds[this.#at + 1] as number) : Token.end
  }

  /** The file that the last `{$U file}` before this token names. */
  get unitFile(): string | undefined {
    return this.#tokens.unitFiles.findLast(({ at }) => at <= this.#at)?.file
  }

  advance(): void {
    if (this.#at < this.#tokens.count - 1) this.kind = this.#kinds[++this.#at] as number
  }

  /** Whether an identifier of this spelling is next: a word that is reserved in no dialect but means something here. */
  isWord(word: string): boolean {
    return this.kind === Token.identifier && this.#sources.slice(this.pos, this.end).toLowerCase() === word
  }

  /** Takes such a word; reports its lack, and goes on as if it were there. */
  expectWord(word: string): void {
    if (this.isWord(word)) this.advance()
    else this.unexpected(`'${word}'`)
  }

  /** Takes a token of this kind if it is next. */
  accept(kind: TokenKind): boolean {
    if (this.kind !== kind) return false
    this.advance()
    return true
  }

  /** Takes a token of this kind; reports its lack, and goes on as if it were there. */
  expect(kind: TokenKind): boolean {
    if (this.kind === kind) {
      this.advance()
      return true
    }
    if (kind >= FIRST_WORD && this.mend(kind)) {
      this.advance()
      return true
    }
    this.unexpected(tokenName(kind))
    return false
  }

  /** Takes an identifier that is spelled nearly like one of these words for it, with a report. */
  mend(...words: readonly TokenKind[]): boolean {
    if (this.kind !== Token.identifier) return false
    const written = this.#sources.slice(this.pos, this.end).toLowerCase()
    for (const word of words) {
      const name = tokenName(word).slice(1, -1)
      const limit = name.length > 3 ? 3 : 2
      if (name[0] !== written[0] || editDistance(written, name, limit) >= limit) continue
      this.fail('misspelled', [tokenName(word), written])
      this.#kinds[this.#at] = word
      this.kind = word
      return true
    }
    return false
  }

  /** Reports that something else was expected here. */
  unexpected(expected: string): void {
    this.fail('expected', [expected, this.shown()])
  }

  /** Reports at the current token, once. */
  fail(name: DiagnosticName, args: readonly (string | number)[] = [], hint?: string): void {
    if (this.#failedAt === this.#at) return
    this.#failedAt = this.#at
    // The end of the text says nothing new where its last full stop, or what was lost before it, was told of.
    if (this.kind === Token.end && (this.#tokens.isCut || this.#lastFailure === this.#at - 1)) return
    this.#lastFailure = this.#at
    // The end of the text is shown where the text stops, not on an empty line after it.
    const span = this.kind === Token.end ? { pos: this.lastEnd, end: this.lastEnd } : { pos: this.pos, end: this.end }
    this.diagnostics.report(name, span, args, hint)
  }

  /** Reports that something is missing right after the token before. */
  failAfter(name: DiagnosticName, args: readonly (string | number)[] = []): void {
    if (this.#failedAt === this.#at) return
    this.#failedAt = this.#at
    this.diagnostics.report(name, { pos: this.lastEnd, end: this.lastEnd + 1 }, args)
  }

  /** What stands here, for a message. */
  shown(): string {
    if (this.kind === Token.identifier) return `the identifier '${this.#sources.slice(this.pos, this.end)}'`
    if (this.kind === Token.integer || this.kind === Token.real) return this.#sources.slice(this.pos, this.end)
    return tokenName(this.kind)
  }

  /** Skips tokens up to one of the set, or the end. */
  skipTo(set: Uint8Array): void {
    while (set[this.kind] === 0 && this.kind !== Token.end) this.advance()
  }

  /** An identifier; where there is none, a name of no spelling that nothing is said about again. */
  name(expected = 'an identifier'): Name {
    const { pos, end } = this
    if (this.kind === Token.identifier) {
      const id = this.value
      this.advance()
      return { id, pos, end }
    }
    if (this.kind >= FIRST_WORD && this.#wordIsMeantAsName()) {
      this.fail('word-as-name', [tokenName(this.kind)])
      this.advance()
    } else {
      this.unexpected(expected)
    }
    return { id: -1, pos, end }
  }

  /** Runs one level deeper; past the limit it reports and gives undefined, so that hostile nesting ends. */
  nested<T>(run: () => T): T | undefined {
    if (this.#depth >= MAX_NESTING) {
      this.fail('nesting-depth', [MAX_NESTING])
      return undefined
    }
    this.#depth++
    const result = run()
    this.#depth--
    return result
  }

  enter(): boolean {
    if (this.#depth >= MAX_NESTING) {
      this.fail('nesting-depth', [MAX_NESTING])
      return false
    }
    this.#depth++
    return true
  }

  leave(): void {
    this.#depth--
  }

  /** Counts an operator or selector; past the limit it reports, and the expression is given up. */
  extend(): boolean {
    if (this.#operators >= MAX_OPERATORS) {
      this.fail('nesting-depth', [MAX_OPERATORS])
      this.skipTo(AFTER_EXPRESSION)
      return false
    }
    this.#operators++
    return true
  }

  /** Takes back so many counts of `extend`. */
  retract(operators: number): void {
    this.#operators -= operators
  }

  /** A closing bracket; where it lacks, what stands before it is skipped. */
  close(kind: TokenKind): void {
    if (this.expect(kind)) return
    this.skipTo(AFTER_EXPRESSION)
    this.accept(kind)
  }

  span(pos: number): Span {
    return { pos, end: this.lastEnd }
  }

  #wordIsMeantAsName(): boolean {
    const next = this.nextKind
    return (
      next === Token.comma ||
      next === Token.colon ||
      next === Token.equal ||
      next === Token.becomes ||
      next === Token.semicolon
    )
  }
}
