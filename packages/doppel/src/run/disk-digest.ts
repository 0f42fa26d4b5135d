import { createHash } from 'node:crypto'
import { type BlockStore, MIB } from '@doppel/base'
import type { RunOptions } from '../cli/run-options.ts'
import { openFrozenDisk } from './disks.ts'

const BLOCK_BYTES = MIB

/**
 * The SHA-256 of what a disk holds, whatever its image's format: of its size, and of each MiB that is not all zeros behind its
 * number. Disks are mostly nothing, which is passed by quickly.
 */
export async function diskDigest({ sizeBytes, read }: Pick<BlockStore, 'sizeBytes' | 'read'>): Promise<string> {
  const hash = createHash('sha256').update(`${sizeBytes}`)
  const block = Buffer.alloc(BLOCK_BYTES)
  const zeros = Buffer.alloc(BLOCK_BYTES)
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
    const bytes = block.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - at))
    await read(at, bytes)
    if (bytes.compare(zeros, 0, bytes.length) !== 0) hash.update(` ${at / BLOCK_BYTES} `).update(bytes)
  }
  return hash.digest('hex')
}

/** What the disks of a machine that does not run yet hold, by their places from 1 on. Throws `disk.*`. */
export async function diskDigests({ disks, env }: Pick<RunOptions, 'disks' | 'env'>): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [i, { path }] of disks.entries()) {
    const disk = await openFrozenDisk(path, env)
    try {
      found[`disk ${i + 1}`] = await diskDigest({
        sizeBytes: disk.sizeBytes,
        read: (offset, into) => disk.read(offset, into),
      })
    } finally {
      await disk.release()
    }
  }
  return found
}
