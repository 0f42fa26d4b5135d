import { createHash } from 'node:crypto'
import { closeSync, constants as flags, fstatSync, openSync, readSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { DoppelError } from '@doppel/base'
import { SnapshotFile, type SnapshotHost, writeSnapshot } from '@doppel/monitor'

const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = flags
/** True under Node's permission model. */
export const IS_JAILED: boolean = (process as { readonly permission?: unknown }).permission !== undefined

const MIN_PIECE_BYTES = 4096
const MAX_PIECE_BYTES = 1 << 20

/** Snapshots are written while a guest stands still and read while one waits: the fastest level. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const compress = promisify(zstdCompress) as (bytes: Uint8Array, options: typeof LEVEL) => Promise<Uint8Array>

/** How Node hashes and packs snapshots. */
export const snapshotHost: SnapshotHost = {
  hash: bytes => createHash('sha256').update(bytes).digest(),
  compress: async bytes => await compress(bytes, LEVEL),
  decompress: (bytes, limitBytes) => {
    // In one piece, where it is no larger than that: Node's own pieces are small.
    const chunkSize = Math.min(Math.max(limitBytes, MIN_PIECE_BYTES), MAX_PIECE_BYTES)
    return zstdDecompressSync(bytes, { maxOutputLength: limitBytes, chunkSize })
  },
}

/**
 * A snapshot file and those it lies over, open until `close`. Throws `snapshot.file`, `snapshot.format`, `snapshot.version`,
 * `snapshot.damaged`, `snapshot.parent`.
 */
export function openSnapshotFile(path: string): { readonly file: SnapshotFile; close(): void } {
  const close: (() => void)[] = []
  try {
    return { file: openChain(path, close), close: () => close.splice(0).forEach(each => each()) }
  } catch (error) {
    for (const each of close) each()
    throw error
  }
}

/** More of them are none of ours. */
const MAX_CHAIN = 128

function openChain(path: string, close: (() => void)[]): SnapshotFile {
  if (close.length === MAX_CHAIN) {
    throw new DoppelError('snapshot.parent', `${path}: more than ${MAX_CHAIN} snapshots lie over one another`, { path })
  }
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new DoppelError('snapshot.file', `${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`, {
      path,
    })
  }
  close.push(() => closeSync(fd))
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
  return new SnapshotFile({ name: path, sizeBytes: fstatSync(fd).size, read }, snapshotHost, parent => {
    const parentPath = resolve(dirname(path), parent.path)
    try {
      return openChain(parentPath, close)
    } catch (error) {
      if (!(error instanceof DoppelError && error.code === 'snapshot.file')) throw error
      throw new DoppelError('snapshot.parent', `${path} lies over ${parentPath}, which cannot be read`, { path }, error)
    }
  })
}

/** Writes a snapshot file: whole and durable, or not at all. Throws `snapshot.file`. */
export async function saveSnapshotFile(path: string, parts: Parameters<typeof writeSnapshot>[0]): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    // In a jail, where nothing can be synchronized afterwards, each write is durable by itself.
    const handle = await open(part, O_WRONLY | O_CREAT | O_EXCL | (IS_JAILED ? O_DSYNC : 0), 0o600)
    try {
      await writeSnapshot(parts, snapshotHost, async bytes => {
        await handle.writeFile(bytes)
      })
      if (!IS_JAILED) await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
    if (IS_JAILED) return
    // The name is durable once its folder is.
    const folder = await open(dirname(resolve(path)))
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    // Where nothing may be written there is nothing to remove.
    await rm(part, { force: true }).catch(() => undefined)
    if (error instanceof DoppelError) throw error
    throw new DoppelError('snapshot.file', `${path}: cannot be written (${(error as NodeJS.ErrnoException).code})`, {
      path,
    })
  }
}
