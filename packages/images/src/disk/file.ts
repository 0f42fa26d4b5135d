import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DoppelError } from '@doppel/base'
import { errnoOf } from '../cache/files.ts'

/** An open disk image file, read and written at offsets; every failure is coded and names the path. */
export interface DiskFile {
  readonly path: string
  readonly readOnly: boolean
  sizeBytes(): Promise<number>
  /** Fills all of `into`; bytes past the file's end read as zeros. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, from: Uint8Array): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * Under Node's permission model nothing can be made durable afterwards (fsync is off): each write then is, by itself
 * (open(2), O_DSYNC).
 */
const SYNCS_EACH_WRITE = (process as { readonly permission?: unknown }).permission !== undefined

/**
 * Opens a disk image. Throws `disk.missing`, `disk.denied` or `disk.io`; later calls of the file reject with
 * `disk.full` or `disk.io`.
 */
export async function openDiskFile(
  path: string,
  options: { readonly readOnly?: boolean; readonly create?: boolean } = {},
): Promise<DiskFile> {
  const readOnly = options.readOnly ?? false
  const flags = readOnly
    ? constants.O_RDONLY
    : constants.O_RDWR |
      (SYNCS_EACH_WRITE ? constants.O_DSYNC : 0) |
      (options.create ? constants.O_CREAT | constants.O_EXCL : 0)
  let handle: FileHandle
  try {
    handle = await open(path, flags, 0o644)
  } catch (error) {
    throw diskFailure(path, error)
  }
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw diskFailure(path, error)
    }
  }
  if (!(await guarded(() => handle.stat())).isFile()) {
    const device = (await guarded(() => handle.stat())).isBlockDevice()
    if (!device) {
      await handle.close()
      throw new DoppelError('disk.format', `${path} is not a file or block device; expected a disk image`, { path })
    }
  }
  return {
    path,
    readOnly,
    sizeBytes: async () => (await guarded(() => handle.stat())).size,
    read: (offset, into) =>
      guarded(async () => {
        for (let done = 0; done < into.length; ) {
          const { bytesRead } = await handle.read(into, done, into.length - done, offset + done)
          if (bytesRead === 0) {
            into.fill(0, done)
            return
          }
          done += bytesRead
        }
      }),
    write: (offset, from) =>
      guarded(async () => {
        for (let done = 0; done < from.length; ) {
          const { bytesWritten } = await handle.write(from, done, from.length - done, offset + done)
          done += bytesWritten
        }
      }),
    truncate: sizeBytes => guarded(() => handle.truncate(sizeBytes)),
    sync: () => (SYNCS_EACH_WRITE ? Promise.resolve() : guarded(() => handle.datasync())),
    close: () => guarded(() => handle.close()),
  }
}

function diskFailure(path: string, error: unknown): DoppelError {
  if (error instanceof DoppelError) return error
  const errno = errnoOf(error)
  const details = { path, errno }
  switch (errno) {
    case 'ENOENT':
      return new DoppelError('disk.missing', `there is no disk image ${path}`, details, error)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new DoppelError(
        'disk.denied',
        `no permission to open ${path} (${errno}); try it read-only`,
        details,
        error,
      )
    case 'EEXIST':
      return new DoppelError('disk.exists', `${path} exists already; a new image needs a new name`, details, error)
    case 'ENOSPC':
    case 'EDQUOT':
      return new DoppelError('disk.full', `no space left on the host while writing ${path}`, details, error)
    default:
      return new DoppelError('disk.io', `${path}: ${error instanceof Error ? error.message : errno}`, details, error)
  }
}
