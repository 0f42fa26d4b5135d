import { assert, type BlockStore } from '@doppel/base'
import { CHUNK_BYTES, type DiskImageFile, type FrozenDisk, Holders } from './frozen-disk.ts'

/** A machine's disk, whose content of a moment can be kept. */
export interface MachineDisk extends BlockStore {
  /** Its content now, for others; call it while no request is under way. */
  freeze(): FrozenDisk
}

/** A disk image that nobody writes, as a frozen disk; the last holder closes it. */
export function frozenStore(store: BlockStore, file: DiskImageFile): FrozenDisk {
  const holders = new Holders(() => store.close())
  const { sizeBytes } = store
  return {
    sizeBytes,
    file,
    ownChunks: () => [],
    read: async (offset, into) => await readInside(store, offset, into),
    retain: holders.retain,
    release: holders.release,
  }
}

/** Reads what lies inside a store, and zeros past its end. */
export async function readInside(store: BlockStore, offset: number, into: Uint8Array): Promise<void> {
  const insideBytes = Math.max(0, Math.min(into.length, store.sizeBytes - offset))
  if (insideBytes > 0) await store.read(offset, into.subarray(0, insideBytes))
  into.fill(0, insideBytes)
}

/** A disk that its machine only reads. */
export class ReadOnlyDisk implements MachineDisk {
  readonly readOnly = true
  readonly #from: FrozenDisk

  /** Holds `from` until it is closed. */
  constructor(from: FrozenDisk) {
    from.retain()
    this.#from = from
  }
  get sizeBytes(): number {
    return this.#from.sizeBytes
  }
  freeze(): FrozenDisk {
    this.#from.retain()
    return this.#from
  }
  async read(offset: number, into: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, 'a disk read stays inside the disk')
    await this.#from.read(offset, into)
  }
  write(): Promise<void> {
    return Promise.reject(new Error('a read-only disk was written'))
  }
  discard(): Promise<void> {
    return Promise.reject(new Error('a read-only disk was discarded from'))
  }
  flush(): Promise<void> {
    return Promise.resolve()
  }
  async close(): Promise<void> {
    await this.#from.release()
  }
}

/** The chunks of a disk of so many bytes, all of them. */
export function* allChunks(sizeBytes: number): Generator<number> {
  for (let chunk = 0; chunk * CHUNK_BYTES < sizeBytes; chunk++) yield chunk
}
