import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { DoppelError } from '@doppel/base'
import { SnapshotFile, type SnapshotHost, writeSnapshot } from '@doppel/monitor'

/** Snapshots are written while a guest stands still and read while one waits: the fastest level. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** How Node hashes and packs snapshots. */
export const snapshotHost: SnapshotHost = {
  hash: bytes => createHash('sha256').update(bytes).digest(),
  compress: bytes => zstdCompressSync(bytes, LEVEL),
  decompress: (bytes, limitBytes) => zstdDecompressSync(bytes, { maxOutputLength: limitBytes }),
}

/** A snapshot file, open until `close`. Throws `snapshot.file`, `snapshot.format`, `snapshot.version`, `snapshot.damaged`. */
export function openSnapshotFile(path: string): { readonly file: SnapshotFile; close(): void } {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new DoppelError('snapshot.file', `${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`, {
      path,
    })
  }
  try {
    const read = (offset: number, lengthBytes: number): Uint8Array => {
      const bytes = new Uint8Array(lengthBytes)
      for (let at = 0; at < lengthBytes; ) {
        const got = readSync(fd, bytes, at, lengthBytes - at, offset + at)
        if (got === 0)
          throw new DoppelError('snapshot.damaged', `${path} is damaged: it ends at ${offset + at}`, { path })
        at += got
      }
      return bytes
    }
    const file = new SnapshotFile({ name: path, sizeBytes: fstatSync(fd).size, read }, snapshotHost)
    return { file, close: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Writes a snapshot file: whole and durable, or not at all. Throws `snapshot.file`. */
export async function saveSnapshotFile(path: string, parts: Parameters<typeof writeSnapshot>[0]): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    const handle = await open(part, 'wx', 0o600)
    try {
      await writeSnapshot(parts, snapshotHost, async bytes => {
        await handle.writeFile(bytes)
      })
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    if (error instanceof DoppelError) throw error
    throw new DoppelError('snapshot.file', `${path}: cannot be written (${(error as NodeJS.ErrnoException).code})`, {
      path,
    })
  }
}
