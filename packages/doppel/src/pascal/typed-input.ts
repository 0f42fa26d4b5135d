import type { InputStream } from '@doppel/pcode'

/** Bytes typed ahead of a program: a person cannot have meant more. */
export const MAX_TYPED_BYTES: number = 1 << 16

/** Input that comes as events, as a stream to be read. */
export class TypedInput implements InputStream {
  #pieces: Uint8Array[] = []
  #waitingBytes = 0
  #hasEnded = false
  #wake: ((piece: Uint8Array | undefined) => void) | undefined
  /** Called when all that came has been read. */
  readonly #wanting: () => void
  readonly #maxWaitingBytes: number

  /** Beyond `maxWaitingBytes` that nobody has read, more is dropped. */
  constructor(wanting: () => void, maxWaitingBytes: number) {
    this.#wanting = wanting
    this.#maxWaitingBytes = maxWaitingBytes
  }

  push(bytes: Uint8Array): void {
    if (this.#hasEnded || this.#waitingBytes + bytes.length > this.#maxWaitingBytes) return
    if (this.#answer(bytes.slice())) return
    this.#pieces.push(bytes.slice())
    this.#waitingBytes += bytes.length
  }
  /** Nothing more comes; what came already is still read. */
  end(): void {
    this.#hasEnded = true
    this.#answer(undefined)
  }
  /** Nothing more is read, not even what came already. */
  cut(): void {
    this.#pieces = []
    this.end()
  }
  #answer(piece: Uint8Array | undefined): boolean {
    const wake = this.#wake
    this.#wake = undefined
    wake?.(piece)
    return wake !== undefined
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift()
    if (piece !== undefined) {
      this.#waitingBytes -= piece.length
      return piece
    }
    if (this.#hasEnded) return undefined
    const promised = new Promise<Uint8Array | undefined>(resolve => {
      this.#wake = resolve
    })
    this.#wanting()
    return promised
  }
}
