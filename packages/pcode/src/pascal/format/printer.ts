import type { SourceText } from '../source.ts'
import type { TokenBuffer } from '../syntax/token-buffer.ts'
import { FIRST_WORD, kindSet, Token } from '../syntax/tokens.ts'

const INDENT = '  '

/** Tokens that stand close to what is before them. */
const CLOSE_BEFORE = kindSet(
  Token.semicolon,
  Token.comma,
  Token.rightParen,
  Token.rightBracket,
  Token.period,
  Token.range,
  Token.colon,
)
/** Tokens that stand close to what follows them. */
const CLOSE_AFTER = kindSet(Token.leftParen, Token.leftBracket, Token.period, Token.range)
/** What an operand can end with: a sign after it is an operator, a bracket after it an index or arguments. */
const OPERAND_ENDS = kindSet(
  Token.identifier,
  Token.integer,
  Token.real,
  Token.string,
  Token.rightParen,
  Token.rightBracket,
  Token.arrow,
  Token.nil,
)

/** Puts tokens out one after the other, each comment where it stood among them, in lines that the caller asks for. */
export class Printer {
  readonly #source: SourceText
  readonly #tokens: TokenBuffer
  readonly #lines: string[] = []
  #line = ''
  #at = 0
  #comment = 0
  #depth = 0
  /** A new line is asked for, before the next token or comment. */
  #breaks = false
  #blank = false
  /** Parentheses open in a statement, where `:` is a width’s. */
  #parens = 0
  #prefix = false
  isStatement = false

  constructor(source: SourceText, tokens: TokenBuffer) {
    this.#source = source
    this.#tokens = tokens
  }

  /** The kind of the next token. */
  get kind(): number {
    return this.#tokens.kinds[this.#at] as number
  }

  /** Where the next token begins. */
  get position(): number {
    return this.#tokens.starts[this.#at] as number
  }

  indent(): void {
    this.#depth++
  }

  outdent(): void {
    this.#depth--
  }

  /** What is put out next begins a line; with `blank`, after an empty one. */
  newLine(blank = false): void {
    this.#breaks = true
    this.#blank ||= blank
  }

  /** Puts out the next token. */
  next(): void {
    this.#flushComments(this.#start(this.#at))
    const start = this.#start(this.#at)
    const { kind } = this
    const written = this.#source.text.slice(start, this.#end(this.#at))
    const text = kind >= FIRST_WORD ? written.toLowerCase() : written
    const needsSpace = this.#needsSpace(kind)
    this.#keepBlankLine(start)
    this.#startLine()
    this.#line += this.#line.trim() !== '' && needsSpace ? ` ${text}` : text
    if (kind === Token.leftParen) this.#parens++
    if (kind === Token.rightParen) this.#parens--
    const isSign = kind === Token.plus || kind === Token.minus || kind === Token.arrow
    this.#prefix = isSign && !this.#followsOperand()
    this.#at++
  }

  /** Puts out the next token if it is of this kind. */
  accept(kind: number): boolean {
    if (this.kind !== kind) return false
    this.next()
    return true
  }

  /** Puts out all tokens up to one of this kind, and that. */
  through(kind: number): void {
    while (this.kind !== kind && this.kind !== Token.end) this.next()
    this.next()
  }

  /** Puts out all tokens that begin before a position. */
  until(position: number): void {
    while (this.kind !== Token.end && this.#start(this.#at) + this.#source.base < position) this.next()
  }

  /** Whether the next token stands on a later line than the one before it. */
  breaksHere(): boolean {
    return this.#at > 0 && this.#source.text.slice(this.#end(this.#at - 1), this.#start(this.#at)).includes('\n')
  }

  /** Everything, with the comments that are left. */
  finish(): string {
    this.#flushComments(this.#source.text.length)
    if (this.#line.trim() !== '') this.#lines.push(this.#line.trimEnd())
    return `${this.#lines.join('\n')}\n`
  }

  #start(at: number): number {
    return (this.#tokens.starts[at] as number) - this.#source.base
  }

  #end(at: number): number {
    return (this.#tokens.ends[at] as number) - this.#source.base
  }

  #followsOperand(): boolean {
    return this.#at > 0 && OPERAND_ENDS[this.#tokens.kinds[this.#at - 1] as number] === 1
  }

  #needsSpace(kind: number): boolean {
    if (this.#at === 0) return false
    const before = this.#tokens.kinds[this.#at - 1] as number
    if (this.#prefix || CLOSE_AFTER[before] === 1) return false
    if (kind === Token.colon) return false
    if (CLOSE_BEFORE[kind] === 1) return false
    if (before === Token.colon) return !(this.isStatement && this.#parens > 0)
    if (kind === Token.leftParen) return before !== Token.identifier
    if (kind === Token.leftBracket) return !this.#followsOperand()
    if (kind === Token.arrow) return !this.#followsOperand()
    return true
  }

  /** One empty line between two things stays. */
  #keepBlankLine(start: number): void {
    const from = this.#comment > 0 ? (this.#tokens.comments[this.#comment * 2 - 1] as number) - this.#source.base : 0
    const last = Math.max(from, this.#at > 0 ? this.#end(this.#at - 1) : 0)
    if (this.#breaks && /\n[ \t\r]*\n/.test(this.#source.text.slice(last, start))) this.#blank = true
  }

  #startLine(): void {
    if (!this.#breaks) return
    if (this.#line.trim() !== '') this.#lines.push(this.#line.trimEnd())
    if (this.#blank && this.#lines.length > 0 && this.#lines.at(-1) !== '') this.#lines.push('')
    this.#line = INDENT.repeat(Math.max(0, this.#depth))
    this.#breaks = false
    this.#blank = false
  }

  /** Comments before a place in the text: behind the token that they stand behind, or on lines of their own. */
  #flushComments(before: number): void {
    const { comments } = this.#tokens
    const { text, base } = this.#source
    for (; this.#comment * 2 < comments.length; this.#comment++) {
      const start = (comments[this.#comment * 2] as number) - base
      const end = (comments[this.#comment * 2 + 1] as number) - base
      if (start >= before) return
      const lineStart = text.lastIndexOf('\n', start - 1) + 1
      const isOwnLine = text.slice(lineStart, start).trim() === ''
      const endsLine = /^[ \t\r]*(\n|$)/.test(text.slice(end))
      if (isOwnLine) {
        this.#breaks = true
        this.#keepBlankLine(start)
        this.#startLine()
        this.#line += text.slice(start, end)
      } else {
        // It belongs to the token before, though a new line is asked for already.
        this.#line += `${this.#line.trim() === '' ? '' : ' '}${text.slice(start, end)}`
      }
      if (endsLine || isOwnLine) this.#breaks = true
    }
  }
}
