import { utf8Bytes } from '@doppel/base'
import { MAX_LONG_DIGITS } from '../../machine/long-integers.ts'
import type { Diagnostics, Span } from '../diagnostics.ts'
import type { SourceText } from '../source.ts'
import { MAX_INCLUDES, MAXINT } from '../limits.ts'
import type { IoSwitches } from './io-switches.ts'
import type { Names } from './names.ts'
import { Token, WORDS } from './tokens.ts'
import { TokenBuffer } from './token-buffer.ts'

const BEYOND_ASCII = /[^\0-\x7f]/

/** What one character can begin or be part of. */
const LETTER = 1
const DIGIT = 2
const BLANK = 4
const CLASS = (() => {
  const table = new Uint8Array(128)
  for (let c = 65; c <= 90; c++) table[c] = table[c + 32] = LETTER
  for (let c = 48; c <= 57; c++) table[c] = DIGIT
  for (const c of [9, 10, 11, 12, 13, 32]) table[c] = BLANK
  return table
})()

/** Symbols of one character (ISO 7185 §6.1.2, §6.1.9); those that may begin longer ones are scanned apart. */
const SINGLE = (() => {
  const table = new Uint8Array(128)
  const set = (text: string, kind: number): void => void (table[text.charCodeAt(0)] = kind)
  set('+', Token.plus)
  set('-', Token.minus)
  set('*', Token.star)
  set('/', Token.slash)
  set('=', Token.equal)
  set('[', Token.leftBracket)
  set(']', Token.rightBracket)
  set(',', Token.comma)
  set(';', Token.semicolon)
  set('^', Token.arrow)
  set('@', Token.arrow)
  set(')', Token.rightParen)
  return table
})()

/** Symbols of other languages, what Pascal writes for them, and its kind of token. */
const FOREIGN: readonly (readonly [symbol: string, meant: string, kind: number])[] = [
  ['!=', '<>', Token.notEqual],
  ['!', 'not', Token.not],
  ['&&', 'and', Token.and],
  ['&', 'and', Token.and],
  ['||', 'or', Token.or],
  ['|', 'or', Token.or],
  ['%', 'mod', Token.mod],
]

/** By name number, the kind of a word-symbol; 0 for other names. Word-symbols come first in the table of names. */
function reserveWords(names: Names): Uint8Array {
  const kinds: number[] = []
  for (const [word, kind] of WORDS) kinds[names.of(word)] = kind
  return Uint8Array.from({ length: kinds.length }, (_, i) => kinds[i] ?? 0)
}

/** What dialects add to the lexical rules. */
export interface LexerOptions {
  readonly underscores?: boolean
  readonly emptyStrings?: boolean
  /** A comment ends with the symbol that belongs to the one which begins it; else with either (§6.1.8). */
  readonly ownCommentEnds?: boolean
  /** An integer beyond maxint is a literal, which has its digits for its value. */
  readonly longIntegers?: boolean
  /** The text of a file that is taken in; undefined where there is none. */
  /** Takes note of `{$I-}` and `{$I+}`. */
  readonly ioSwitches?: IoSwitches | undefined
  readonly include?: ((name: string) => SourceText | undefined) | undefined
}

/** Turns program text into tokens (ISO 7185 §6.1). */
export class Lexer {
  readonly #names: Names
  readonly #diagnostics: Diagnostics
  readonly #reserved: Uint8Array
  readonly #underscores: boolean
  readonly #emptyStrings: boolean
  readonly #ownCommentEnds: boolean
  readonly #longIntegers: boolean
  readonly #ioSwitches: IoSwitches | undefined
  readonly #include: LexerOptions['include']
  #includeDepth = 0
  readonly tokens: TokenBuffer

  constructor(names: Names, diagnostics: Diagnostics, options: LexerOptions = {}) {
    this.#underscores = options.underscores ?? false
    this.#emptyStrings = options.emptyStrings ?? false
    this.#longIntegers = options.longIntegers ?? false
    this.#ioSwitches = options.ioSwitches
    this.#ownCommentEnds = options.ownCommentEnds ?? false
    this.#include = options.include
    this.#names = names
    this.#diagnostics = diagnostics
    this.#reserved = reserveWords(names)
    this.tokens = new TokenBuffer()
  }

  /** Scans a whole text, and puts the token `end` after it. */
  scan(source: SourceText): TokenBuffer {
    this.tokens.reserve(source.text.length >> 2)
    this.#scanText(source)
    this.tokens.push(Token.end, source.base + source.text.length, source.base + source.text.length, 0)
    return this.tokens
  }

  #scanText(source: SourceText): void {
    const { text, base } = source
    const { tokens } = this
    this.#ioSwitches?.note(base)
    const length = text.length
    let i = 0
    while (i < length) {
      const c = text.charCodeAt(i)
      const kind = c < 128 ? (CLASS[c] as number) : 0
      if (kind === BLANK) {
        i++
      } else if (kind === LETTER) {
        i = this.#word(text, base, i)
      } else if (kind === DIGIT) {
        i = this.#number(text, base, i)
      } else if (c === 0x3d /* = */ && text.charCodeAt(i + 1) === 0x3d) {
        this.#diagnostics.report('foreign-symbol', { pos: base + i, end: base + i + 2 }, ["'=='", '='])
        tokens.push(Token.equal, base + i, base + i + 2, 0)
        i += 2
      } else if (c === 0x2f /* / */ && text.charCodeAt(i + 1) === 0x2f) {
        i = this.#lineComment(text, base, i)
      } else if (c < 128 && SINGLE[c] !== 0) {
        tokens.push(SINGLE[c] as number, base + i, base + i + 1, 0)
        i++
      } else if (c === 0x7b /* { */ || (c === 0x28 /* ( */ && text.charCodeAt(i + 1) === 0x2a)) {
        i = this.#comment(text, base, i)
      } else if (c === 0x27 /* ' */) {
        i = this.#string(text, base, i)
      } else {
        i = this.#symbol(text, base, i, c)
      }
    }
  }

  #word(text: string, base: number, start: number): number {
    const { length } = text
    let i = start + 1
    while (i < length) {
      const c = text.charCodeAt(i)
      if (c < 128 && ((CLASS[c] as number) & (LETTER | DIGIT)) !== 0) {
        i++
      } else if (c === 0x5f) {
        const span = { pos: base + i, end: base + i + 1 }
        if (!this.#underscores) this.#diagnostics.report('character', span, ["'_' in an identifier"])
        i++
      } else {
        break
      }
    }
    const name = this.#names.intern(text, start, i)
    const kind = name < this.#reserved.length ? (this.#reserved[name] as number) : 0
    this.tokens.push(kind === 0 ? Token.identifier : kind, base + start, base + i, name)
    return i
  }

  #number(text: string, base: number, start: number): number {
    const digits = (from: number): number => {
      let i = from
      while (i < text.length && isDigit(text.charCodeAt(i))) i++
      return i
    }
    let i = digits(start)
    let isReal = false
    if (text.charCodeAt(i) === 0x2e && isDigit(text.charCodeAt(i + 1))) {
      isReal = true
      i = digits(i + 1)
    } else if (this.#endsInPoint(text, i)) {
      const written = text.slice(start, i + 1)
      this.#diagnostics.report('number-form', { pos: base + start, end: base + i + 1 }, [written, `${written}0`])
      isReal = true
      i++
    }
    if ((text.charCodeAt(i) | 0x20) === 0x65) {
      const sign = text.charCodeAt(i + 1)
      const first = sign === 0x2b || sign === 0x2d ? i + 2 : i + 1
      if (isDigit(text.charCodeAt(first))) {
        isReal = true
        i = digits(first)
      } else if (isReal || first === i + 2) {
        this.#diagnostics.report('exponent-form', { pos: base + i, end: base + first })
        i = first
      }
    }
    const span = { pos: base + start, end: base + i }
    if (i < text.length && isLetter(text.charCodeAt(i))) {
      this.#diagnostics.report('separator', span, [text.slice(start, i)])
      // `10div` is a number and a word; what else begins with a digit was meant as an identifier.
      const before = this.tokens.count
      const end = this.#word(text, base, i)
      if (this.tokens.kinds[before] === Token.identifier) {
        this.tokens.starts[before] = base + start
        return end
      }
      this.tokens.count = before
    }
    const value = Number(text.slice(start, text.charCodeAt(i - 1) === 0x2e ? i - 1 : i))
    if (!isReal && value > MAXINT && this.#longIntegers && i - start <= MAX_LONG_DIGITS) {
      this.tokens.pushLiteral(Token.integer, span.pos, span.end, text.slice(start, i))
      return i
    }
    if (!isReal && value > MAXINT) this.#diagnostics.report('integer-size', span, [text.slice(start, i), MAXINT])
    if (value === Infinity) this.#diagnostics.report('real-size', span, [text.slice(start, i)])
    this.tokens.pushLiteral(isReal ? Token.real : Token.integer, span.pos, span.end, value)
    return i
  }

  /** `1.` and neither `1..2` nor `1.)`: a real number with nothing behind its point, unless the program ends so. */
  #endsInPoint(text: string, i: number): boolean {
    if (text.charCodeAt(i) !== 0x2e) return false
    const next = text.charCodeAt(i + 1)
    return next !== 0x2e && next !== 0x29
  }

  #string(text: string, base: number, start: number): number {
    let i = start + 1
    let value = ''
    let from = i
    let closed = false
    while (!closed) {
      const c = i < text.length ? text.charCodeAt(i) : 10
      if (c === 10 || c === 13) {
        this.#diagnostics.report('string-end', { pos: base + start, end: base + i })
        break
      }
      i++
      if (c !== 0x27) continue
      if (text.charCodeAt(i) === 0x27) {
        value += text.slice(from, i)
        from = ++i
      } else {
        closed = true
      }
    }
    value += text.slice(from, closed ? i - 1 : i)
    // Characters beyond ASCII are the bytes of their UTF-8: a char of Pascal is one byte.
    if (BEYOND_ASCII.test(value)) value = String.fromCharCode(...utf8Bytes(value))
    const span = { pos: base + start, end: base + i }
    if (closed && value === '' && !this.#emptyStrings) this.#diagnostics.report('string-empty', span)
    this.tokens.pushLiteral(Token.string, span.pos, span.end, value)
    return i
  }

  #comment(text: string, base: number, start: number): number {
    const isBrace = text.charCodeAt(start) === 0x7b
    const body = isBrace ? start + 1 : start + 2
    let i = body
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c === 0x7d && (isBrace || !this.#ownCommentEnds)) break
      if (c === 0x2a && text.charCodeAt(i + 1) === 0x29 && !(isBrace && this.#ownCommentEnds)) break
    }
    if (i >= text.length) {
      this.#diagnostics.report('comment-end', { pos: base + start, end: base + body })
      this.tokens.isCut = true
      return text.length
    }
    const end = i + (text.charCodeAt(i) === 0x7d ? 1 : 2)
    this.tokens.pushComment(base + start, base + end)
    if (this.#ioSwitches) this.#switch(this.#ioSwitches, text.slice(body, i), base + end)
    const named = this.#include && /^\$I\s+(\S.*?)\s*$/i.exec(text.slice(body, i))?.[1]
    const file = this.#include && /^\$U\s+(\S.*?)\s*$/i.exec(text.slice(body, i))?.[1]
    if (file !== undefined) this.tokens.unitFiles.push({ at: this.tokens.count, file })
    if (named !== undefined) this.#takeIn(named, { pos: base + start, end: base + end })
    return end
  }

  /** `{$I-}`, `{$S+,I+}`: from here on. */
  #switch(switches: IoSwitches, comment: string, pos: number): void {
    if (!comment.startsWith('$')) return
    for (const option of comment.slice(1).split(',')) {
      const sign = /^\s*I\s*([+-])/i.exec(option)?.[1]
      if (sign === undefined) continue
      switches.isOn = sign === '+'
      switches.note(pos)
    }
  }

  /** Scans another file where it is named. */
  #takeIn(name: string, span: Span): void {
    if (this.#includeDepth === MAX_INCLUDES) {
      this.#diagnostics.report('include-depth', span, [MAX_INCLUDES])
      return
    }
    const source = this.#include?.(name)
    if (source === undefined) {
      this.#diagnostics.report('include-missing', span, [name])
      return
    }
    this.#includeDepth++
    this.#scanText(source)
    this.#ioSwitches?.note(span.end)
    this.#includeDepth--
  }

  /** Symbols of other languages: taken for what they mean there, with a report. */
  #foreign(text: string, base: number, i: number): number {
    if (text.charCodeAt(i) === 0x22 /* " */) {
      const end = text.indexOf('"', i + 1)
      const line = text.indexOf('\n', i)
      if (end < 0 || (line >= 0 && line < end)) return i
      const value = text.slice(i + 1, end)
      const span = { pos: base + i, end: base + end + 1 }
      this.#diagnostics.report('string-quotes', span, [`'${value.replaceAll("'", "''")}'`])
      this.tokens.pushLiteral(Token.string, span.pos, span.end, value)
      return end + 1
    }
    for (const [symbol, meant, kind] of FOREIGN) {
      if (!text.startsWith(symbol, i)) continue
      this.#diagnostics.report('foreign-symbol', { pos: base + i, end: base + i + symbol.length }, [
        `'${symbol}'`,
        meant,
      ])
      this.tokens.push(kind, base + i, base + i + symbol.length, 0)
      return i + symbol.length
    }
    return i
  }

  #lineComment(text: string, base: number, start: number): number {
    const line = text.indexOf('\n', start)
    const end = line < 0 ? text.length : line
    this.#diagnostics.report('line-comment', { pos: base + start, end: base + end })
    return end
  }

  #symbol(text: string, base: number, i: number, c: number): number {
    const next = text.charCodeAt(i + 1)
    const push = (kind: number, length: number): number => {
      this.tokens.push(kind, base + i, base + i + length, 0)
      return i + length
    }
    if (c === 0x3a) return next === 0x3d ? push(Token.becomes, 2) : push(Token.colon, 1)
    if (c === 0x2e) {
      if (next === 0x2e) return push(Token.range, 2)
      return next === 0x29 ? push(Token.rightBracket, 2) : push(Token.period, 1)
    }
    if (c === 0x28) return next === 0x2e ? push(Token.leftBracket, 2) : push(Token.leftParen, 1)
    if (c === 0x3c) {
      if (next === 0x3e) return push(Token.notEqual, 2)
      return next === 0x3d ? push(Token.lessEqual, 2) : push(Token.less, 1)
    }
    if (c === 0x3e) return next === 0x3d ? push(Token.greaterEqual, 2) : push(Token.greater, 1)
    // The standard's arrow itself (§6.1.9 names ↑ as the reference form).
    if (c === 0x2191) return push(Token.arrow, 1)
    const foreign = this.#foreign(text, base, i)
    if (foreign > i) return foreign
    const width = c >= 0xd800 && c < 0xdc00 ? 2 : 1
    const shown = c < 32 ? `the character ${c}` : `'${text.slice(i, i + width)}'`
    this.#diagnostics.report('character', { pos: base + i, end: base + i + width }, [shown])
    return i + width
  }
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57
}

function isLetter(c: number): boolean {
  return c < 128 && CLASS[c] === LETTER
}
