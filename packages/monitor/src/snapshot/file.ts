import { decodeSaved, DoppelError, PAGE_BYTES, type Saved } from '@doppel/base'
import {
  type Block,
  damaged,
  type Index,
  isEqual,
  MAGIC,
  MAX_INDEX_BYTES,
  PAGES_PER_BLOCK,
  type ParentReference,
  type SnapshotHost,
  type SpaceIndex,
  TRAILER_BYTES,
  VERSION,
} from './format.ts'
import type { PageSource } from './pages.ts'

/** A snapshot file to read from; reading waits, since a page is read when a guest's instruction needs it. */
export interface SnapshotBytes {
  readonly name: string
  readonly sizeBytes: number
  /** Exactly this range, which lies inside. */
  read(offset: number, lengthBytes: number): Uint8Array
}

/** Blocks kept unpacked: neighbours are often touched one after another. */
const KEPT_BLOCKS = 128
/** Parents of parents: more are none of ours, or go in a circle. */
const MAX_DEPTH = 128

/** A snapshot in a file: what the machine was, and its pages, each read and checked when it is first asked for. */
export class SnapshotFile {
  readonly machine: Saved
  /** SHA-256 of what the file says of itself: it stands for the whole. */
  readonly id: Uint8Array
  readonly parent: SnapshotFile | undefined
  /** Where the parent was when this one was made. */
  readonly parentPath: string | undefined
  /** How many parents there are, one behind the other. */
  readonly depth: number
  readonly #spaces: ReadonlyMap<string, SnapshotSpace>

  /**
   * `openParent` opens what this one lies over; its `depth` bounds how far that goes. Throws `snapshot.format`,
   * `snapshot.version`, `snapshot.damaged`, `snapshot.parent`.
   */
  constructor(
    file: SnapshotBytes,
    host: SnapshotHost,
    openParent: (parent: ParentReference) => SnapshotFile = reference => {
      throw new DoppelError('snapshot.parent', `${file.name} lies over ${reference.path}, which was not opened`)
    },
  ) {
    const { index, id } = readIndex(file, host)
    this.machine = index.machine
    this.id = id
    this.parentPath = index.parent?.path
    this.parent = index.parent && openParent(index.parent)
    if (this.parent && !isEqual(this.parent.id, index.parent?.id ?? id)) {
      throw new DoppelError(
        'snapshot.parent',
        `${file.name} lies over ${index.parent?.path}, which is another snapshot by now`,
        { name: file.name },
      )
    }
    this.depth = (this.parent?.depth ?? 0) + 1
    if (this.depth > MAX_DEPTH) throw damaged(file.name, `it lies over more than ${MAX_DEPTH} others`)
    const blocks = new Blocks(file, host)
    this.#spaces = new Map(
      index.spaces.map(space => [space.name, new SnapshotSpace(space, blocks, this.parent?.space(space.name))]),
    )
  }

  get spaceNames(): string[] {
    return [...this.#spaces.keys()]
  }
  /** The pages of memory, or of a disk. */
  space(name: string): SnapshotSpace | undefined {
    return this.#spaces.get(name)
  }
  /** Reads and checks everything that is in this file. Throws `snapshot.damaged`. */
  verify(): void {
    for (const space of this.#spaces.values()) space.verify()
  }
}

/** One space's pages. */
export class SnapshotSpace implements PageSource {
  readonly pageCount: number
  readonly #blocks: Blocks
  readonly #index: SpaceIndex
  readonly #parent: SnapshotSpace | undefined
  /** One more than the number of the block that has a page; 0 for what is in the parent, -1 for zeros. */
  readonly #blockOf: Int32Array

  /** Throws `snapshot.damaged`. */
  constructor(index: SpaceIndex, blocks: Blocks, parent: SnapshotSpace | undefined) {
    this.pageCount = index.pageCount
    this.#index = index
    this.#blocks = blocks
    this.#parent = parent
    this.#blockOf = new Int32Array(index.pageCount)
    for (const page of index.zeros) this.#blockOf[page] = -1
    for (const [number, block] of index.blocks.entries()) {
      blocks.check(block)
      for (const page of block.pages) this.#blockOf[page] = number + 1
    }
  }

  read(page: number, into: Uint8Array): void {
    const number = this.#blockOf[page] ?? 0
    const block = this.#index.blocks[number - 1]
    if (block) {
      const at = block.pages.indexOf(page) * PAGE_BYTES
      into.set(this.#blocks.unpacked(block).subarray(at, at + PAGE_BYTES))
    } else if (number === 0) this.#parent?.read(page, into)
  }
  /** The pages that are not zeros. */
  *pages(): Generator<number> {
    const below = this.#parentPages(parent => parent.pages())
    for (const [page, block] of this.#blockOf.entries()) if (block > 0 || (block === 0 && below[page] === 1)) yield page
  }
  /** The pages that this snapshot, or one that it lies over, says something of. */
  *toldPages(): Generator<number> {
    const below = this.#parentPages(parent => parent.toldPages())
    for (const [page, block] of this.#blockOf.entries()) if (block !== 0 || below[page] === 1) yield page
  }
  tells(page: number): boolean {
    return this.#blockOf[page] !== 0 || (this.#parent?.tells(page) ?? false)
  }
  /** The pages that this snapshot itself says something of; all others are as in its parent. */
  *ownPages(): Generator<number> {
    for (const [page, block] of this.#blockOf.entries()) if (block !== 0) yield page
  }
  /** Checks every block. Throws `snapshot.damaged`. */
  verify(): void {
    for (const block of this.#index.blocks) this.#blocks.unpacked(block)
  }
  #parentPages(pagesOf: (parent: SnapshotSpace) => Iterable<number>): Uint8Array {
    const below = new Uint8Array(this.#parent ? this.pageCount : 0)
    for (const page of this.#parent ? pagesOf(this.#parent) : []) below[page] = 1
    return below
  }
}

/** A file's blocks, those used last kept unpacked. */
class Blocks {
  readonly #file: SnapshotBytes
  readonly #host: SnapshotHost
  readonly #kept = new Map<Block, Uint8Array>()

  constructor(file: SnapshotBytes, host: SnapshotHost) {
    this.#file = file
    this.#host = host
  }

  /** Throws `snapshot.damaged` for one that does not lie in the file. */
  check(block: Block): void {
    const { offset, lengthBytes, pages } = block
    const isInside = offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= this.#file.sizeBytes
    if (!isInside || pages.length > PAGES_PER_BLOCK) throw damaged(this.#file.name, `a block at ${offset} is not in it`)
  }
  /** A block's pages. Throws `snapshot.damaged`. */
  unpacked(block: Block): Uint8Array {
    const known = this.#kept.get(block)
    if (known) return known
    const { name } = this.#file
    const packed = this.#file.read(block.offset, block.lengthBytes)
    if (!isEqual(this.#host.hash(packed), block.hash))
      throw damaged(name, `the checksum of the block at ${block.offset} is wrong`)
    const lengthBytes = block.pages.length * PAGE_BYTES
    const bytes = this.#host.decompress(packed, lengthBytes)
    if (bytes.length !== lengthBytes) throw damaged(name, `the block at ${block.offset} has ${bytes.length} bytes`)
    this.#kept.set(block, bytes)
    if (this.#kept.size > KEPT_BLOCKS) this.#kept.delete(this.#kept.keys().next().value ?? block)
    return bytes
  }
}

function readIndex(file: SnapshotBytes, host: SnapshotHost): { readonly index: Index; readonly id: Uint8Array } {
  const { name, sizeBytes } = file
  const isMagic = (at: number): boolean =>
    at >= 0 && at + MAGIC.length <= sizeBytes && new TextDecoder().decode(file.read(at, MAGIC.length)) === MAGIC
  if (!isMagic(0)) throw new DoppelError('snapshot.format', `${name} is no snapshot`, { name })
  const trailerAt = sizeBytes - TRAILER_BYTES
  if (trailerAt < MAGIC.length || !isMagic(sizeBytes - MAGIC.length)) throw damaged(name, 'its end is missing')
  const trailer = file.read(trailerAt, TRAILER_BYTES)
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.length)
  const version = view.getUint32(0)
  if (version !== VERSION) {
    throw new DoppelError(
      'snapshot.version',
      `${name} is a snapshot of version ${version}, this doppel reads ${VERSION}; use the doppel that made it`,
      { name, version },
    )
  }
  const [offset, lengthBytes] = [Number(view.getBigUint64(4)), Number(view.getBigUint64(12))]
  if (offset + lengthBytes !== trailerAt || lengthBytes > MAX_INDEX_BYTES) throw damaged(name, 'its index is missing')
  const packed = file.read(offset, lengthBytes)
  const id = host.hash(packed)
  if (!isEqual(id, trailer.subarray(20, 52))) throw damaged(name, 'the checksum of its index is wrong')
  return { index: decodeSaved(host.decompress(packed, MAX_INDEX_BYTES)) as unknown as Index, id }
}
