import { DoppelError } from '@doppel/base'
import { JdwpError } from './errors.ts'

/** What both sides say first (JDWP, “JDWP Start Up”). */
export const HANDSHAKE = 'JDWP-Handshake'
const HEADER_BYTES = 11
/** Bytes of a packet at most: values and class data asked for in one command come nowhere near. */
const MAX_PACKET_BYTES = 1 << 20
/** A string or list that a command brings may be this long. */
export const MAX_ITEMS = 65_536

/** A command as it comes in. */
export interface Command {
  readonly id: number
  readonly set: number
  readonly command: number
  readonly data: Uint8Array
}

/** Reads a command’s data; past its end is ILLEGAL_ARGUMENT. */
export class PacketReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  #take(count: number): number {
    if (this.#at + count > this.#bytes.length) throw new JdwpError('ILLEGAL_ARGUMENT')
    this.#at += count
    return this.#at - count
  }
  u1(): number {
    return this.#view.getUint8(this.#take(1))
  }
  boolean(): boolean {
    return this.u1() !== 0
  }
  i2(): number {
    return this.#view.getInt16(this.#take(2))
  }
  i4(): number {
    return this.#view.getInt32(this.#take(4))
  }
  i8(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }
  f4(): number {
    return this.#view.getFloat32(this.#take(4))
  }
  f8(): number {
    return this.#view.getFloat64(this.#take(8))
  }
  /** Identifiers of all kinds: eight bytes, of which numbers up to 2^53 are given out. */
  id(): number {
    return Number(this.#view.getBigUint64(this.#take(8)))
  }
  /** How many items follow. */
  count(): number {
    const count = this.i4()
    if (count < 0 || count > MAX_ITEMS) throw new JdwpError('ILLEGAL_ARGUMENT')
    return count
  }
  string(): string {
    const count = this.count()
    const at = this.#take(count)
    return new TextDecoder().decode(this.#bytes.subarray(at, at + count))
  }
}

/** Writes a reply’s or an event’s data. */
export class PacketWriter {
  #bytes = new Uint8Array(256)
  #view = new DataView(this.#bytes.buffer)
  #length = HEADER_BYTES

  #room(count: number): number {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    this.#length += count
    return this.#length - count
  }
  u1(value: number): this {
    const at = this.#room(1)
    this.#view.setUint8(at, value)
    return this
  }
  boolean(value: boolean): this {
    return this.u1(value ? 1 : 0)
  }
  i2(value: number): this {
    const at = this.#room(2)
    this.#view.setInt16(at, value)
    return this
  }
  i4(value: number): this {
    const at = this.#room(4)
    this.#view.setInt32(at, value)
    return this
  }
  i8(value: bigint): this {
    const at = this.#room(8)
    this.#view.setBigInt64(at, value)
    return this
  }
  f4(value: number): this {
    const at = this.#room(4)
    this.#view.setFloat32(at, value)
    return this
  }
  f8(value: number): this {
    const at = this.#room(8)
    this.#view.setFloat64(at, value)
    return this
  }
  id(value: number): this {
    return this.i8(BigInt(value))
  }
  bytes(value: Uint8Array): this {
    const at = this.#room(value.length)
    this.#bytes.set(value, at)
    return this
  }
  string(value: string): this {
    const bytes = new TextEncoder().encode(value)
    return this.i4(bytes.length).bytes(bytes)
  }
  /** A list: its length, then each item. */
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.i4(items.length)
    for (const item of items) write(item)
    return this
  }
  #packet(id: number, flags: number, high: number, low: number): Uint8Array {
    this.#view.setUint32(0, this.#length)
    this.#view.setUint32(4, id)
    this.#view.setUint8(8, flags)
    this.#view.setUint8(9, high)
    this.#view.setUint8(10, low)
    return this.#bytes.slice(0, this.#length)
  }
  /** The reply to the command with this number; one with an error has no data. */
  reply(id: number, error = 0): Uint8Array {
    if (error !== 0) this.#length = HEADER_BYTES
    return this.#packet(id, 0x80, error >> 8, error & 255)
  }
  /** A command of our own. */
  command(id: number, set: number, command: number): Uint8Array {
    return this.#packet(id, 0, set, command)
  }
}

/** Cuts what a debugger sends into packets. */
export class Framer {
  #held = new Uint8Array(0)
  #shaken = false

  /**
   * The commands that these bytes complete, and whether the handshake is among them. Throws `jdwp.stream` for what is no
   * JDWP, after which nothing more can be understood.
   */
  push(bytes: Uint8Array): { readonly commands: readonly Command[]; readonly greeted: boolean } {
    const all = new Uint8Array(this.#held.length + bytes.length)
    all.set(this.#held)
    all.set(bytes, this.#held.length)
    let at = 0
    let greeted = false
    if (!this.#shaken) {
      const start = Math.min(all.length, HANDSHAKE.length)
      for (let i = 0; i < start; i++)
        if (all[i] !== HANDSHAKE.charCodeAt(i)) throw bad('it does not begin with the handshake')
      if (all.length >= HANDSHAKE.length) {
        greeted = this.#shaken = true
        at = HANDSHAKE.length
      }
    }
    const commands: Command[] = []
    const view = new DataView(all.buffer)
    while (this.#shaken && all.length - at >= HEADER_BYTES) {
      const length = view.getUint32(at)
      if (length < HEADER_BYTES || length > MAX_PACKET_BYTES) throw bad(`a packet of ${length} bytes`)
      if (all.length - at < length) break
      // Replies, to events, say nothing.
      if ((view.getUint8(at + 8) & 0x80) === 0) {
        commands.push({
          id: view.getUint32(at + 4),
          set: view.getUint8(at + 9),
          command: view.getUint8(at + 10),
          data: all.subarray(at + HEADER_BYTES, at + length),
        })
      }
      at += length
    }
    this.#held = all.slice(at)
    return { commands, greeted }
  }
}

function bad(why: string): DoppelError {
  return new DoppelError('jdwp.stream', `the debugger's connection is not JDWP: ${why}`)
}
