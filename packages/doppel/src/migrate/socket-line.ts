import type { Socket } from 'node:net'
import type { MigrationLine } from '@doppel/monitor'

/** Written and not yet sent: more makes the writer wait. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024
/** Come and not yet taken: more makes the other end wait. */
const MAX_UNTAKEN_BYTES = 4 * 1024 * 1024

/** A connected socket as a line to another monitor. */
export class SocketLine implements MigrationLine {
  readonly #socket: Socket
  readonly #came: Uint8Array[] = []
  #cameBytes = 0
  #isOver = false
  #wakeReader: () => void = () => undefined
  #wakeWriter: () => void = () => undefined
  /** Resolves when the other end is gone. */
  readonly over: Promise<void>

  constructor(socket: Socket) {
    this.#socket = socket
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    const end = (): void => {
      this.#isOver = true
      this.#wakeReader()
      this.#wakeWriter()
      resolve()
    }
    socket.on('error', end)
    socket.on('end', end)
    socket.on('close', end)
    socket.on('drain', () => this.#wakeWriter())
    socket.on('data', (bytes: Uint8Array) => {
      this.#came.push(bytes)
      this.#cameBytes += bytes.length
      if (this.#cameBytes > MAX_UNTAKEN_BYTES) socket.pause()
      this.#wakeReader()
    })
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) throw new Error('the other end is gone')
    this.#socket.write(bytes)
    while (!this.#isOver && this.#socket.writableLength > MAX_UNSENT_BYTES) {
      await new Promise<void>(resolve => (this.#wakeWriter = resolve))
    }
  }
  async read(): Promise<Uint8Array | undefined> {
    while (this.#came.length === 0 && !this.#isOver) await new Promise<void>(resolve => (this.#wakeReader = resolve))
    const bytes = this.#came.shift()
    this.#cameBytes -= bytes?.length ?? 0
    if (this.#cameBytes <= MAX_UNTAKEN_BYTES) this.#socket.resume()
    return bytes
  }
  /** Ends it from this side, after what was written. */
  close(): void {
    this.#socket.end()
    // One that is gone already has nothing more to say.
    this.#socket.unref()
  }
}
