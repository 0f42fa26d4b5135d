import { JavaProblem } from '../problem.ts'
import type { Ref } from '../runtime/classes.ts'
import { HostIoError, type Vm } from '../runtime/vm.ts'
import { closeFile, io, openFile } from './java-io.ts'
import { natives } from './table.ts'

/** java.io.FileSystem’s BA_ constants. */
const [EXISTS, REGULAR, DIRECTORY] = [1, 2, 4]
const [EXECUTE, WRITE, READ] = [1, 2, 4]

const pathOf = (vm: Vm, file: Ref): string => {
  const path = vm.heap.text(vm.heap.get(file, 'path') as Ref)
  return path === '' ? '.' : path
}
/** What the host answers, or false when it fails. */
function succeeds(run: () => void): number {
  try {
    run()
    return 1
  } catch (error) {
    if (error instanceof HostIoError) return 0
    throw error
  }
}

natives('java/io/UnixFileSystem', {
  canonicalize0: (vm: Vm, _self: Ref, path: Ref) => vm.heap.string(io(() => vm.host.realPath(vm.heap.text(path)))),
  getBooleanAttributes0: (vm: Vm, _self: Ref, file: Ref) => {
    const info = vm.host.stat(pathOf(vm, file))
    if (!info) return 0
    return EXISTS | (info.kind === 'file' ? REGULAR : info.kind === 'folder' ? DIRECTORY : 0)
  },
  checkAccess: (vm: Vm, _self: Ref, file: Ref, access: number) => {
    const info = vm.host.stat(pathOf(vm, file))
    if (!info) return 0
    const refused =
      (access & READ && !info.readable) || (access & WRITE && !info.writable) || (access & EXECUTE && !info.executable)
    return refused ? 0 : 1
  },
  getLastModifiedTime: (vm: Vm, _self: Ref, file: Ref) =>
    BigInt(Math.floor(vm.host.stat(pathOf(vm, file))?.modifiedMs ?? 0)),
  getLength: (vm: Vm, _self: Ref, file: Ref) => BigInt(vm.host.stat(pathOf(vm, file))?.sizeBytes ?? 0),
  setPermission: () => 1,
  createFileExclusively: (vm: Vm, _self: Ref, path: Ref) => {
    try {
      const mode = { read: false, write: true, append: false, create: true, truncate: false, exclusive: true }
      closeFile(vm, openFile(vm, vm.heap.text(path), mode), () => undefined)
      return 1
    } catch (error) {
      if (!(error instanceof HostIoError)) throw error
      if (error.errno === 'EEXIST') return 0
      throw new JavaProblem('java/io/IOException', error.reason)
    }
  },
  delete0: (vm: Vm, _self: Ref, file: Ref) => succeeds(() => vm.host.remove(pathOf(vm, file))),
  list: (vm: Vm, _self: Ref, file: Ref) => {
    const names = vm.host.list(pathOf(vm, file))
    return names
      ? vm.heap.refArray(
          '[Ljava/lang/String;',
          names.map(n => vm.heap.string(n)),
        )
      : null
  },
  createDirectory: (vm: Vm, _self: Ref, file: Ref) => succeeds(() => vm.host.makeFolder(pathOf(vm, file))),
  rename0: (vm: Vm, _self: Ref, from: Ref, to: Ref) => succeeds(() => vm.host.rename(pathOf(vm, from), pathOf(vm, to))),
  setLastModifiedTime: (vm: Vm, _self: Ref, file: Ref, ms: bigint) =>
    succeeds(() => vm.host.setModified(pathOf(vm, file), Number(ms))),
  setReadOnly: () => 1,
  getSpace: () => 0n,
  getNameMax0: () => 255n,
})
