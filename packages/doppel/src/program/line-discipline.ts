import { utf8Bytes } from '@doppel/base'

/** Where a terminal's line goes, and what it shows. */
export interface LineEnds {
  /** A line with its end; no bytes for the end of input. */
  line(bytes: Uint8Array): void
  /** What a terminal shows. */
  show(bytes: Uint8Array): void
  interrupt(): void
}

const [INTR, EOF, BACKSPACE, LF, CR, KILL, DEL] = [0x03, 0x04, 0x08, 0x0a, 0x0d, 0x15, 0x7f]
const [SPACE, TAB] = [0x20, 0x09]
/** As MAX_CANON of Linux's terminals. */
const MAX_LINE_BYTES = 4096

/**
 * What a terminal does between its keyboard and a program that reads lines, in canonical mode (POSIX.1-2017, 11.1.6 and
 * 11.1.9): echo, the characters INTR, EOF, ERASE and KILL, and CR for the end of a line.
 */
export class LineDiscipline {
  readonly #ends: LineEnds
  #line: number[] = []

  constructor(ends: LineEnds) {
    this.#ends = ends
  }

  /** Takes what is typed. */
  type(bytes: Uint8Array): void {
    for (const byte of bytes) this.#key(byte)
  }
  /** What a program writes, as a terminal shows it: each line begins at the left. */
  static shown(bytes: Uint8Array): Uint8Array {
    return Uint8Array.from([...bytes].flatMap(byte => (byte === LF ? [CR, LF] : [byte])))
  }

  #key(byte: number): void {
    if (byte === INTR) {
      this.#line = []
      this.#ends.show(utf8Bytes('^C\r\n'))
      this.#ends.interrupt()
    } else if (byte === EOF) this.#send()
    else if (byte === CR || byte === LF) {
      this.#line.push(LF)
      this.#ends.show(Uint8Array.of(CR, LF))
      this.#send()
    } else if (byte === DEL || byte === BACKSPACE) this.#erase()
    else if (byte === KILL) while (this.#line.length > 0) this.#erase()
    else if ((byte >= SPACE || byte === TAB) && this.#line.length < MAX_LINE_BYTES - 1) {
      this.#line.push(byte)
      this.#ends.show(Uint8Array.of(byte))
    }
  }
  #send(): void {
    this.#ends.line(Uint8Array.from(this.#line))
    this.#line = []
  }
  /** Takes back a character, which in UTF-8 may be several bytes. */
  #erase(): void {
    let byte = this.#line.pop()
    if (byte === undefined) return
    while (byte !== undefined && (byte & 0xc0) === 0x80) byte = this.#line.pop()
    this.#ends.show(Uint8Array.of(BACKSPACE, SPACE, BACKSPACE))
  }
}
