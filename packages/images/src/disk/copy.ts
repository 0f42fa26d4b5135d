import { type BlockStore, DoppelError } from '@doppel/base'

const CHUNK_BYTES = 1 << 16

/** Writes all of a disk onto one of its size that reads as zeros; zeros are left out. Throws `disk.size`, `disk.*`. */
export async function copyDisk(from: BlockStore, to: BlockStore): Promise<void> {
  if (from.sizeBytes > to.sizeBytes) throw new DoppelError('disk.size', 'the disk to copy to is too small')
  const chunk = new Uint8Array(CHUNK_BYTES)
  const words = new BigUint64Array(chunk.buffer)
  for (let offset = 0; offset < from.sizeBytes; offset += CHUNK_BYTES) {
    const part = chunk.subarray(0, Math.min(CHUNK_BYTES, from.sizeBytes - offset))
    // A short last part must not leave the end of the one before it behind.
    if (part.length < CHUNK_BYTES) chunk.fill(0)
    await from.read(offset, part)
    if (words.some(word => word !== 0n)) await to.write(offset, part)
  }
  await to.flush()
}
