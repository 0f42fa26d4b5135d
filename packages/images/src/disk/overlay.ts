import { assert, type BlockStore } from '@doppel/base'

/** Granularity of copying; as small as a usual file-system block, so that little is copied. */
const CHUNK_BYTES = 4096

/**
 * A writable disk over one that stays as it is: changed chunks are kept in memory, the rest is read from `base`.
 * Closing it closes the base and forgets the changes.
 */
export class OverlayStore implements BlockStore {
  readonly readOnly = false
  readonly #base: BlockStore
  readonly #changed = new Map<number, Uint8Array>()

  constructor(base: BlockStore) {
    this.#base = base
  }
  get sizeBytes(): number {
    return this.#base.sizeBytes
  }
  /** Bytes of host memory that changes take. */
  get changedBytes(): number {
    return this.#changed.size * CHUNK_BYTES
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, 'a disk read stays inside the disk')
    // One read of the base where nothing in the range has changed; else chunk by chunk.
    let plainFrom = 0
    const parts = [...pieces(offset, into.length)]
    const flushPlain = async (to: number): Promise<void> => {
      if (to > plainFrom) await this.#base.read(offset + plainFrom, into.subarray(plainFrom, to))
    }
    for (const { chunk, within, at, length } of parts) {
      const changed = this.#changed.get(chunk)
      if (!changed) continue
      await flushPlain(at)
      into.set(changed.subarray(within, within + length), at)
      plainFrom = at + length
    }
    await flushPlain(into.length)
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

  flush(): Promise<void> {
    return Promise.resolve()
  }
  async discard(offset: number, lengthBytes: number): Promise<void> {
    for (const { chunk, within, length } of pieces(offset, lengthBytes)) {
      const target = await this.#chunkForWrite(chunk, length)
      target.fill(0, within, within + length)
    }
  }
  async close(): Promise<void> {
    this.#changed.clear()
    await this.#base.close()
  }

  async #chunkForWrite(chunk: number, covered: number): Promise<Uint8Array> {
    const known = this.#changed.get(chunk)
    if (known) return known
    const bytes = new Uint8Array(CHUNK_BYTES)
    const start = chunk * CHUNK_BYTES
    if (covered < CHUNK_BYTES) {
      await this.#base.read(start, bytes.subarray(0, Math.min(CHUNK_BYTES, this.sizeBytes - start)))
      // Another write to the same chunk may have come in while the base was read.
      const raced = this.#changed.get(chunk)
      if (raced) return raced
    }
    this.#changed.set(chunk, bytes)
    return bytes
  }
}

/** Cuts a byte range at chunk borders: which chunk, where in it, and where in the caller's buffer. */
function* pieces(
  offset: number,
  lengthBytes: number,
): Generator<{ readonly chunk: number; readonly within: number; readonly at: number; readonly length: number }> {
  for (let at = 0; at < lengthBytes; ) {
    const within = (offset + at) % CHUNK_BYTES
    const length = Math.min(CHUNK_BYTES - within, lengthBytes - at)
    yield { chunk: Math.floor((offset + at) / CHUNK_BYTES), within, at, length }
    at += length
  }
}
