import type { Driver } from './virtio-driver.ts'

const REQUEST_QUEUE = 1
const HIPRIO_QUEUE = 0
const ROOM_BYTES = 4096

/** FUSE opcodes that tests send. */
export const Op = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  GETXATTR: 22,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  ACCESS: 34,
  CREATE: 35,
  DESTROY: 38,
  BATCH_FORGET: 42,
  READDIRPLUS: 44,
  RENAME2: 45,
} as const

/** A field of a request: a 32-bit word, a 64-bit one (bigint), a NUL-terminated string, or bytes. */
export type Part = number | bigint | string | Uint8Array

export interface Reply {
  /** 0 or a positive error number. */
  readonly errno: number
  readonly body: DataView
}

export interface Found {
  readonly errno: number
  readonly node: number
  readonly mode: number
  readonly size: number
}

function encode(parts: readonly Part[]): Uint8Array {
  const bytes: number[] = []
  for (const part of parts) {
    if (typeof part === 'string') {
      bytes.push(...new TextEncoder().encode(part), 0)
    } else if (part instanceof Uint8Array) {
      for (const byte of part) bytes.push(byte)
    } else {
      const width = typeof part === 'bigint' ? 8 : 4
      for (let i = 0; i < width; i++) bytes.push(Number((BigInt(part) >> BigInt(8 * i)) & 0xffn))
    }
  }
  return Uint8Array.from(bytes)
}

/** One message with its header. */
export function fuseMessage(opcode: number, node: number, parts: readonly Part[], unique = 1n): Uint8Array {
  const body = encode(parts)
  return encode([40 + body.length, opcode, unique, BigInt(node), 0, 0, 0, 0, body])
}

/** A guest's FUSE client over a virtio-fs device, sending what Linux would. */
export class FuseClient {
  readonly #driver: Driver
  #unique = 1n

  constructor(driver: Driver) {
    this.#driver = driver
  }

  async send(opcode: number, node: number, parts: readonly Part[] = [], roomBytes = ROOM_BYTES): Promise<Reply> {
    this.#unique += 2n
    const message = fuseMessage(opcode, node, parts, this.#unique)
    // Header and arguments apart, as Linux posts them.
    const answer = await this.#driver.request(REQUEST_QUEUE, [message.slice(0, 40), message.slice(40)], [16, roomBytes])
    const view = new DataView(answer.buffer)
    if (view.getUint32(0, true) !== answer.length) throw new Error('the reply’s length is wrong')
    if (view.getBigUint64(8, true) !== this.#unique) throw new Error('the reply is to another request')
    return { errno: 0 - view.getInt32(4, true), body: new DataView(answer.buffer, 16) }
  }

  /** Sends what is never answered. */
  async tell(opcode: number, node: number, parts: readonly Part[]): Promise<void> {
    await this.#driver.request(HIPRIO_QUEUE, [fuseMessage(opcode, node, parts)], [])
  }

  async init(): Promise<Reply> {
    return this.send(Op.INIT, 0, [7, 38, 131_072, 0xffff_ffff, 0, new Uint8Array(44)])
  }

  async entry(opcode: number, node: number, parts: readonly Part[]): Promise<Found> {
    const { errno, body } = await this.send(opcode, node, parts)
    if (errno !== 0) return { errno, node: 0, mode: 0, size: 0 }
    return {
      errno,
      node: Number(body.getBigUint64(0, true)),
      size: Number(body.getBigUint64(48, true)),
      mode: body.getUint32(100, true),
    }
  }

  lookup(parent: number, name: string): Promise<Found> {
    return this.entry(Op.LOOKUP, parent, [name])
  }

  /** Follows `a/b/c` from the root, name by name, as a guest does; never through a symbolic link. */
  async walk(path: string): Promise<Found> {
    let at: Found = { errno: 0, node: 1, mode: 0o40755, size: 0 }
    for (const name of path.split('/')) if (at.errno === 0) at = await this.lookup(at.node, name)
    return at
  }

  async open(node: number, flags = 0): Promise<{ errno: number; handle: bigint }> {
    const { errno, body } = await this.send(Op.OPEN, node, [flags, 0])
    return { errno, handle: errno === 0 ? body.getBigUint64(0, true) : 0n }
  }

  async create(parent: number, name: string, flags = 0o1102, mode = 0o644): Promise<Found & { handle: bigint }> {
    const { errno, body } = await this.send(Op.CREATE, parent, [flags, mode, 0o22, 0, name])
    if (errno !== 0) return { errno, node: 0, mode: 0, size: 0, handle: 0n }
    return {
      errno,
      node: Number(body.getBigUint64(0, true)),
      size: Number(body.getBigUint64(48, true)),
      mode: body.getUint32(100, true),
      handle: body.getBigUint64(128, true),
    }
  }

  async read(node: number, handle: bigint, offset: number, size: number): Promise<string | number> {
    const { errno, body } = await this.send(Op.READ, node, [handle, BigInt(offset), size, 0, 0n, 0, 0], size)
    return errno === 0 ? text(body) : errno
  }

  async write(node: number, handle: bigint, offset: number, data: string): Promise<number> {
    const bytes = new TextEncoder().encode(data)
    const parts = [handle, BigInt(offset), bytes.length, 0, 0n, 0, 0, bytes]
    const { errno, body } = await this.send(Op.WRITE, node, parts)
    return errno === 0 ? body.getUint32(0, true) : -errno
  }

  async readLink(node: number): Promise<string | number> {
    const { errno, body } = await this.send(Op.READLINK, node)
    return errno === 0 ? text(body) : errno
  }

  /** Every name of a directory, read in pieces of `roomBytes`. */
  async list(node: number, roomBytes = 256): Promise<string[]> {
    const opened = await this.send(Op.OPENDIR, node, [0, 0])
    if (opened.errno !== 0) throw new Error(`OPENDIR: errno ${opened.errno}`)
    const handle = opened.body.getBigUint64(0, true)
    const names: string[] = []
    for (let offset = 0n; ; ) {
      const { errno, body } = await this.send(Op.READDIR, node, [handle, offset, roomBytes, 0, 0n, 0, 0], roomBytes)
      if (errno !== 0) throw new Error(`READDIR: errno ${errno}`)
      if (body.byteLength === 0) break
      for (let at = 0; at < body.byteLength; ) {
        const length = body.getUint32(at + 16, true)
        names.push(text(new DataView(body.buffer, body.byteOffset + at + 24, length)))
        offset = body.getBigUint64(at + 8, true)
        at += (24 + length + 7) & ~7
      }
    }
    await this.send(Op.RELEASEDIR, node, [handle, 0, 0, 0n])
    return names
  }
}

export function text(view: DataView): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
}
