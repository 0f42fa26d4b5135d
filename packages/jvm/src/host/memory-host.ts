import { hostClock, hostEntropy } from '@doppel/base'
import type { JvmNetwork } from '../net/network-port.ts'
import type { JvmHost } from '../runtime/vm.ts'
import { MemoryFiles } from './memory-files.ts'

/** What a machine without a computer’s files has instead. */
export interface MemoryHostOptions {
  /** Files that are there at first, by absolute path. */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Bytes for standard output (1) or error (2). */
  readonly write: (stream: 1 | 2, bytes: Uint8Array) => void
  /** Standard input; at its end at once when not given. */
  readonly read?: JvmHost['read']
  readonly network?: JvmNetwork
  readonly environment?: Readonly<Record<string, string>>
}

/** A host for a page or a test: files in memory, the working folder `/home`, this computer’s clock and entropy. */
export function memoryHost(options: MemoryHostOptions): JvmHost {
  const workingFolder = '/home'
  const files = new MemoryFiles(options.files, workingFolder, () => performance.timeOrigin + performance.now())
  return {
    clock: hostClock(),
    entropy: hostEntropy,
    write: options.write,
    read: options.read ?? (() => Promise.resolve(new Uint8Array(0))),
    stat: path => files.stat(path),
    readLink: () => files.readLink(),
    open: (path, mode) => files.open(path, mode),
    list: path => files.list(path),
    makeFolder: path => files.makeFolder(path),
    remove: path => files.remove(path),
    rename: (from, to) => files.rename(from, to),
    realPath: path => files.realPath(path),
    setModified: (path, ms) => files.setModified(path, ms),
    ...(options.network && { network: options.network }),
    workingFolder,
    environment: options.environment ?? {},
  }
}
