import { encodeSaved, PAGE_BYTES, type Saved } from '@doppel/base'
import {
  type Block,
  type Index,
  isEqual,
  isZero,
  MAGIC,
  type ParentReference,
  PAGES_PER_BLOCK,
  type SnapshotHost,
  type SpaceIndex,
  TRAILER_BYTES,
  VERSION,
} from './format.ts'
import type { SnapshotFile, SnapshotSpace } from './file.ts'

/** Pages to be saved: memory, or a disk. */
export interface SavedSpace {
  readonly name: string
  readonly pageCount: number
  /** True where pages that are not told of are something else's, not zeros. */
  readonly isOverlay?: boolean
  /** The pages that are there, in ascending order. */
  pages(): Iterable<number>
  /** Copies whole pages, one after another from `page` on. */
  read(page: number, into: Uint8Array): void | Promise<void>
}

/** What a snapshot is made of. */
export interface SnapshotParts {
  /** Everything that has no pages. */
  readonly machine: Saved
  readonly spaces: readonly SavedSpace[]
  /** Only what differs from this one is written. */
  readonly parent?: { readonly file: SnapshotFile; readonly path: string } | undefined
}

/** Blocks that are being packed while the next are read. */
const MAX_PACKING = 4

/** Writes a snapshot, piece by piece in order. */
export async function writeSnapshot(
  parts: SnapshotParts,
  host: SnapshotHost,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const output = new Output(write)
  const magic = new TextEncoder().encode(MAGIC)
  await output.put(magic)
  const spaces: SpaceIndex[] = []
  for (const space of parts.spaces) spaces.push(await writeSpace(space, parts.parent?.file, host, output))
  const parent: ParentReference | undefined = parts.parent && { id: parts.parent.file.id, path: parts.parent.path }
  const index: Index = { machine: parts.machine, spaces, parent }
  const packed = await host.compress(encodeSaved(index as unknown as Saved))
  const trailer = new Uint8Array(TRAILER_BYTES)
  const view = new DataView(trailer.buffer)
  view.setUint32(0, VERSION)
  view.setBigUint64(4, BigInt(output.offset))
  view.setBigUint64(12, BigInt(packed.length))
  trailer.set(host.hash(packed), 20)
  trailer.set(magic, TRAILER_BYTES - magic.length)
  await output.put(packed)
  await output.put(trailer)
}

class Output {
  offset = 0
  readonly #write: (bytes: Uint8Array) => Promise<void>

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write
  }
  async put(bytes: Uint8Array): Promise<void> {
    await this.#write(bytes)
    this.offset += bytes.length
  }
}

async function writeSpace(
  space: SavedSpace,
  parentFile: SnapshotFile | undefined,
  host: SnapshotHost,
  output: Output,
): Promise<SpaceIndex> {
  const parent = parentFile?.space(space.name)
  const blocks: Block[] = []
  const zeros: number[] = []
  const packing: { readonly pages: readonly number[]; readonly packed: Promise<Uint8Array> }[] = []
  const putFirst = async (): Promise<void> => {
    const next = packing.shift()
    if (!next) return
    const packed = await next.packed
    blocks.push({ offset: output.offset, lengthBytes: packed.length, hash: host.hash(packed), pages: next.pages })
    await output.put(packed)
  }
  const bytes = new Uint8Array(PAGES_PER_BLOCK * PAGE_BYTES)
  let pages: number[] = []
  const pack = async (): Promise<void> => {
    if (pages.length === 0) return
    const packed = host.compress(bytes.slice(0, pages.length * PAGE_BYTES))
    // Its failure is met where it is awaited, in turn.
    packed.catch(() => undefined)
    packing.push({ pages, packed })
    pages = []
    if (packing.length > MAX_PACKING) await putFirst()
  }
  const old = new Uint8Array(PAGE_BYTES)
  for await (const [page, content] of contents(space, toldPages(space, parent))) {
    if (parent?.tells(page) || (parent && !space.isOverlay)) {
      parent.read(page, old.fill(0))
      if (isEqual(old, content)) continue
    }
    if (isZero(content)) {
      if (parent || space.isOverlay) zeros.push(page)
      continue
    }
    bytes.set(content, pages.length * PAGE_BYTES)
    pages.push(page)
    if (pages.length === PAGES_PER_BLOCK) await pack()
  }
  await pack()
  while (packing.length > 0) await putFirst()
  return { name: space.name, pageCount: space.pageCount, blocks, zeros }
}

/** What the space tells of, and what its parent does: that may have become zeros. */
function* toldPages(space: SavedSpace, parent: SnapshotSpace | undefined): Generator<number> {
  if (!parent) return yield* space.pages()
  const told = new Uint8Array(space.pageCount)
  for (const page of space.pages()) told[page] = 1
  for (const page of parent.toldPages()) told[page] = 1
  for (const [page, isTold] of told.entries()) if (isTold) yield page
}

/** Pages with their bytes, good until the next; neighbours are read together. */
async function* contents(
  space: SavedSpace,
  pages: Iterable<number>,
): AsyncGenerator<readonly [page: number, bytes: Uint8Array]> {
  const buffer = new Uint8Array(PAGES_PER_BLOCK * PAGE_BYTES)
  let [first, count] = [0, 0]
  async function* flush(): AsyncGenerator<readonly [number, Uint8Array]> {
    const bytes = buffer.subarray(0, count * PAGE_BYTES).fill(0)
    if (count > 0) await space.read(first, bytes)
    for (let i = 0; i < count; i++) yield [first + i, bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES)]
    count = 0
  }
  for (const page of pages) {
    if (count === PAGES_PER_BLOCK || (count > 0 && page !== first + count)) yield* flush()
    if (count === 0) first = page
    count++
  }
  yield* flush()
}

/** The pages of a source of single pages, for `writeSnapshot`. */
export function pagesSpace(
  name: string,
  pageCount: number,
  source: { pages(): Iterable<number>; read(page: number, into: Uint8Array): void },
): SavedSpace {
  return {
    name,
    pageCount,
    pages: () => source.pages(),
    read: (page, into) => {
      for (let at = 0; at < into.length; at += PAGE_BYTES)
        source.read(page + at / PAGE_BYTES, into.subarray(at, at + PAGE_BYTES))
    },
  }
}
