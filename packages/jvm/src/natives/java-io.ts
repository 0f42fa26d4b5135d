import { JavaProblem } from '../problem.ts'
import type { Ref } from '../runtime/classes.ts'
import { wait, type Work } from '../runtime/tasks.ts'
import { type HostFile, HostIoError, type Vm } from '../runtime/vm.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { natives } from './table.ts'

/** An open file of the guest. */
export interface OpenFile {
  readonly file: HostFile | undefined
  /** 0 to 2 for the standard streams. */
  readonly stream: number
  position: number
  readonly append: boolean
  readonly path: string
  /** In place of a file: a socket, or something else to wait for. */
  readonly endpoint?: Endpoint
}

/** The guest’s open files by descriptor number. */
export function filesOf(vm: Vm): Map<number, OpenFile> {
  let files = vm.state.get('files') as Map<number, OpenFile> | undefined
  if (!files) {
    files = new Map(
      [0, 1, 2].map(stream => [stream, { file: undefined, stream, position: 0, append: false, path: '' }]),
    )
    vm.state.set('files', files)
  }
  return files
}
/** Most files that may be open at once. */
const MAX_FILES = 4096

/** Opens a file and gives it a number. Throws HostIoError. */
export function openFile(vm: Vm, path: string, mode: Parameters<Vm['host']['open']>[1]): number {
  if (filesOf(vm).size >= MAX_FILES) throw new HostIoError('EMFILE', 'Too many open files')
  const file = vm.host.open(path, mode)
  return reserveDescriptor(vm, { file, stream: -1, position: 0, append: mode.append, path })
}
/** Gives something open the lowest free number. Throws HostIoError. */
export function reserveDescriptor(vm: Vm, open: OpenFile): number {
  const files = filesOf(vm)
  if (files.size >= MAX_FILES) throw new HostIoError('EMFILE', 'Too many open files')
  let fd = 3
  while (files.has(fd)) fd++
  files.set(fd, open)
  return fd
}
/** The open file of a descriptor number. */
export function fileAt(vm: Vm, fd: number): OpenFile {
  const open = filesOf(vm).get(fd)
  if (!open) throw new JavaProblem('java/io/IOException', 'Stream Closed')
  return open
}
const of = (vm: Vm, self: Ref): OpenFile => {
  const fd = vm.heap.get(self, 'fd') as Ref
  return fileAt(vm, fd === null ? -1 : (vm.heap.get(fd, 'fd') as number))
}
/** Runs host I/O; its failures are IOExceptions of the guest. */
export function io<R>(run: () => R): R {
  try {
    return run()
  } catch (error) {
    if (error instanceof HostIoError) throw new JavaProblem('java/io/IOException', error.reason)
    throw error
  }
}
function openStream(vm: Vm, self: Ref, path: Ref, mode: Parameters<Vm['host']['open']>[1]): void {
  const text = vm.heap.text(path)
  try {
    if (vm.host.stat(text)?.kind === 'folder') throw new HostIoError('EISDIR', 'Is a directory')
    vm.heap.set(vm.heap.get(self, 'fd') as Ref, 'fd', openFile(vm, text, mode))
  } catch (error) {
    if (error instanceof HostIoError) {
      throw new JavaProblem('java/io/FileNotFoundException', `${text} (${error.reason})`)
    }
    throw error
  }
}

/** Reads into a byte[]; standard input waits. Returns the count, -1 at the end. */
export function* readInto(vm: Vm, open: OpenFile, array: Ref, offset: number, length: number): Work<number> {
  if (length === 0) return 0
  if (open.stream === 0) {
    let bytes = new Uint8Array(0)
    const arrives = vm.host.read(length).then(got => {
      bytes = got as Uint8Array<ArrayBuffer>
    })
    yield* wait(arrives)
    vm.heap.setBytes(array, offset, bytes)
    return bytes.length === 0 ? -1 : bytes.length
  }
  const buffer = new Uint8Array(Math.min(length, 1 << 20))
  const count = io(() => (open.file as HostFile).read(buffer, open.position))
  open.position += count
  vm.heap.setBytes(array, offset, buffer.subarray(0, count))
  return count === 0 ? -1 : count
}
/** Writes bytes at the file’s position. */
export function writeTo(vm: Vm, open: OpenFile, bytes: Uint8Array): void {
  if (open.stream === 1 || open.stream === 2) return vm.host.write(open.stream, bytes)
  const { file } = open
  if (!file) throw new JavaProblem('java/io/IOException', 'Bad file descriptor')
  const position = open.append ? io(() => file.sizeBytes()) : open.position
  for (let done = 0; done < bytes.length; ) {
    done += io(() => file.write(bytes.subarray(done), position + done))
  }
  open.position = position + bytes.length
}
const bounds = (vm: Vm, array: Ref, offset: number, length: number): void => {
  if (array === null) throw new JavaProblem('java/lang/NullPointerException')
  if (offset < 0 || length < 0 || offset + length > vm.rt.arrayLength(array)) {
    throw new JavaProblem('java/lang/IndexOutOfBoundsException')
  }
}
const READ = { read: true, write: false, append: false, create: false, truncate: false, exclusive: false }

function* readOne(vm: Vm, self: Ref): Work<number> {
  const one = vm.heap.byteArray(new Uint8Array(1))
  const count: number = yield* readInto(vm, of(vm, self), one, 0, 1)
  return count < 0 ? -1 : vm.rt.getB(one, 0) & 255
}
function* readBytes(vm: Vm, self: Ref, array: Ref, offset: number, length: number): Work<number> {
  bounds(vm, array, offset, length)
  return yield* readInto(vm, of(vm, self), array, offset, length)
}

natives('java/io/FileInputStream', {
  open0: (vm: Vm, self: Ref, path: Ref) => openStream(vm, self, path, READ),
  read0: readOne,
  readBytes,
  length0: (vm: Vm, self: Ref) => BigInt(of(vm, self).file?.sizeBytes() ?? 0),
  position0: (vm: Vm, self: Ref) => BigInt(of(vm, self).position),
  skip0: (vm: Vm, self: Ref, count: bigint) => {
    const open = of(vm, self)
    if (!open.file) throw new JavaProblem('java/io/IOException', 'Illegal seek')
    open.position += Number(count)
    return count
  },
  available0: (vm: Vm, self: Ref) => {
    const open = of(vm, self)
    return open.file ? Math.max(0, Math.min(0x7fffffff, open.file.sizeBytes() - open.position)) : 0
  },
})
natives('java/io/FileOutputStream', {
  open0: (vm: Vm, self: Ref, path: Ref, append: number) =>
    openStream(vm, self, path, {
      read: false,
      write: true,
      append: append !== 0,
      create: true,
      truncate: !append,
      exclusive: false,
    }),
  write: (vm: Vm, self: Ref, byte: number) => writeTo(vm, of(vm, self), Uint8Array.of(byte)),
  writeBytes: (vm: Vm, self: Ref, array: Ref, offset: number, length: number) => {
    bounds(vm, array, offset, length)
    writeTo(vm, of(vm, self), vm.heap.bytes(array, offset, length))
  },
})
natives('java/io/RandomAccessFile', {
  open0: (vm: Vm, self: Ref, path: Ref, mode: number) => {
    const write = (mode & 2) !== 0
    openStream(vm, self, path, { read: true, write, append: false, create: write, truncate: false, exclusive: false })
  },
  read0: readOne,
  readBytes,
  write0: (vm: Vm, self: Ref, byte: number) => writeTo(vm, of(vm, self), Uint8Array.of(byte)),
  writeBytes: (vm: Vm, self: Ref, array: Ref, offset: number, length: number) => {
    bounds(vm, array, offset, length)
    writeTo(vm, of(vm, self), vm.heap.bytes(array, offset, length))
  },
  getFilePointer: (vm: Vm, self: Ref) => BigInt(of(vm, self).position),
  seek0: (vm: Vm, self: Ref, position: bigint) => {
    of(vm, self).position = Number(position)
  },
  length: (vm: Vm, self: Ref) => BigInt(io(() => of(vm, self).file?.sizeBytes() ?? 0)),
  setLength: (vm: Vm, self: Ref, length: bigint) => {
    const open = of(vm, self)
    io(() => open.file?.truncate(Number(length)))
    open.position = Math.min(open.position, Number(length))
  },
})
natives('java/io/ObjectStreamClass', {
  hasStaticInitializer: (vm: Vm, mirror: Ref) => (vm.classes.ofMirror(mirror).declared('<clinit>', '()V') ? 1 : 0),
})
natives('java/io/FileDescriptor', {
  getHandle: () => -1n,
  getAppend: (vm: Vm, fd: number) => (filesOf(vm).get(fd)?.append ? 1 : 0),
  sync: () => undefined,
  close0: (vm: Vm, self: Ref) => closeFile(vm, vm.heap.get(self, 'fd') as number, () => vm.heap.set(self, 'fd', -1)),
})
natives('java/io/FileCleanable', {
  cleanupClose0: (vm: Vm, fd: number) => closeFile(vm, fd, () => undefined),
})

/** Closes a descriptor number; the standard streams stay open. */
export function closeFile(vm: Vm, fd: number, done: () => void): void {
  const open = filesOf(vm).get(fd)
  if (!open) return
  done()
  if (open.stream >= 0) return
  filesOf(vm).delete(fd)
  open.endpoint?.close()
  io(() => open.file?.close())
}
