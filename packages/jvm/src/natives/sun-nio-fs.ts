import type { Ref } from '../runtime/classes.ts'
import { Thrown } from '../runtime/tasks.ts'
import { type HostFileInfo, HostIoError, type Vm } from '../runtime/vm.ts'
import { receive, send, vectored } from '../net/transfer.ts'
import { closeFile, fileAt, filesOf, openFile } from './java-io.ts'
import { natives } from './table.ts'

/** Linux’s errno numbers (errno(3)) of what the host may answer. */
const ERRNO: Readonly<Record<string, readonly [number, string]>> = {
  EPERM: [1, 'Operation not permitted'],
  ENOENT: [2, 'No such file or directory'],
  EIO: [5, 'Input/output error'],
  EBADF: [9, 'Bad file descriptor'],
  EACCES: [13, 'Permission denied'],
  EEXIST: [17, 'File exists'],
  EXDEV: [18, 'Invalid cross-device link'],
  ENOTDIR: [20, 'Not a directory'],
  EISDIR: [21, 'Is a directory'],
  EINVAL: [22, 'Invalid argument'],
  EMFILE: [24, 'Too many open files'],
  ENOSPC: [28, 'No space left on device'],
  EROFS: [30, 'Read-only file system'],
  ENAMETOOLONG: [36, 'File name too long'],
  ENOSYS: [38, 'Function not implemented'],
  ENOTEMPTY: [39, 'Directory not empty'],
  ELOOP: [40, 'Too many levels of symbolic links'],
  ENOTSUP: [95, 'Operation not supported'],
}
/** Modes and flags of open(2) and stat(2) on Linux. */
const [O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND] = [1, 2, 0o100, 0o200, 0o1000, 0o2000]
const [S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR] = [0o100000, 0o040000, 0o120000, 0o020000]

function unixException(vm: Vm, errno: string): Thrown {
  const object = vm.makeThrowable('sun/nio/fs/UnixException', null)
  vm.heap.set(object, 'errno', (ERRNO[errno] ?? ERRNO.EIO)?.[0] as number)
  return new Thrown(object)
}
/** Runs host I/O; its failures are UnixExceptions. */
function unix<R>(vm: Vm, run: () => R): R {
  try {
    return run()
  } catch (error) {
    if (error instanceof HostIoError) throw unixException(vm, error.errno)
    throw error
  }
}
const decoder = new TextDecoder()
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The NUL-terminated path at an address. */
function pathAt(vm: Vm, address: bigint): string {
  const bytes = new Uint8Array(vm.memory.buffer)
  const from = Number(address)
  let end = from
  while (bytes[end] !== 0) end++
  const text = decoder.decode(bytes.slice(from, end))
  return text === '' ? '.' : text
}

function setAttributes(vm: Vm, attributes: Ref, info: HostFileInfo): void {
  const type = { file: S_IFREG, folder: S_IFDIR, link: S_IFLNK, other: S_IFCHR }[info.kind]
  const bits = (info.readable ? 0o444 : 0) | (info.writable ? 0o200 : 0) | (info.executable ? 0o111 : 0)
  const set = (name: string, value: number | bigint): void => vm.heap.set(attributes, name, value)
  set('st_mode', type | (info.mode ?? bits))
  set('st_ino', BigInt(info.id))
  set('st_dev', 1n)
  set('st_nlink', 1)
  set('st_uid', 1000)
  set('st_gid', 1000)
  set('st_size', BigInt(info.sizeBytes))
  const seconds = BigInt(Math.floor(info.modifiedMs / 1000))
  const nanoseconds = BigInt(Math.floor((info.modifiedMs % 1000) * 1e6))
  for (const time of ['atime', 'mtime', 'ctime', 'birthtime']) {
    set(`st_${time}_sec`, seconds)
    set(`st_${time}_nsec`, nanoseconds)
  }
}
function statInto(vm: Vm, path: bigint, attributes: Ref, follow: boolean): void {
  const info = unix(vm, () => vm.host.stat(pathAt(vm, path), follow))
  if (!info) throw unixException(vm, 'ENOENT')
  setAttributes(vm, attributes, info)
}
/** Open folder streams: names not read yet. */
function foldersOf(vm: Vm): Map<bigint, string[]> {
  const folders = (vm.state.get('folders') ?? new Map()) as Map<bigint, string[]>
  vm.state.set('folders', folders)
  return folders
}
const unsupported = (vm: Vm): never => {
  throw unixException(vm, 'ENOTSUP')
}

natives('sun/nio/fs/UnixNativeDispatcher', {
  init: () => 0,
  getcwd: (vm: Vm) => vm.heap.byteArray(encode(vm.host.workingFolder)),
  strerror: (vm: Vm, errno: number) =>
    vm.heap.byteArray(
      encode(Object.values(ERRNO).find(([number]) => number === errno)?.[1] ?? `Unknown error ${errno}`),
    ),
  open0: (vm: Vm, path: bigint, flags: number) =>
    unix(vm, () =>
      openFile(vm, pathAt(vm, path), {
        read: (flags & O_WRONLY) === 0,
        write: (flags & (O_WRONLY | O_RDWR)) !== 0,
        append: (flags & O_APPEND) !== 0,
        create: (flags & O_CREAT) !== 0,
        truncate: (flags & O_TRUNC) !== 0,
        exclusive: (flags & O_EXCL) !== 0,
      }),
    ),
  close0: (vm: Vm, fd: number) => closeFile(vm, fd, () => undefined),
  unlink0: (vm: Vm, path: bigint) => unix(vm, () => vm.host.remove(pathAt(vm, path))),
  rmdir0: (vm: Vm, path: bigint) => unix(vm, () => vm.host.remove(pathAt(vm, path))),
  mkdir0: (vm: Vm, path: bigint) => unix(vm, () => vm.host.makeFolder(pathAt(vm, path))),
  rename0: (vm: Vm, from: bigint, to: bigint) => unix(vm, () => vm.host.rename(pathAt(vm, from), pathAt(vm, to))),
  realpath0: (vm: Vm, path: bigint) => {
    const text = pathAt(vm, path)
    if (!vm.host.stat(text)) throw unixException(vm, 'ENOENT')
    return vm.heap.byteArray(encode(unix(vm, () => vm.host.realPath(text))))
  },
  readlink0: (vm: Vm, path: bigint) => vm.heap.byteArray(encode(unix(vm, () => vm.host.readLink(pathAt(vm, path))))),
  stat0: (vm: Vm, path: bigint, attributes: Ref) => statInto(vm, path, attributes, true),
  stat1: (vm: Vm, path: bigint) => {
    const info = vm.host.stat(pathAt(vm, path))
    return info ? (info.kind === 'folder' ? S_IFDIR : info.kind === 'file' ? S_IFREG : S_IFCHR) : 0
  },
  lstat0: (vm: Vm, path: bigint, attributes: Ref) => statInto(vm, path, attributes, false),
  fstat: (vm: Vm, fd: number, attributes: Ref) => {
    const info = vm.host.stat(fileAt(vm, fd).path)
    if (!info) throw unixException(vm, 'EBADF')
    setAttributes(vm, attributes, info)
  },
  chmod0: (vm: Vm, path: bigint) => {
    if (!vm.host.stat(pathAt(vm, path))) throw unixException(vm, 'ENOENT')
  },
  fchmod: () => undefined,
  utimes0: (vm: Vm, path: bigint, _access: bigint, modified: bigint) =>
    unix(vm, () => vm.host.setModified(pathAt(vm, path), Number(modified) / 1000)),
  futimes: (vm: Vm, fd: number, _access: bigint, modified: bigint) =>
    unix(vm, () => vm.host.setModified(fileAt(vm, fd).path, Number(modified) / 1000)),
  futimens: (vm: Vm, fd: number, _access: bigint, modified: bigint) =>
    unix(vm, () => vm.host.setModified(fileAt(vm, fd).path, Number(modified) / 1e6)),
  opendir0: (vm: Vm, path: bigint) => {
    const text = pathAt(vm, path)
    const info = vm.host.stat(text)
    if (!info) throw unixException(vm, 'ENOENT')
    const names = info.kind === 'folder' ? vm.host.list(text) : undefined
    if (!names) throw unixException(vm, info.kind === 'folder' ? 'EACCES' : 'ENOTDIR')
    const folders = foldersOf(vm)
    const id = BigInt(folders.size + 1)
    folders.set(id, ['.', '..', ...names])
    return id
  },
  readdir: (vm: Vm, id: bigint) => {
    const name = foldersOf(vm).get(id)?.shift()
    return name === undefined ? null : vm.heap.byteArray(encode(name))
  },
  closedir: (vm: Vm, id: bigint) => {
    foldersOf(vm).set(id, [])
  },
  access0: (vm: Vm, path: bigint, mode: number) => {
    const info = vm.host.stat(pathAt(vm, path))
    if (!info) throw unixException(vm, 'ENOENT')
    if ((mode & 4 && !info.readable) || (mode & 2 && !info.writable) || (mode & 1 && !info.executable)) {
      throw unixException(vm, 'EACCES')
    }
  },
  exists0: (vm: Vm, path: bigint) => (vm.host.stat(pathAt(vm, path)) ? 1 : 0),
  getpwuid: (vm: Vm) => vm.heap.byteArray(encode(vm.options.properties['user.name'] ?? 'doppel')),
  getgrgid: (vm: Vm) => vm.heap.byteArray(encode(vm.options.properties['user.name'] ?? 'doppel')),
  getpwnam0: () => 1000,
  getgrnam0: () => 1000,
  symlink0: unsupported,
  link0: unsupported,
  dup: unsupported,
  mknod0: unsupported,
  chown0: unsupported,
  statvfs0: unsupported,
  read: unsupported,
})
/** Bytes that a copy moves at a time. */
const COPY_BYTES = 65_536
natives('sun/nio/fs/UnixCopyFile', {
  transfer: (vm: Vm, to: number, from: number) =>
    unix(vm, () => {
      const [source, target] = [fileAt(vm, from), fileAt(vm, to)]
      const buffer = new Uint8Array(COPY_BYTES)
      for (let at = 0; ; ) {
        const count = source.file?.read(buffer, at) ?? 0
        if (count === 0) return
        for (let done = 0; done < count; ) done += target.file?.write(buffer.subarray(done, count), at + done) ?? count
        at += count
      }
    }),
})
natives('sun/nio/fs/LinuxNativeDispatcher', { init: () => undefined })

/** The open file behind a java.io.FileDescriptor. */
function behind(vm: Vm, descriptor: Ref): ReturnType<typeof fileAt> {
  return fileAt(vm, vm.heap.get(descriptor, 'fd') as number)
}
/** sun.nio.ch.IOStatus.EOF. */
const EOF = -1
function readAt(vm: Vm, descriptor: Ref, address: bigint, length: number, position: number): number {
  const { file } = behind(vm, descriptor)
  if (!file) return EOF
  const count = file.read(new Uint8Array(vm.memory.buffer, Number(address), length), position)
  return count === 0 && length > 0 ? EOF : count
}
natives('sun/nio/ch/FileDispatcherImpl', {
  init: () => undefined,
  read0: (vm: Vm, descriptor: Ref, address: bigint, length: number) => {
    const open = behind(vm, descriptor)
    if (open.endpoint) return receive(vm, open.endpoint, address, length)
    const count = readAt(vm, descriptor, address, length, open.position)
    if (count > 0) open.position += count
    return count
  },
  pread0: (vm: Vm, descriptor: Ref, address: bigint, length: number, position: bigint) =>
    readAt(vm, descriptor, address, length, Number(position)),
  write0: (vm: Vm, descriptor: Ref, address: bigint, length: number) => {
    const open = behind(vm, descriptor)
    if (open.endpoint) return send(vm, open.endpoint, address, length)
    const bytes = new Uint8Array(vm.memory.buffer, Number(address), length)
    if (!open.file) {
      vm.host.write(open.stream === 2 ? 2 : 1, bytes.slice())
      return length
    }
    const at = open.append ? open.file.sizeBytes() : open.position
    const count = open.file.write(bytes, at)
    open.position = at + count
    return count
  },
  pwrite0: (vm: Vm, descriptor: Ref, address: bigint, length: number, position: bigint) =>
    behind(vm, descriptor).file?.write(new Uint8Array(vm.memory.buffer, Number(address), length), Number(position)) ??
    0,
  force0: () => 0,
  seek0: (vm: Vm, descriptor: Ref, offset: bigint) => {
    const open = behind(vm, descriptor)
    if (offset >= 0n) open.position = Number(offset)
    return BigInt(open.position)
  },
  truncate0: (vm: Vm, descriptor: Ref, size: bigint) => {
    behind(vm, descriptor).file?.truncate(Number(size))
    return 0
  },
  size0: (vm: Vm, descriptor: Ref) => BigInt(behind(vm, descriptor).file?.sizeBytes() ?? 0),
  lock0: () => 0,
  release0: () => undefined,
  close0: (vm: Vm, descriptor: Ref) => closeFile(vm, vm.heap.get(descriptor, 'fd') as number, () => undefined),
  // Whoever waits for it hears of it; its number is still taken.
  preClose0: (vm: Vm, descriptor: Ref) =>
    filesOf(vm)
      .get(vm.heap.get(descriptor, 'fd') as number)
      ?.endpoint?.close(),
  readv0: (vm: Vm, descriptor: Ref, address: bigint, count: number) =>
    BigInt(vectored(vm, behind(vm, descriptor).endpoint, address, count, receive)),
  writev0: (vm: Vm, descriptor: Ref, address: bigint, count: number) =>
    BigInt(vectored(vm, behind(vm, descriptor).endpoint, address, count, send)),
  closeIntFD: (vm: Vm, fd: number) => closeFile(vm, fd, () => undefined),
  canTransferToFromOverlappedMap0: () => 0,
})
/** Bytes of a mapped file are copied: the machine’s memory is its own. */
natives('sun/nio/ch/FileChannelImpl', {
  initIDs: () => 4096n,
  map0: (vm: Vm, self: Ref, _protection: number, position: bigint, length: bigint) => {
    const descriptor = vm.heap.get(self, 'fd') as Ref
    const address = vm.allocate(Number(length))
    behind(vm, descriptor).file?.read(new Uint8Array(vm.memory.buffer, address, Number(length)), Number(position))
    return BigInt(address)
  },
  unmap0: (vm: Vm, address: bigint) => {
    vm.free(Number(address))
    return 0
  },
  transferTo0: () => -4n,
  maxDirectTransferSize0: () => 0x7fffffff,
})
natives('sun/nio/ch/IOUtil', {
  initIDs: () => undefined,
  iovMax: () => 16,
  fdLimit: () => 4096,
  fdVal: (vm: Vm, descriptor: Ref) => vm.heap.get(descriptor, 'fd') as number,
  setfdVal: (vm: Vm, descriptor: Ref, fd: number) => vm.heap.set(descriptor, 'fd', fd),
  configureBlocking: () => undefined,
  randomBytes: (vm: Vm, bytes: Ref) => {
    const random = new Uint8Array(vm.rt.arrayLength(bytes))
    vm.host.entropy.fill(random)
    vm.heap.setBytes(bytes, 0, random)
    return 1
  },
})
natives('sun/nio/ch/NativeThread', {
  current: (vm: Vm) => BigInt(vm.threads.current.id),
  // Its wait ends because what it waits for is closed.
  signal: () => undefined,
  init: () => undefined,
  supportPendingSignals0: () => 0,
})
natives('jdk/internal/jimage/NativeImageBuffer', { getNativeMap: () => null })
