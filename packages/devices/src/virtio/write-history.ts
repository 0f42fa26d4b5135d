import { type BlockStore, hashWords } from '@doppel/base'

/** What stands for all that has been written to a disk, in its order. */
export type WriteHistory = readonly [number, number]

/** That of a disk as it was found. */
export const NOTHING_WRITTEN: WriteHistory = [0, 0]
const [WRITTEN, DISCARDED] = [1, 2]

/** A disk that keeps count of what is written to it: disks that began alike with like histories are alike. */
export class HistoryStore implements BlockStore {
  history: WriteHistory = NOTHING_WRITTEN
  readonly #store: BlockStore

  constructor(store: BlockStore) {
    this.#store = store
  }
  get sizeBytes(): number {
    return this.#store.sizeBytes
  }
  get readOnly(): boolean {
    return this.#store.readOnly
  }
  async read(offset: number, into: Uint8Array): Promise<void> {
    await this.#store.read(offset, into)
  }
  async write(offset: number, from: Uint8Array): Promise<void> {
    this.#note(WRITTEN, offset, from.length)
    this.history = hashWords(wordsOf(from), this.history)
    await this.#store.write(offset, from)
  }
  async discard(offset: number, lengthBytes: number): Promise<void> {
    this.#note(DISCARDED, offset, lengthBytes)
    await this.#store.discard(offset, lengthBytes)
  }
  async flush(): Promise<void> {
    await this.#store.flush()
  }
  async close(): Promise<void> {
    await this.#store.close()
  }
  #note(what: number, offset: number, lengthBytes: number): void {
    const words = [what, offset | 0, Math.floor(offset / 2 ** 32), lengthBytes | 0]
    this.history = hashWords(Int32Array.from(words), this.history)
  }
}

/** Whole sectors as words, where they lie so. */
function wordsOf(bytes: Uint8Array): Int32Array | Uint8Array {
  const isAligned = bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0
  return isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) : bytes
}
