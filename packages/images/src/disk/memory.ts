import { assert, type BlockStore } from '@doppel/base'

/** A disk in the host's memory; it is gone when closed. */
export class MemoryStore implements BlockStore {
  readonly readOnly: boolean
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, options: { readonly readOnly?: boolean } = {}) {
    this.#bytes = bytes
    this.readOnly = options.readOnly ?? false
  }
  get sizeBytes(): number {
    return this.#bytes.length
  }
  read(offset: number, into: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, 'a disk read stays inside the disk')
    into.set(this.#bytes.subarray(offset, offset + into.length))
    return Promise.resolve()
  }
  write(offset: number, from: Uint8Array): Promise<void> {
    assert(
      !this.readOnly && offset >= 0 && offset + from.length <= this.sizeBytes,
      'a disk write stays inside the disk',
    )
    this.#bytes.set(from, offset)
    return Promise.resolve()
  }
  flush(): Promise<void> {
    return Promise.resolve()
  }
  discard(offset: number, lengthBytes: number): Promise<void> {
    assert(!this.readOnly, 'a read-only disk is not discarded from')
    this.#bytes.fill(0, offset, offset + lengthBytes)
    return Promise.resolve()
  }
  close(): Promise<void> {
    return Promise.resolve()
  }
}
