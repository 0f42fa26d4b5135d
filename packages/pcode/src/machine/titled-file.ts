import { Problem } from './problem.ts'
import { MAX_TITLED_BYTES, type Title, type TitlePort } from './titles.ts'

/** What becomes of a file when it is closed (UCSD Pascal, CLOSE). */
export const CLOSE_OPTIONS = ['normal', 'lock', 'purge', 'crunch'] as const
/** One of these. */
export type CloseOption = (typeof CLOSE_OPTIONS)[number]

/** The contents of an open file that has a title: read and written anywhere, handed to the host when it is closed. */
export class TitledFile {
  readonly #port: TitlePort
  readonly #title: Title
  /** It was made by rewrite, so that only a lock keeps it. */
  readonly #isNew: boolean
  #bytes: Uint8Array
  #length: number
  #hasChanged: boolean
  /** Where the next transfer begins. */
  at = 0
  /** Bytes of a component; 0 where blocks are transferred. */
  componentBytes = 0
  /** A transfer went beyond the end. */
  isOver = false

  /** Opens a file that is there, or makes one. Stops the program where the host has none, with an I/O result. */
  constructor(port: TitlePort, title: Title, isNew: boolean) {
    this.#port = port
    this.#title = title
    this.#isNew = isNew
    this.#hasChanged = isNew
    const found = isNew ? new Uint8Array() : port.read(title)
    if (typeof found === 'string') throw new Problem(found)
    if (found.length > MAX_TITLED_BYTES) throw new Problem('noRoom')
    this.#bytes = found
    this.#length = found.length
  }

  /** All that is in the file. */
  get contents(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
  /** Up to so many bytes from where the file is; goes beyond them. */
  read(bytes: number): Uint8Array {
    const piece = this.contents.subarray(this.at, this.at + bytes)
    this.at += piece.length
    return piece
  }
  /** Writes where the file is, and goes beyond it. */
  write(piece: Uint8Array): void {
    const end = this.at + piece.length
    if (end > MAX_TITLED_BYTES) throw new Problem('noRoom')
    if (end > this.#bytes.length || !this.#hasChanged) {
      // What the host gave is its own.
      const grown = new Uint8Array(Math.max(end, this.#length * 2))
      grown.set(this.contents)
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.at)
    this.#length = Math.max(this.#length, end)
    this.at = end
    this.#hasChanged = true
  }
  seek(at: number): void {
    if (at < 0 || at > MAX_TITLED_BYTES) throw new Problem('seekRange')
    this.at = at
    this.isOver = false
  }

  /** Ends it: a new file is kept where it is locked, one that was there unless it is purged; `crunch` cuts it where it is. */
  close(option: CloseOption): void {
    if (option === 'purge' && !this.#isNew) this.#told(this.#port.remove(this.#title))
    if (option === 'purge' || (option === 'normal' && this.#isNew)) return
    if (option === 'crunch') {
      this.#hasChanged ||= this.at < this.#length
      this.#length = Math.min(this.#length, this.at)
    }
    if (this.#hasChanged) this.#told(this.#port.write(this.#title, this.contents))
  }
  #told(fault: ReturnType<TitlePort['remove']>): void {
    if (fault !== undefined) throw new Problem(fault)
  }
}
