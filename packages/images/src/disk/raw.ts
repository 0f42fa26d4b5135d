import { assert, type BlockStore, DoppelError } from '@doppel/base'
import { type DiskFile, openDiskFile } from './file.ts'

const SECTOR_BYTES = 512
const ZEROS = new Uint8Array(1 << 20)

/** Opens a raw disk image: the disk's bytes and nothing else, in whole sectors. Throws `disk.*`. */
export async function openRaw(path: string, options: { readonly readOnly?: boolean } = {}): Promise<BlockStore> {
  const file = await openDiskFile(path, options)
  const sizeBytes = await file.sizeBytes()
  if (sizeBytes === 0 || sizeBytes % SECTOR_BYTES !== 0) {
    await file.close()
    throw new DoppelError('disk.format', `${path} has ${sizeBytes} bytes; a raw disk is whole 512-byte sectors`, {
      path,
      sizeBytes,
    })
  }
  return new RawStore(file, sizeBytes)
}

class RawStore implements BlockStore {
  readonly sizeBytes: number
  readonly readOnly: boolean
  readonly #file: DiskFile

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file
    this.sizeBytes = sizeBytes
    this.readOnly = file.readOnly
  }
  read(offset: number, into: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, 'a disk read stays inside the disk')
    return this.#file.read(offset, into)
  }
  write(offset: number, from: Uint8Array): Promise<void> {
    assert(
      !this.readOnly && offset >= 0 && offset + from.length <= this.sizeBytes,
      'a disk write stays inside the disk',
    )
    return this.#file.write(offset, from)
  }
  flush(): Promise<void> {
    return this.readOnly ? Promise.resolve() : this.#file.sync()
  }
  async discard(offset: number, lengthBytes: number): Promise<void> {
    // Node has no hole punching: zeros are written.
    const end = offset + lengthBytes
    for (let at = offset; at < end; at += ZEROS.length) await this.write(at, ZEROS.subarray(0, end - at))
  }
  close(): Promise<void> {
    return this.#file.close()
  }
}
