import { type BlockStore, DoppelError } from '@doppel/base'
import { BLOCK_BYTES, BLOCKS_PER_GROUP, type Geometry } from './geometry.ts'

/** A run of blocks, one after another on the disk. */
export interface Extent {
  readonly start: number
  readonly count: number
}

/** What a file holds, and where that lies. */
export interface FileContent {
  readonly sizeBytes: number
  readonly extents: readonly Extent[]
}

/** The most blocks one extent may name (ext4_extent.ee_len). */
const MAX_EXTENT_BLOCKS = 32_768
/** Bytes gathered before they are written. */
const WRITE_BYTES = 1 << 20

/** Hands out a new file system's data blocks, lowest first, and writes what goes there. */
export class Blocks {
  readonly #store: BlockStore
  readonly #geometry: Geometry
  /** One bitmap a group; the fixed structures are taken from the start. */
  readonly bitmaps: readonly Uint8Array[]
  #next: number

  constructor(store: BlockStore, geometry: Geometry) {
    this.#store = store
    this.#geometry = geometry
    this.bitmaps = Array.from({ length: geometry.groups }, (_, group) => {
      const bitmap = new Uint8Array(BLOCK_BYTES)
      const taken = geometry.firstDataBlock(group) - geometry.firstBlock(group)
      setBits(bitmap, 0, taken)
      // Blocks past the end of a short last group count as taken.
      setBits(bitmap, geometry.blocksOf(group), BLOCKS_PER_GROUP)
      return bitmap
    })
    this.#next = geometry.firstDataBlock(0)
  }

  /** Takes `count` blocks, in as few runs as there can be. Throws `disk.full`. */
  take(count: number): Extent[] {
    const extents: Extent[] = []
    for (let left = count; left > 0; ) {
      const group = Math.floor(this.#next / BLOCKS_PER_GROUP)
      if (group >= this.#geometry.groups) {
        const sizeBytes = this.#geometry.blocks * BLOCK_BYTES
        throw new DoppelError('disk.full', `the files do not fit on a disk of ${sizeBytes} bytes`, { sizeBytes })
      }
      const end = this.#geometry.firstBlock(group) + this.#geometry.blocksOf(group)
      const start = Math.max(this.#next, this.#geometry.firstDataBlock(group))
      const run = Math.min(left, end - start, MAX_EXTENT_BLOCKS)
      if (run > 0) {
        extents.push({ start, count: run })
        const within = start - this.#geometry.firstBlock(group)
        setBits(this.bitmaps[group] as Uint8Array, within, within + run)
        left -= run
      }
      this.#next = start + run >= end ? this.#geometry.firstBlock(group + 1) : start + run
    }
    return extents
  }

  /** Gives a file's blocks back; they are not handed out again, but the file system has them free. */
  release({ extents }: FileContent): void {
    for (const { start, count } of extents) {
      for (let block = start; block < start + count; block++) {
        const bitmap = this.bitmaps[Math.floor(block / BLOCKS_PER_GROUP)] as Uint8Array
        const bit = block % BLOCKS_PER_GROUP
        bitmap[bit >> 3] = (bitmap[bit >> 3] ?? 0) & ~(1 << (bit & 7))
      }
    }
  }

  /** Takes blocks for `sizeBytes` bytes and fills them from `chunks`. Throws `disk.*`; RangeError for another length. */
  async write(sizeBytes: number, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<FileContent> {
    const extents = this.take(Math.ceil(sizeBytes / BLOCK_BYTES))
    const content = { sizeBytes, extents }
    const places = writesOf(content)
    let place = places.next().value
    let buffer = new Uint8Array(place?.length ?? 0)
    let filled = 0
    let total = 0
    for await (const chunk of chunks) {
      total += chunk.length
      if (total > sizeBytes) throw new RangeError(`more than the ${sizeBytes} bytes that were announced`)
      for (let at = 0; at < chunk.length && place; ) {
        const part = chunk.subarray(at, at + place.length - filled)
        buffer.set(part, filled)
        filled += part.length
        at += part.length
        if (filled < place.length) continue
        await this.#store.write(place.offset, buffer)
        place = places.next().value
        buffer = new Uint8Array(place?.length ?? 0)
        filled = 0
      }
    }
    if (total !== sizeBytes) throw new RangeError(`${total} bytes came; ${sizeBytes} were announced`)
    // The rest of the last block stays zero.
    if (place && filled > 0) await this.#store.write(place.offset, buffer)
    return content
  }

  /** Writes one block's worth of a fixed structure. */
  async writeBlock(block: number, bytes: Uint8Array): Promise<void> {
    await this.#store.write(block * BLOCK_BYTES, bytes)
  }
}

/** Byte ranges of the disk that a file covers, cut small enough to be written from one buffer. */
function* writesOf({
  extents,
}: FileContent): Generator<{ readonly offset: number; readonly length: number }, undefined> {
  for (const { start, count } of extents) {
    const end = (start + count) * BLOCK_BYTES
    for (let offset = start * BLOCK_BYTES; offset < end; offset += WRITE_BYTES) {
      yield { offset, length: Math.min(WRITE_BYTES, end - offset) }
    }
  }
  return undefined
}

/** Sets the bits from `from` up to `to`, which it leaves. */
export function setBits(bitmap: Uint8Array, from: number, to: number): void {
  for (let bit = from; bit < to; bit++) bitmap[bit >> 3] = (bitmap[bit >> 3] ?? 0) | (1 << (bit & 7))
}

/** How many of the bits below `length` are clear. */
export function clearBits(bitmap: Uint8Array, length: number): number {
  let clear = 0
  for (let bit = 0; bit < length; bit++) if ((((bitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 0) clear++
  return clear
}
