import { CrtControl } from '../syscom.ts'

/** Bits of the mode of UWRITE: leave out what is made of special characters, or of a carriage return. */
const NO_LINE_FEED = 4
const NO_SPECIAL = 8

const DLE = 16
const RS = 30
const CR = 13
const SPACE = 32
/** Control characters that mean the same to any terminal: bell, backspace, tab, line feed. */
const PLAIN = new Set([7, 8, 9, 10])

/** What a terminal of ECMA-48 (xterm, VT100) is told for a function of SYSCOM's CRTCTRL. */
const SEQUENCES: Readonly<Record<keyof typeof CrtControl, string>> = {
  escape: '',
  home: '\x1b[H',
  eraseToEndOfScreen: '\x1b[J',
  eraseToEndOfLine: '\x1b[K',
  right: '\x1b[C',
  up: '\x1b[A',
  backspace: '\b',
  clearLine: '\r\x1b[K',
  clearScreen: '\x1b[H\x1b[2J',
}
/** Functions after which a reader of plain text expects a new line. */
const BEGINS = new Set(['home', 'clearScreen', 'clearLine'])

const FUNCTIONS = Object.entries(CrtControl).filter(([name]) => name !== 'escape') as [
  keyof typeof CrtControl,
  number,
][]

/**
 * Translates what programs send to the console. They use the characters that SYSTEM.MISCINFO names, GOTOXY as II.0 comes
 * (RS, column, row) or as terminals with a lead-in have it (lead-in, `=` or `Y`, row, column), and DLE for leading blanks.
 */
export class TerminalOutput {
  readonly #ansi: boolean
  /** A byte of SYSCOM's CRTCTRL as it is now. */
  readonly #control: (offset: number) => number
  /** What has come of a sequence that is not complete. */
  #pending: number[] = []
  #column = 0

  /** For a terminal, or for plain text: then what moves the cursor is left out. */
  constructor(ansi: boolean, control: (offset: number) => number) {
    this.#ansi = ansi
    this.#control = control
  }

  /** What to write for one character of the program. */
  translate(character: number, mode: number): string {
    if (this.#pending.length > 0) return this.#go(character)
    if (character === CR) return this.#carriageReturn(mode)
    if ((mode & NO_SPECIAL) === 0 && (character === DLE || character === RS)) return this.#begin(character)
    if (character === this.#control(CrtControl.escape) && character !== 0) return this.#begin(character)
    if (character < SPACE || character === 127) return this.#function(character) ?? this.#plain(character)
    this.#column++
    return String.fromCharCode(character)
  }

  #begin(character: number): string {
    this.#pending.push(character)
    return ''
  }
  #carriageReturn(mode: number): string {
    this.#column = 0
    if ((mode & NO_LINE_FEED) !== 0) return this.#ansi ? '\r' : ''
    return this.#ansi ? '\r\n' : '\n'
  }
  #plain(character: number): string {
    if (!PLAIN.has(character)) return ''
    return this.#ansi || character >= 9 ? String.fromCharCode(character) : ''
  }
  #function(character: number): string | undefined {
    if (character === 0) return undefined
    const found = FUNCTIONS.find(([, offset]) => this.#control(offset) === character)
    if (found === undefined) return undefined
    if (this.#ansi) return SEQUENCES[found[0]]
    return BEGINS.has(found[0]) ? this.#newLine() : ''
  }
  #newLine(): string {
    if (this.#column === 0) return ''
    this.#column = 0
    return '\n'
  }

  /** One more character of a sequence. */
  #go(character: number): string {
    const [first = 0, second, third] = this.#pending
    if (first === DLE) {
      this.#pending = []
      const blanks = Math.max(0, character - SPACE)
      this.#column += blanks
      return ' '.repeat(blanks)
    }
    if (first === RS) {
      if (second === undefined) return this.#begin(character)
      return this.#moveTo(character, second)
    }
    if (second === undefined) {
      if (character === 0x3d || character === 0x59) return this.#begin(character)
      this.#pending = []
      const known = this.#function(character)
      return known ?? (this.#ansi ? String.fromCharCode(first, character) : '')
    }
    return third === undefined ? this.#begin(character) : this.#moveTo(third, character)
  }
  #moveTo(row: number, column: number): string {
    this.#pending = []
    if (!this.#ansi) return this.#newLine()
    return `\x1b[${Math.max(0, row - SPACE) + 1};${Math.max(0, column - SPACE) + 1}H`
  }
}
