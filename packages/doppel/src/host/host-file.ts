import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { Errno, type OpenFile, type Outcome } from '@doppel/devices'

const read = promisify(fs.read)
const write = promisify(fs.write)
const fsync = promisify(fs.fsync)
const fdatasync = promisify(fs.fdatasync)

/** A failed system call's error number, as the guest is to see it; whatever else was thrown is thrown on. */
export function errnoOf(error: unknown): number {
  const errno = error instanceof Error && 'errno' in error ? error.errno : undefined
  if (typeof errno === 'number' && errno < 0) return -errno
  throw error
}

/** A file of the host's, open for a guest. Its descriptor is closed only when no call is using it any more. */
export class HostFile implements OpenFile {
  readonly #fd: number
  #users = 1

  /** Takes over `fd`. */
  constructor(fd: number) {
    this.#fd = fd
  }

  read(offset: number, lengthBytes: number): Promise<Outcome<Uint8Array>> {
    return this.#use(async fd => {
      const bytes = new Uint8Array(lengthBytes)
      let at = 0
      while (at < lengthBytes) {
        const { bytesRead } = await read(fd, bytes, at, lengthBytes - at, offset + at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      return bytes.subarray(0, at)
    })
  }

  write(offset: number, bytes: Uint8Array): Promise<Outcome<undefined>> {
    return this.#use(async fd => {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await write(fd, bytes, at, bytes.length - at, offset + at)
        if (bytesWritten === 0) return Errno.EIO
        at += bytesWritten
      }
      return undefined
    })
  }

  sync(dataOnly: boolean): Promise<Outcome<undefined>> {
    return this.#use(async fd => {
      await (dataOnly ? fdatasync(fd) : fsync(fd))
      return undefined
    })
  }

  close(): void {
    this.#release()
  }

  async #use<T extends object | undefined>(call: (fd: number) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    this.#users++
    try {
      return await call(this.#fd)
    } catch (error) {
      return errnoOf(error)
    } finally {
      this.#release()
    }
  }

  /** A number freed under a running call could by then be another file's. */
  #release(): void {
    if (--this.#users === 0) fs.closeSync(this.#fd)
  }
}
