import * as fs from 'node:fs'
import { resolve } from 'node:path'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DoppelError, hostClock, hostEntropy } from '@doppel/base'
import { type HostFile, type HostFileInfo, HostIoError, type ImageBytes, type JvmHost } from '@doppel/jvm'

/** strerror(3)'s words, as Java's messages have them. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EEXIST: 'File exists',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
  EXDEV: 'Invalid cross-device link',
  EINVAL: 'Invalid argument',
}

function attempt<R>(run: () => R): R {
  try {
    return run()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new HostIoError(code, REASONS[code] ?? code)
  }
}

/** This computer as a Java machine sees it: its files, standard streams, clock and entropy. */
export function nodeJvmHost(environment: Readonly<Record<string, string>>): JvmHost {
  return {
    clock: hostClock(),
    entropy: hostEntropy,
    write: (stream, bytes) => writeAll(stream, bytes),
    read: readInput(),
    stat: (path, follow = true) => statOf(path, follow),
    readLink: path => attempt(() => fs.readlinkSync(path)),
    open: (path, mode) => openFile(path, mode),
    list: path => {
      try {
        return fs.readdirSync(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error
        return undefined
      }
    },
    makeFolder: path => attempt(() => fs.mkdirSync(path)),
    remove: path => attempt(() => (fs.lstatSync(path).isDirectory() ? fs.rmdirSync(path) : fs.unlinkSync(path))),
    rename: (from, to) => attempt(() => fs.renameSync(from, to)),
    realPath: path => {
      try {
        return fs.realpathSync(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error
        return resolve(path)
      }
    },
    setModified: (path, ms) => attempt(() => fs.utimesSync(path, ms / 1000, ms / 1000)),
    heap: { usedBytes: () => getHeapStatistics().used_heap_size, collect: collector() },
    workingFolder: process.cwd(),
    environment,
  }
}

/** V8’s collector, which Node shows only to contexts made after it is told to. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** Writes all bytes now; a pipe that is full for the moment is tried again. */
function writeAll(stream: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(stream, bytes, done)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

function readInput(): JvmHost['read'] {
  let rest = new Uint8Array(0)
  let chunks: AsyncIterator<Buffer> | undefined
  return async max => {
    chunks ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done) return rest
      rest = new Uint8Array(next.value)
    }
    const part = rest.subarray(0, max)
    rest = rest.subarray(part.length)
    return part
  }
}

function statOf(path: string, follow: boolean): HostFileInfo | undefined {
  const found = lookAt(path, follow)
  if (!found) return undefined
  const may = (mode: number): boolean => {
    try {
      fs.accessSync(path, mode)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      return false
    }
  }
  return {
    kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : found.isSymbolicLink() ? 'link' : 'other',
    id: found.ino,
    mode: found.mode & 0o7777,
    sizeBytes: found.size,
    modifiedMs: found.mtimeMs,
    readable: may(fs.constants.R_OK),
    writable: may(fs.constants.W_OK),
    executable: may(fs.constants.X_OK),
  }
}

function lookAt(path: string, follow: boolean): fs.Stats | undefined {
  try {
    return follow ? fs.statSync(path) : fs.lstatSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return undefined
  }
}

function openFile(path: string, mode: Parameters<JvmHost['open']>[1]): HostFile {
  const c = fs.constants
  const access = mode.read ? (mode.write ? c.O_RDWR : c.O_RDONLY) : c.O_WRONLY
  const flags =
    access |
    (mode.create ? c.O_CREAT : 0) |
    (mode.truncate ? c.O_TRUNC : 0) |
    (mode.exclusive ? c.O_EXCL : 0) |
    (mode.append ? c.O_APPEND : 0)
  const fd = attempt(() => fs.openSync(path, flags))
  return {
    read: (into, position) => attempt(() => fs.readSync(fd, into, 0, into.length, position)),
    write: (from, position) => attempt(() => fs.writeSync(fd, from, 0, from.length, position)),
    sizeBytes: () => attempt(() => fs.fstatSync(fd).size),
    truncate: sizeBytes => attempt(() => fs.ftruncateSync(fd, sizeBytes)),
    close: () => attempt(() => fs.closeSync(fd)),
  }
}

/** A run-time image in a file, open as long as the process lives. Throws `java.home` when it gets shorter meanwhile. */
export function imageFile(path: string): ImageBytes {
  const fd = fs.openSync(path, 'r')
  return {
    sizeBytes: fs.fstatSync(fd).size,
    read: (from, count) => {
      const bytes = new Uint8Array(count)
      for (let done = 0; done < count; ) {
        const got = fs.readSync(fd, bytes, done, count - done, from + done)
        if (got === 0) throw new DoppelError('java.home', `${path} ends before byte ${from + count}`, { path })
        done += got
      }
      return bytes
    },
  }
}
