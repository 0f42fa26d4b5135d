import type { InputStream } from '../../machine/ports.ts'
import { CrtInfo } from '../syscom.ts'
import { translateInput } from './terminal-input.ts'
import { TerminalOutput } from './terminal-output.ts'

/** Where the console is: what is typed, piece by piece, and where output goes. */
export interface ConsolePort {
  readonly input: InputStream
  write(bytes: Uint8Array): void
  /** True for a terminal of ECMA-48 (xterm, VT100); plain text otherwise. */
  readonly isTerminal: boolean
}

/** Characters typed ahead beyond which no more is asked for. */
const MAX_AHEAD = 4096

/** What reading the console gives beside characters. */
export const NOTHING_YET = -1
export const END_OF_INPUT = -2

/** Units 1 and 2. */
export class Console {
  readonly #port: ConsolePort
  readonly #info: (offset: number) => number
  readonly #output: TerminalOutput
  #ahead: number[] = []
  #next = 0
  #asked: Promise<void> | undefined
  #hasEnded = false
  #broken = false
  #failure: unknown

  /** `control` and `info` give bytes of SYSCOM's CRTCTRL and CRTINFO. */
  constructor(port: ConsolePort, control: (offset: number) => number, info: (offset: number) => number) {
    this.#port = port
    this.#info = info
    this.#output = new TerminalOutput(port.isTerminal, control)
  }

  /** The next character typed, or `NOTHING_YET` or `END_OF_INPUT`. */
  read(): number {
    this.poll()
    if (this.available > 0) return this.#ahead[this.#next++] as number
    return this.#hasEnded ? END_OF_INPUT : NOTHING_YET
  }
  /** Characters that can be read at once. */
  get available(): number {
    return this.#ahead.length - this.#next
  }
  /** Resolves when there is more to read, or never will be. */
  async wait(): Promise<void> {
    this.poll()
    if (this.available === 0 && !this.#hasEnded) await this.#asked
    if (this.#failure !== undefined) throw this.#failure
  }
  /** Asks for more input where little is left. */
  poll(): void {
    if (this.available > MAX_AHEAD) return
    while (!this.#hasEnded && this.#asked === undefined && this.available <= MAX_AHEAD) {
      const piece = this.#port.input.read()
      if (piece instanceof Promise) {
        this.#asked = this.#take(piece)
        return
      }
      this.#accept(piece)
      if (this.available > 0) return
    }
  }
  async #take(promised: Promise<Uint8Array | undefined>): Promise<void> {
    try {
      this.#accept(await promised)
    } catch (error) {
      // Told to whoever waits: nobody may be listening yet.
      this.#failure = error
      this.#hasEnded = true
    }
    this.#asked = undefined
  }
  #accept(piece: Uint8Array | undefined): void {
    if (piece === undefined) {
      this.#hasEnded = true
      return
    }
    const characters = translateInput(piece, this.#info)
    const key = this.#info(CrtInfo.break)
    if (this.#port.isTerminal && characters.includes(key)) {
      this.#broken = true
      this.clear()
      return
    }
    this.#ahead = [...this.#ahead.slice(this.#next), ...characters]
    this.#next = 0
  }

  /** Whether the break key was pressed since the last time. */
  takeBreak(): boolean {
    const broken = this.#broken
    this.#broken = false
    return broken
  }
  /** Forgets what is typed ahead at a terminal; a pipe is no typing. */
  clear(): void {
    if (!this.#port.isTerminal) return
    this.#ahead = []
    this.#next = 0
  }
  write(characters: Iterable<number>, mode: number): void {
    let text = ''
    for (const character of characters) text += this.#output.translate(character, mode)
    if (text !== '') this.#port.write(Uint8Array.from(text, letter => letter.charCodeAt(0)))
  }
}
