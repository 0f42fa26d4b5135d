import type { CharPort } from '@doppel/base'
import { ControlReader, inputFrame, MAX_INPUT_FRAME_BYTES } from '@doppel/images'

/** Input held for a guest that does not read; beyond it our own stdin is paused. */
const MAX_QUEUED_BYTES = 4 * MAX_INPUT_FRAME_BYTES

/** The streams of one command in the `linux` image: see images' init-script.ts for the protocol. */
export class CommandChannels {
  /** The guest's ttyS0, hvc0 and hvc1. */
  readonly control: CharPort
  readonly output: CharPort
  readonly errors: CharPort
  /** The command's exit status once it is known. */
  status: number | undefined
  readonly #reader: ControlReader
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #ended = false
  #endSent = false
  /** How many frames the guest has room for. */
  #credit = 0
  #send: (bytes: Uint8Array) => void = () => undefined
  #reading = false
  readonly #isGiven: boolean

  /** `log` gets what the guest's kernel says; `input`, where given, is all that the command reads, in place of our own. */
  constructor(nonce: string, log: (text: string) => void, input?: Uint8Array) {
    this.#reader = new ControlReader(nonce)
    this.#isGiven = input !== undefined
    if (input) this.#take(input)
    this.#ended = input !== undefined
    const decoder = new TextDecoder()
    this.control = {
      write: bytes => {
        log(decoder.decode(bytes, { stream: true }))
        for (const event of this.#reader.feed(bytes)) {
          if (event.type === 'exit') this.status = event.status
          else this.#demand()
        }
      },
      onInput: () => undefined,
    }
    this.output = {
      write: bytes => void process.stdout.write(bytes.slice()),
      onInput: receive => {
        this.#send = receive
      },
    }
    this.errors = { write: bytes => void process.stderr.write(bytes.slice()), onInput: () => undefined }
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_INPUT_FRAME_BYTES) {
      this.#queue.push(bytes.slice(at, at + MAX_INPUT_FRAME_BYTES))
    }
    this.#queuedBytes += bytes.length
  }
  readonly #onData = (bytes: Uint8Array): void => {
    this.#take(bytes)
    if (this.#queuedBytes > MAX_QUEUED_BYTES) process.stdin.pause()
    this.#pump()
  }
  readonly #onEnd = (): void => {
    this.#ended = true
    this.#pump()
  }

  /** The guest wants a frame: the first time, begin to read our own input. */
  #demand(): void {
    this.#credit++
    if (!this.#reading && !this.#isGiven) {
      this.#reading = true
      process.stdin.on('data', this.#onData)
      process.stdin.on('end', this.#onEnd)
      process.stdin.on('error', this.#onEnd)
    }
    this.#pump()
  }

  #pump(): void {
    while (this.#credit > 0) {
      const next = this.#queue.shift()
      if (next === undefined && (!this.#ended || this.#endSent)) return
      this.#credit--
      this.#endSent = next === undefined
      this.#queuedBytes -= next?.length ?? 0
      this.#send(inputFrame(next ?? new Uint8Array(0)))
      if (this.#queuedBytes <= MAX_QUEUED_BYTES && this.#reading) process.stdin.resume()
    }
  }

  /** Stops reading our input, and waits until all output is out. */
  async close(): Promise<void> {
    if (this.#reading) {
      process.stdin.off('data', this.#onData)
      process.stdin.off('end', this.#onEnd)
      process.stdin.off('error', this.#onEnd)
      process.stdin.pause()
      process.stdin.unref?.()
    }
    for (const stream of [process.stdout, process.stderr]) {
      await new Promise<void>(done => stream.write('', () => done()))
    }
  }
}
