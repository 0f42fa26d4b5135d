import type { FilePort, InputStream, OutputStream } from './ports.ts'
import { Problem } from './problem.ts'
import type { CloseOption, TitledFile } from './titled-file.ts'

/** What a look ahead finds besides a byte. */
export const END_OF_FILE = -1
const NEEDS_INPUT = -2

const LINE_FEED = 10
const RETURN = 13
const SPACE = 32
/** Output is handed on in pieces of this size, or when the program waits for input or ends. */
const OUTPUT_PIECE_BYTES = 1 << 14
/** What a text with a title is read in. */
const TITLED_PIECE_BYTES = 1 << 16
const NO_BYTES = new Uint8Array(0)

/** Bytes kept by the machine itself: a file that is no program parameter, or is empty yet. */
class MemoryFile {
  readonly pieces: Uint8Array[] = []
  /** It has a value: it was written, if only as an empty file. */
  isDefined = false
  input(): InputStream {
    let at = 0
    return { read: () => this.pieces[at++] }
  }
  output(): OutputStream {
    this.isDefined = true
    this.pieces.length = 0
    return { write: bytes => void this.pieces.push(bytes.slice()) }
  }
}

/** One file variable's file (ISO 7185 6.4.3.5): a text or a sequence of components, written or read from its start. */
export class PascalFile {
  readonly name: string
  state: 'closed' | 'reading' | 'writing' = 'closed'
  /** True when the buffer variable holds a component that is not taken or put yet. */
  buffered = false
  /** Transfers, and openings: what moves the file to another place. */
  moves = 0
  /** How the file is to be opened when it is first used. */
  opensAs: 'reading' | 'writing' | undefined
  /** The contents where it was opened by a title and is no text. */
  titled: TitledFile | undefined
  #contents: TitledFile | undefined
  readonly #port: FilePort | undefined
  readonly #memory = new MemoryFile()
  #input: InputStream | undefined
  #output: OutputStream | undefined
  #bytes: Uint8Array = NO_BYTES
  #at = 0
  #ended = false
  /** True when the last byte taken of a text did not end a line, so that its end must be made up. */
  #openLine = false
  readonly #piece = new Uint8Array(OUTPUT_PIECE_BYTES)
  #pieceLength = 0

  /** A file behind a port, or without one a file of the machine's own. */
  constructor(name: string, port?: FilePort) {
    this.name = name
    this.#port = port
  }

  /** Opens a file that is open from the start; now, so that one which is never used need not be there. */
  openFirst(): void {
    if (this.opensAs === 'reading') this.reset()
    else this.rewrite()
  }
  /** Whether it is open by a title. */
  get isTitled(): boolean {
    return this.#contents !== undefined
  }
  /** Opens by a title: a text as a stream of characters, another file for both reading and writing. */
  openTitled(contents: TitledFile, isNew: boolean, isText: boolean): void {
    this.moves++
    this.#contents = contents
    if (!isText) this.titled = contents
    else if (isNew) this.#output = { write: bytes => contents.write(bytes) }
    else
      this.#read({
        read: () => (contents.at < contents.contents.length ? contents.read(TITLED_PIECE_BYTES) : undefined),
      })
    this.state = isNew ? 'writing' : 'reading'
  }
  #read(input: InputStream): void {
    this.#input = input
    this.#bytes = NO_BYTES
    this.#at = 0
    this.#ended = false
    this.#openLine = false
  }

  /** Opens for reading from the beginning. */
  reset(): void {
    this.moves++
    this.opensAs = undefined
    if (this.#contents && this.state !== 'closed') {
      this.#again(this.#contents)
      return
    }
    this.close()
    if (!this.#port && !this.#memory.isDefined) throw new Problem('fileUndefined')
    const input = this.#port ? this.#port.reset(this.name) : this.#memory.input()
    if (!input) throw new Problem('noFile')
    this.#read(input)
    this.state = 'reading'
  }
  /** Goes to the beginning of a file that was opened by a title. */
  #again(contents: TitledFile): void {
    this.flush()
    contents.seek(0)
    this.openTitled(contents, false, this.titled === undefined)
  }
  /** Opens for writing, empty. */
  rewrite(): void {
    this.moves++
    this.opensAs = undefined
    this.close()
    this.#output = this.#port ? this.#port.rewrite(this.name) : this.#memory.output()
    this.state = 'writing'
  }
  /** Hands on what is written and closes; does nothing when it is closed. */
  close(option: CloseOption = 'normal'): void {
    this.flush()
    const contents = this.#contents
    this.#contents = undefined
    this.titled = undefined
    this.#input?.close?.()
    this.#output?.close?.()
    this.#input = undefined
    this.#output = undefined
    this.buffered = false
    this.state = 'closed'
    contents?.close(option)
  }
  flush(): void {
    if (this.#pieceLength === 0) return
    this.#output?.write(this.#piece.slice(0, this.#pieceLength))
    this.#pieceLength = 0
  }

  writeByte(byte: number): void {
    if (this.#pieceLength === OUTPUT_PIECE_BYTES) this.flush()
    this.#piece[this.#pieceLength++] = byte
  }
  writeBytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.writeByte(byte)
  }

  #byteAhead(): number {
    if (this.#at < this.#bytes.length) return this.#bytes[this.#at] as number
    return this.#ended ? END_OF_FILE : NEEDS_INPUT
  }
  /** Waits, if it must, until a byte or the end lies ahead. */
  *filled(): Generator<Promise<void>, number> {
    for (;;) {
      const byte = this.#byteAhead()
      if (byte !== NEEDS_INPUT) return byte
      const got = this.#input?.read()
      if (got instanceof Promise) yield got.then(bytes => this.#take(bytes))
      else this.#take(got)
    }
  }
  #take(bytes: Uint8Array | undefined): void {
    this.#at = 0
    this.#bytes = bytes ?? NO_BYTES
    this.#ended = bytes === undefined
  }
  /** Takes one byte, which lies ahead. */
  takeByte(): void {
    this.#at++
  }

  // Texts: lines of characters. What ends a line is seen as a space.

  /** The character ahead, END_OF_FILE, or LINE_FEED for the end of a line. */
  *ahead(): Generator<Promise<void>, number> {
    const byte = yield* this.filled()
    if (byte === RETURN) {
      // A return counts as part of the line's end only before a line feed.
      if (this.#bytes[this.#at + 1] === LINE_FEED) {
        this.#at++
        return LINE_FEED
      }
      return byte
    }
    return byte === END_OF_FILE && this.#openLine ? LINE_FEED : byte
  }
  /** Goes past the character ahead. */
  *advance(): Generator<Promise<void>, void> {
    const byte = yield* this.ahead()
    if (byte === END_OF_FILE) throw new Problem('endOfFile')
    this.#openLine = byte !== LINE_FEED
    if (this.#byteAhead() !== END_OF_FILE) this.#at++
  }
  /** Takes the character ahead; the end of a line is a space (6.4.3.5). */
  *take(): Generator<Promise<void>, number> {
    const byte = yield* this.ahead()
    yield* this.advance()
    return byte === LINE_FEED ? SPACE : byte
  }
}

/** What stands for the end of a line in `PascalFile.ahead`. */
export const END_OF_LINE: number = LINE_FEED
