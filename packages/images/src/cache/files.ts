import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DoppelError } from '@doppel/base'

/** The errno name of a Node file error, e.g. `ENOENT`; undefined for other values. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Turns a file error into a coded one that names the path: `cache.full`, `cache.denied` or `cache.io`. */
export function fileFailure(path: string, error: unknown): DoppelError {
  if (error instanceof DoppelError) return error
  const errno = errnoOf(error)
  const details = { path, errno }
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DoppelError(
        'cache.full',
        `no space left while writing ${path}; free some, or set XDG_CACHE_HOME`,
        details,
        error,
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new DoppelError(
        'cache.denied',
        `cannot write ${path} (${errno}); set XDG_CACHE_HOME to a folder of yours`,
        details,
        error,
      )
    default:
      return new DoppelError('cache.io', `${path}: ${error instanceof Error ? error.message : errno}`, details, error)
  }
}

/**
 * Room for many bytes that goes back to the system at once when its buffer is transferred elsewhere: what is allocated the
 * usual way and freed, the process may keep.
 */
export function returnableBytes(lengthBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(lengthBytes, { maxByteLength: lengthBytes }))
}

/** A whole file in `returnableBytes`. Throws Node's file errors. */
export async function readReturnable(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, 'r')
  try {
    const bytes = returnableBytes((await handle.stat()).size)
    let at = 0
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    // A file that was cut meanwhile is what it is now.
    return at === bytes.length ? bytes : bytes.slice(0, at)
  } finally {
    await handle.close()
  }
}

/** Makes the directory entry itself durable (fsync of a directory, POSIX); platforms that refuse it are left be. */
async function syncDirectory(path: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    await handle.sync()
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    await handle?.close()
  }
}

/** Moves a finished, already synced file to its name; a reader sees the old file or the new one, never a part. */
export async function publishFile(temporary: string, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    throw fileFailure(path, error)
  }
}

/** Writes a whole file atomically: temporary file beside it, fsync, rename. Throws `cache.*`; then nothing is left. */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await publishFile(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw fileFailure(path, error)
  }
}

/** Lower-case hexadecimal SHA-256. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The SHA-256 of an open file from its start, with its length in bytes. */
export async function hashFile(path: string): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const handle = await open(path, 'r')
  try {
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
      hash.update(chunk as Uint8Array)
      sizeBytes += (chunk as Uint8Array).length
    }
    return { sha256: hash.digest('hex'), sizeBytes }
  } finally {
    await handle.close()
  }
}
