import { assert, type BlockStore } from '@doppel/base'
import { CHUNK_BYTES, type FrozenDisk, Holders, pieces } from './frozen-disk.ts'
import { allChunks, type MachineDisk, readInside } from './machine-disk.ts'

/**
 * A disk whose machine writes its image. While someone holds what it was at some moment, the chunks that are about to be
 * written are first copied for them. The image is closed when the machine has ended and nobody holds a moment of it.
 */
export class ThroughDisk implements MachineDisk {
  readonly readOnly = false
  readonly #store: BlockStore
  /** The moments that are held, the oldest first. */
  readonly #moments: Moment[] = []
  /** Chunks being copied; a write to one waits. */
  readonly #copying = new Map<number, Promise<void>>()
  readonly #holders: Holders

  /** Takes over `store`. */
  constructor(store: BlockStore) {
    this.#store = store
    this.#holders = new Holders(() => store.close())
  }
  get sizeBytes(): number {
    return this.#store.sizeBytes
  }

  freeze(): FrozenDisk {
    assert(this.#copying.size === 0, 'a disk is frozen while no request is under way')
    this.#holders.retain()
    const moment = new Moment(this.#store, async () => {
      this.#moments.splice(this.#moments.indexOf(moment), 1)
      await this.#holders.release()
    })
    this.#moments.push(moment)
    return moment
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    await this.#store.read(offset, into)
  }
  async write(offset: number, from: Uint8Array): Promise<void> {
    if (this.#moments.length === 0) return await this.#store.write(offset, from)
    // The caller may reuse its buffer while the old content is copied.
    const bytes = from.slice()
    await this.#copy(offset, bytes.length)
    await this.#store.write(offset, bytes)
  }
  async discard(offset: number, lengthBytes: number): Promise<void> {
    if (this.#moments.length > 0) await this.#copy(offset, lengthBytes)
    await this.#store.discard(offset, lengthBytes)
  }
  async flush(): Promise<void> {
    await this.#store.flush()
  }
  /** Ends the machine's own use; what it wrote is durable then. */
  async close(): Promise<void> {
    await this.#store.flush()
    await this.#holders.release()
  }

  /** Copies what the range holds for every moment that does not have it yet. */
  async #copy(offset: number, lengthBytes: number): Promise<void> {
    const waits = new Set<Promise<void>>()
    let run: number[] = []
    const take = (): void => {
      if (run.length === 0) return
      const chunks = run
      run = []
      const copied = this.#copyRun(chunks).finally(() => {
        for (const chunk of chunks) this.#copying.delete(chunk)
      })
      for (const chunk of chunks) this.#copying.set(chunk, copied)
      waits.add(copied)
    }
    // Whatever the youngest moment has, all have.
    const youngest = this.#moments.at(-1)
    for (const { chunk } of pieces(offset, lengthBytes)) {
      const underWay = this.#copying.get(chunk)
      if (underWay) waits.add(underWay)
      if (underWay || youngest?.chunks.has(chunk)) take()
      else run.push(chunk)
      if (run.length === MAX_RUN) take()
    }
    take()
    await Promise.all(waits)
  }

  async #copyRun(chunks: readonly number[]): Promise<void> {
    const bytes = new Uint8Array(chunks.length * CHUNK_BYTES)
    await readInside(this.#store, (chunks[0] ?? 0) * CHUNK_BYTES, bytes)
    for (const [i, chunk] of chunks.entries()) {
      const copy = bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)
      for (const { chunks: kept } of this.#moments) if (!kept.has(chunk)) kept.set(chunk, copy)
    }
  }
}

/** Chunks read at once. */
const MAX_RUN = 256

/** What the image held at one moment. */
class Moment implements FrozenDisk {
  readonly file = undefined
  /** What has been overwritten since. */
  readonly chunks = new Map<number, Uint8Array>()
  readonly retain: () => void
  readonly release: () => Promise<void>
  readonly #store: BlockStore

  constructor(store: BlockStore, released: () => Promise<void>) {
    this.#store = store
    const holders = new Holders(released)
    this.retain = holders.retain
    this.release = holders.release
  }
  get sizeBytes(): number {
    return this.#store.sizeBytes
  }
  ownChunks(): Iterable<number> {
    return allChunks(this.sizeBytes)
  }
  async read(offset: number, into: Uint8Array): Promise<void> {
    await readInside(this.#store, offset, into)
    // A chunk that was written while the image was read was copied before: what was read of it does not count.
    for (const { chunk, within, at, length } of pieces(offset, into.length)) {
      const kept = this.chunks.get(chunk)
      if (kept) into.set(kept.subarray(within, within + length), at)
    }
  }
}
