import { assert } from '@doppel/base'
import { CHUNK_BYTES, type FrozenDisk, Holders, pieces, readOver } from './frozen-disk.ts'
import type { MachineDisk } from './machine-disk.ts'

/** Chunks that do not change any more, by number. */
type Chunks = ReadonlyMap<number, Uint8Array>
const NONE: Chunks = new Map()

/** What an overlay had changed at some moment; for that overlay only. */
export type DiskMoment = Chunks

/**
 * A writable disk over a frozen one: changed chunks are kept in memory, and frozen with it in turn. Clones of a machine
 * share what they had in common; each pays for what it writes.
 */
export class OverlayDisk implements MachineDisk {
  readonly readOnly = false
  readonly #base: FrozenDisk
  /** What was changed before the last freeze: shared, so never written again. */
  #frozen: Chunks
  #changed = new Map<number, Uint8Array>()

  /** Holds `from` until it is closed. */
  constructor(from: FrozenDisk) {
    // One layer over the base however often it was frozen and cloned.
    const base = from instanceof OverlayFreeze ? from.base : from
    base.retain()
    this.#base = base
    this.#frozen = from instanceof OverlayFreeze ? from.chunks : NONE
  }
  get sizeBytes(): number {
    return this.#base.sizeBytes
  }
  /** Bytes of host memory that this machine's own changes take. */
  get changedBytes(): number {
    return this.#changed.size * CHUNK_BYTES
  }

  freeze(): FrozenDisk {
    return new OverlayFreeze(this.#base, this.moment())
  }
  /** Its content now, to be returned to; call it while no request is under way. */
  moment(): DiskMoment {
    if (this.#changed.size > 0) {
      this.#frozen = new Map([...this.#frozen, ...this.#changed])
      this.#changed = new Map()
    }
    return this.#frozen
  }
  /** It holds what it held at that moment; call it while no request is under way. */
  returnTo(moment: DiskMoment): void {
    this.#frozen = moment
    this.#changed = new Map()
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, 'a disk read stays inside the disk')
    await readOver(chunk => this.#changed.get(chunk) ?? this.#frozen.get(chunk), this.#base, offset, into)
  }
  async write(offset: number, from: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + from.length <= this.sizeBytes, 'a disk write stays inside the disk')
    // The caller may reuse its buffer while the base is read.
    const bytes = from.slice()
    for (const { chunk, within, at, length } of pieces(offset, bytes.length)) {
      const target = await this.#chunkForWrite(chunk, length)
      target.set(bytes.subarray(at, at + length), within)
    }
  }
  async discard(offset: number, lengthBytes: number): Promise<void> {
    assert(offset >= 0 && offset + lengthBytes <= this.sizeBytes, 'a discard stays inside the disk')
    for (const { chunk, within, length } of pieces(offset, lengthBytes)) {
      const target = await this.#chunkForWrite(chunk, length)
      target.fill(0, within, within + length)
    }
  }
  flush(): Promise<void> {
    return Promise.resolve()
  }
  async close(): Promise<void> {
    this.#changed.clear()
    this.#frozen = NONE
    await this.#base.release()
  }

  async #chunkForWrite(chunk: number, covered: number): Promise<Uint8Array> {
    const known = this.#changed.get(chunk)
    if (known) return known
    let bytes = new Uint8Array(CHUNK_BYTES)
    const frozen = this.#frozen.get(chunk)
    if (frozen) bytes = frozen.slice()
    else if (covered < CHUNK_BYTES) {
      await this.#base.read(chunk * CHUNK_BYTES, bytes)
      // Another write to the same chunk may have come in while the base was read.
      const raced = this.#changed.get(chunk)
      if (raced) return raced
    }
    this.#changed.set(chunk, bytes)
    return bytes
  }
}

/** An overlay's content of one moment. */
class OverlayFreeze implements FrozenDisk {
  readonly base: FrozenDisk
  readonly chunks: Chunks
  readonly retain: () => void
  readonly release: () => Promise<void>

  constructor(base: FrozenDisk, chunks: Chunks) {
    base.retain()
    this.base = base
    this.chunks = chunks
    const holders = new Holders(() => base.release())
    this.retain = holders.retain
    this.release = holders.release
  }
  get sizeBytes(): number {
    return this.base.sizeBytes
  }
  get file(): FrozenDisk['file'] {
    return this.base.file
  }
  ownChunks(): Iterable<number> {
    return [...new Set([...this.base.ownChunks(), ...this.chunks.keys()])].sort((a, b) => a - b)
  }
  async read(offset: number, into: Uint8Array): Promise<void> {
    await readOver(chunk => this.chunks.get(chunk), this.base, offset, into)
  }
}
