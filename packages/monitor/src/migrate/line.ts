import { DoppelError } from '@doppel/base'

/** An ordered, two-way stream of bytes to another monitor. */
export interface MigrationLine {
  /** Resolves when there is room for more. Rejects once the other end is gone. */
  write(bytes: Uint8Array): Promise<void>
  /** The next bytes, as they come; undefined when the other end is gone. */
  read(): Promise<Uint8Array | undefined>
}

/** What migration needs of its host. */
export interface MigrationHost {
  /** CRC-32 (ISO 3309) of bytes that follow others whose sum is `seed`. */
  checksum(bytes: Uint8Array, seed: number): number
  /** Resolves after so long; `cancel` ends the wait for good. */
  after(ms: number): { readonly done: Promise<void>; cancel(): void }
  /** Milliseconds from any fixed moment. */
  nowMs(): number
}

/** What passes, in the order of a move that goes well. */
export const Message = {
  /** Source: which machine this is. */
  hello: 1,
  /** Target: it takes such machines. */
  welcome: 2,
  /** Source: pages of memory or a disk; newer ones replace older ones. */
  pages: 3,
  /** Source: a round is over; target: all of it has come. */
  round: 4,
  /** Source, standing still from now on: everything that has no pages. */
  state: 5,
  /** Target: the machine is built, and waits. */
  ready: 6,
  /** Source: it is yours; from here on the source does not run it of its own accord. */
  commit: 7,
  /** Target: it runs here. */
  committed: 8,
  /** Either: no, and why. */
  failed: 9,
} as const
type MessageType = (typeof Message)[keyof typeof Message]

/** u8 type, three zeros, u32 length of the payload, u32 checksum of all this and the payload; big-endian. */
const HEADER_BYTES = 12
const CHECKED_BYTES = 8
/** Consoles and channels may hold what nobody has read: about 14 MiB at most. */
const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024
const MAX_REASON_CHARACTERS = 2000

/** One message: its type, and its bytes. */
interface Received {
  readonly type: number
  readonly bytes: Uint8Array
}

/** One end of a migration: messages over a line, each with a checksum, none waited for longer than `timeoutMs`. */
export class Peer {
  readonly #line: MigrationLine
  readonly #host: MigrationHost
  readonly #timeoutMs: number
  #rest: Uint8Array = new Uint8Array(0)
  #sentBytes = 0

  constructor(line: MigrationLine, host: MigrationHost, timeoutMs: number) {
    this.#line = line
    this.#host = host
    this.#timeoutMs = timeoutMs
  }
  /** Bytes sent so far. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  /** Sends a message, its payload in parts. Throws `migrate.cut`, `migrate.timeout`. */
  async say(type: MessageType, ...parts: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0)
    const whole = new Uint8Array(HEADER_BYTES + lengthBytes)
    const view = new DataView(whole.buffer)
    view.setUint8(0, type)
    view.setUint32(4, lengthBytes)
    let at = HEADER_BYTES
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    view.setUint32(CHECKED_BYTES, this.#sum(whole.subarray(0, CHECKED_BYTES), whole.subarray(HEADER_BYTES)))
    this.#sentBytes += whole.length
    await this.#inTime(
      this.#line.write(whole).catch((error: unknown) => {
        throw cut(error)
      }),
    )
  }
  /** Says why this end gives up; a line that is gone needs no reason. */
  async fail(error: unknown): Promise<void> {
    const isKnown = error instanceof DoppelError
    const reason = { code: isKnown ? error.code : 'internal', message: error instanceof Error ? error.message : '' }
    await this.say(Message.failed, new TextEncoder().encode(JSON.stringify(reason))).catch(() => undefined)
  }

  /**
   * The next message, of one of these types. Throws `migrate.cut`, `migrate.timeout`, `migrate.damaged`,
   * `migrate.format`, and what the other end failed with.
   */
  async hear(...expected: readonly MessageType[]): Promise<Received> {
    const header = await this.#exactly(HEADER_BYTES)
    const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES)
    const [type, lengthBytes] = [view.getUint8(0), view.getUint32(4)]
    const isKnown = Object.values<number>(Message).includes(type)
    if (!isKnown || (view.getUint32(0) & 0xff_ffff) !== 0 || lengthBytes > MAX_PAYLOAD_BYTES) {
      throw new DoppelError('migrate.format', 'what came is no message of a migration; is the other end a doppel?')
    }
    const bytes = await this.#exactly(lengthBytes)
    if (this.#sum(header.subarray(0, CHECKED_BYTES), bytes) !== view.getUint32(CHECKED_BYTES)) {
      throw new DoppelError('migrate.damaged', 'a message was damaged on its way: its checksum is wrong')
    }
    if (type === Message.failed) throw reasonOf(bytes)
    if ((expected as readonly number[]).includes(type)) return { type, bytes }
    throw new DoppelError('migrate.format', `the other end sent message ${type}; expected ${expected.join(' or ')}`)
  }

  #sum(header: Uint8Array, payload: Uint8Array): number {
    return this.#host.checksum(payload, this.#host.checksum(header, 0)) >>> 0
  }
  async #exactly(lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes)
    for (let at = 0; at < lengthBytes; ) {
      if (this.#rest.length === 0) {
        const more = await this.#inTime(this.#line.read())
        if (!more) throw cut()
        this.#rest = more
      }
      const piece = this.#rest.subarray(0, lengthBytes - at)
      bytes.set(piece, at)
      at += piece.length
      this.#rest = this.#rest.subarray(piece.length)
    }
    return bytes
  }
  async #inTime<T>(what: Promise<T>): Promise<T> {
    const limit = this.#host.after(this.#timeoutMs)
    const late = limit.done.then(() => {
      throw new DoppelError('migrate.timeout', `the other end has not answered for ${this.#timeoutMs} ms`)
    })
    try {
      return await Promise.race([what, late])
    } finally {
      limit.cancel()
    }
  }
}

function cut(cause?: unknown): DoppelError {
  return new DoppelError('migrate.cut', 'the connection to the other end was cut', {}, cause)
}

/** Text of a stranger's: only a plain code and so many characters of it are taken over. */
function reasonOf(bytes: Uint8Array): DoppelError {
  let code: unknown
  let message: unknown
  try {
    ;({ code, message } = JSON.parse(new TextDecoder().decode(bytes)) as { code?: unknown; message?: unknown })
  } catch {
    // Told as a failure without a reason.
  }
  const isCode = typeof code === 'string' && /^[a-z]+(\.[a-z0-9-]+)*$/.test(code)
  const reason = typeof message === 'string' ? message.slice(0, MAX_REASON_CHARACTERS) : 'no reason given'
  return new DoppelError(isCode ? (code as string) : 'migrate.refused', `the other end: ${reason}`)
}
