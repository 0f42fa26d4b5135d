import { DoppelError } from '@doppel/base'

const NUMBER = /^[+-]?\d+$/

/** Reads one line of textual p-code word by word; throws `pcode.syntax` with the line's number. */
export class LineReader {
  readonly number: number
  readonly #text: string
  #at = 0

  constructor(text: string, number: number) {
    this.#text = text
    this.number = number
  }
  get atEnd(): boolean {
    this.skipSpaces()
    return this.#at >= this.#text.length
  }
  skipSpaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++
  }
  /** The character here, '' at the end. */
  get ahead(): string {
    return this.#text[this.#at] ?? ''
  }
  /** Takes this character if it is here. */
  accept(character: string): boolean {
    if (this.ahead !== character) return false
    this.#at++
    return true
  }
  /** Takes the character here, or so many. */
  take(count = 1): string {
    const taken = this.#text.slice(this.#at, this.#at + count)
    if (taken.length < count) this.fail(count === 1 ? 'a character' : `${count} characters`)
    this.#at += count
    return taken
  }
  /** Takes letters. */
  name(): string {
    this.skipSpaces()
    const from = this.#at
    while (/[a-z]/.test(this.ahead)) this.#at++
    if (this.#at === from) this.fail('a name')
    return this.#text.slice(from, this.#at)
  }
  /** Takes what stands up to the next space. */
  word(): string {
    this.skipSpaces()
    const from = this.#at
    while (this.#at < this.#text.length && this.ahead !== ' ') this.#at++
    return this.#text.slice(from, this.#at)
  }
  /** Takes an integer. */
  integer(): number {
    this.skipSpaces()
    const from = this.#at
    if (this.ahead === '-' || this.ahead === '+') this.#at++
    while (this.ahead >= '0' && this.ahead <= '9') this.#at++
    const text = this.#text.slice(from, this.#at)
    const value = Number(text)
    if (!NUMBER.test(text) || value > 0x7fff_ffff || value < -0x8000_0000) this.fail('an integer of 32 bits')
    return value
  }
  real(): number {
    const value = Number(this.word())
    if (!Number.isFinite(value)) this.fail('a real')
    return value
  }
  /** Takes a label: the letter l and a number. */
  label(): number {
    this.skipSpaces()
    if (!this.accept('l')) this.fail('a label')
    return this.integer()
  }
  /** Takes a string in quotes; a quote in it is written twice. */
  string(): string {
    this.skipSpaces()
    if (!this.accept("'")) this.fail('a string')
    let text = ''
    for (;;) {
      if (this.#at >= this.#text.length) this.fail("a quote at the string's end")
      const character = this.ahead
      this.#at++
      if (character !== "'") text += character
      else if (!this.accept("'")) return text
      else text += "'"
    }
  }
  fail(expected: string): never {
    throw new DoppelError(
      'pcode.syntax',
      `p-code, line ${this.number}, column ${this.#at + 1}: expected ${expected}: ${this.#text.slice(0, 80)}`,
      { line: this.number, column: this.#at + 1 },
    )
  }
}
