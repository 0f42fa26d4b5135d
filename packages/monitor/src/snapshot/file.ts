import { decodeSaved, DoppelError, encodeSaved, PAGE_BYTES, type Saved } from '@doppel/base'
import type { PageSource } from './pages.ts'

/** What the format needs of its host. */
export interface SnapshotHost {
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array
  compress(bytes: Uint8Array): Uint8Array
  /** The bytes that were compressed, at most `limitBytes`; throws for what is no compressed data. */
  decompress(bytes: Uint8Array, limitBytes: number): Uint8Array
}

/** A snapshot file to read from; reading waits, since a page is read when a guest's instruction needs it. */
export interface SnapshotBytes {
  readonly name: string
  readonly sizeBytes: number
  /** Exactly this range, which lies inside. */
  read(offset: number, lengthBytes: number): Uint8Array
}

/*
 * A file is: the magic line; blocks of pages, compressed; the index, compressed; a trailer of fixed length. The index has
 * a checksum of each block and the trailer one of the index, so every byte that is used has been checked.
 */
const MAGIC = 'doppel snapshot\n'
const VERSION = 1
/** u32 version, u64 offset and u64 length of the index, SHA-256 of it, the magic line once more. */
const TRAILER_BYTES = 4 + 8 + 8 + 32 + MAGIC.length
const PAGES_PER_BLOCK = 32
const MAX_INDEX_BYTES = 1 << 28
/** Blocks kept unpacked: neighbours are often touched one after another. */
const KEPT_BLOCKS = 128

interface Block {
  readonly offset: number
  readonly lengthBytes: number
  readonly hash: Uint8Array
  readonly pages: readonly number[]
}
interface Index {
  readonly pageCount: number
  readonly machine: Saved
  readonly blocks: readonly Block[]
}

/** Writes a snapshot, piece by piece in order; `machine` is everything but memory. */
export async function writeSnapshot(
  parts: { readonly machine: Saved; readonly pageCount: number; readonly pages: PageSource },
  host: SnapshotHost,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const magic = new TextEncoder().encode(MAGIC)
  let offset = 0
  const put = async (bytes: Uint8Array): Promise<void> => {
    await write(bytes)
    offset += bytes.length
  }
  await put(magic)
  const blocks: Block[] = []
  const all = [...parts.pages.pages()]
  for (let at = 0; at < all.length; at += PAGES_PER_BLOCK) {
    const pages = all.slice(at, at + PAGES_PER_BLOCK)
    const bytes = new Uint8Array(pages.length * PAGE_BYTES)
    for (const [i, page] of pages.entries())
      parts.pages.read(page, bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
    const packed = host.compress(bytes)
    blocks.push({ offset, lengthBytes: packed.length, hash: host.hash(packed), pages })
    await put(packed)
  }
  const index: Index = { pageCount: parts.pageCount, machine: parts.machine, blocks }
  const packed = host.compress(encodeSaved(index as unknown as Saved))
  const trailer = new Uint8Array(TRAILER_BYTES)
  const view = new DataView(trailer.buffer)
  view.setUint32(0, VERSION)
  view.setBigUint64(4, BigInt(offset))
  view.setBigUint64(12, BigInt(packed.length))
  trailer.set(host.hash(packed), 20)
  trailer.set(magic, 52)
  await put(packed)
  await put(trailer)
}

/** A snapshot in a file: what the machine was, and its pages, each read and checked when it is first asked for. */
export class SnapshotFile implements PageSource {
  readonly machine: Saved
  readonly pageCount: number
  readonly #file: SnapshotBytes
  readonly #host: SnapshotHost
  readonly #blocks: readonly Block[]
  /** One more than the number of the block that has a page; 0 for zeros. */
  readonly #blockOf: Int32Array
  readonly #kept = new Map<number, Uint8Array>()

  /** Throws `snapshot.format`, `snapshot.version`, `snapshot.damaged`. */
  constructor(file: SnapshotBytes, host: SnapshotHost) {
    this.#file = file
    this.#host = host
    const index = readIndex(file, host)
    this.machine = index.machine
    this.pageCount = index.pageCount
    this.#blocks = index.blocks
    this.#blockOf = new Int32Array(index.pageCount)
    for (const [number, block] of index.blocks.entries()) {
      const isInside = block.offset >= 0 && block.lengthBytes >= 0 && block.offset + block.lengthBytes <= file.sizeBytes
      if (!isInside || block.pages.length > PAGES_PER_BLOCK) throw damaged(file, `block ${number} is not in it`)
      for (const page of block.pages) this.#blockOf[page] = number + 1
    }
  }

  read(page: number, into: Uint8Array): void {
    const number = (this.#blockOf[page] ?? 0) - 1
    const block = this.#blocks[number]
    if (!block) return
    const at = block.pages.indexOf(page) * PAGE_BYTES
    into.set(this.#unpacked(number, block).subarray(at, at + PAGE_BYTES))
  }
  *pages(): Generator<number> {
    for (const [page, block] of this.#blockOf.entries()) if (block !== 0) yield page
  }
  /** Reads and checks every block. Throws `snapshot.damaged`. */
  verify(): void {
    for (const [number, block] of this.#blocks.entries()) this.#unpacked(number, block)
  }

  #unpacked(number: number, block: Block): Uint8Array {
    const known = this.#kept.get(number)
    if (known) return known
    const packed = this.#file.read(block.offset, block.lengthBytes)
    if (!isEqual(this.#host.hash(packed), block.hash))
      throw damaged(this.#file, `the checksum of block ${number} is wrong`)
    const lengthBytes = block.pages.length * PAGE_BYTES
    const bytes = this.#host.decompress(packed, lengthBytes)
    if (bytes.length !== lengthBytes) throw damaged(this.#file, `block ${number} has ${bytes.length} bytes`)
    this.#kept.set(number, bytes)
    if (this.#kept.size > KEPT_BLOCKS) this.#kept.delete(this.#kept.keys().next().value as number)
    return bytes
  }
}

function readIndex(file: SnapshotBytes, host: SnapshotHost): Index {
  const isMagic = (at: number): boolean =>
    at >= 0 && at + MAGIC.length <= file.sizeBytes && new TextDecoder().decode(file.read(at, MAGIC.length)) === MAGIC
  if (!isMagic(0)) throw new DoppelError('snapshot.format', `${file.name} is no snapshot`, { name: file.name })
  const trailerAt = file.sizeBytes - TRAILER_BYTES
  if (trailerAt < MAGIC.length || !isMagic(file.sizeBytes - MAGIC.length)) throw damaged(file, 'its end is missing')
  const trailer = file.read(trailerAt, TRAILER_BYTES)
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.length)
  const version = view.getUint32(0)
  if (version !== VERSION) {
    throw new DoppelError(
      'snapshot.version',
      `${file.name} is a snapshot of version ${version}, this doppel reads ${VERSION}; use the doppel that made it`,
      { name: file.name, version },
    )
  }
  const [offset, lengthBytes] = [Number(view.getBigUint64(4)), Number(view.getBigUint64(12))]
  if (offset + lengthBytes !== trailerAt || lengthBytes > MAX_INDEX_BYTES) throw damaged(file, 'its index is missing')
  const packed = file.read(offset, lengthBytes)
  if (!isEqual(host.hash(packed), trailer.subarray(20, 52))) throw damaged(file, 'the checksum of its index is wrong')
  return decodeSaved(host.decompress(packed, MAX_INDEX_BYTES)) as unknown as Index
}

function damaged(file: SnapshotBytes, what: string): DoppelError {
  return new DoppelError('snapshot.damaged', `${file.name} is damaged: ${what}`, { name: file.name })
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
