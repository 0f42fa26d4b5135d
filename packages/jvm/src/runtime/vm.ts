import type { Clock, EntropySource } from '@doppel/base'
import type { CodeStore } from '../archive/archive.ts'
import type { JvmNetwork } from '../net/network-port.ts'
import type { Kind } from '../class-file/descriptor.ts'
import type { Machine } from './machine.ts'

/** What a dynamically computed constant, method handle or method type came to. */
export interface ResolvedConstant {
  readonly isConstant: true
  readonly kind: Kind
  /** A reference’s place in the table, or a primitive value’s address in memory. */
  readonly place: number
}

/** Where classes of the platform come from. */
export interface ClassLibrary {
  findClass(name: string): Uint8Array | undefined
  moduleOf(packageName: string): string | undefined
  find(path: string): Uint8Array | undefined
}

/** A file or folder that the host shows the machine. */
export interface HostFileInfo {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  /** Tells files apart. */
  readonly id: number
  /** Permission bits, where the host has them. */
  readonly mode?: number
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly readable: boolean
  readonly writable: boolean
  readonly executable: boolean
}
/** An open file. Failures are errno names, e.g. `ENOENT`, thrown as `HostIoError`. */
export interface HostFile {
  read(into: Uint8Array, position: number): number
  write(from: Uint8Array, position: number): number
  sizeBytes(): number
  truncate(sizeBytes: number): void
  close(): void
}
/** A failure of the host’s files. `reason` is what the guest’s message says, e.g. `No such file or directory`. */
export class HostIoError extends Error {
  readonly errno: string
  readonly reason: string
  constructor(errno: string, reason: string) {
    super(reason)
    this.errno = errno
    this.reason = reason
  }
}
/** What the host can tell of its own memory, in which guest objects live. */
export interface HostHeap {
  usedBytes(): number
  /** Frees what nothing holds, now. */
  collect(): void
}
/** The world outside one machine. Everything is injected; a machine has nothing else. */
export interface JvmHost {
  readonly clock: Clock
  readonly entropy: EntropySource
  /** Bytes for standard output (1) or error (2). */
  write(stream: 1 | 2, bytes: Uint8Array): void
  /** The next bytes of standard input, at most `max`; empty at its end. */
  read(max: number): Promise<Uint8Array>
  /** Undefined when there is nothing; links are followed unless `follow` is false. */
  stat(path: string, follow?: boolean): HostFileInfo | undefined
  readLink(path: string): string
  /** Mode as open(2) combines them. */
  open(
    path: string,
    mode: { read: boolean; write: boolean; append: boolean; create: boolean; truncate: boolean; exclusive: boolean },
  ): HostFile
  list(path: string): string[] | undefined
  makeFolder(path: string): void
  remove(path: string): void
  rename(from: string, to: string): void
  /** The path with links followed and dots removed. */
  realPath(path: string): string
  setModified(path: string, modifiedMs: number): void
  /** Without it, -Xmx holds for single arrays only, and System.gc does nothing. */
  readonly heap?: HostHeap
  /** Where compiled code is kept for later runs with this library; nothing is kept without it. */
  readonly codeStore?: CodeStore | undefined
  /** The network beyond the machine’s own loopback; there is none without it. */
  readonly network?: JvmNetwork | undefined
  /** Asked whenever a thread is to go on; what it returns holds all of them for as long as it is pending. */
  readonly turn?: (() => Promise<void> | undefined) | undefined
  readonly workingFolder: string
  /** Environment variables that the guest sees. */
  readonly environment: Readonly<Record<string, string>>
}

/** The code table: places are given out in runs and filled by modules as they are instantiated. */
export interface CodeTable {
  readonly table: WebAssembly.Table
  allocate(count: number): number
}

/** One Java virtual machine: its parts, and what they share. `Machine` declares them, once. */
export type Vm = Machine

/** How a machine is to behave. */
export interface VmOptions {
  /** System properties, by name. */
  readonly properties: Readonly<Record<string, string>>
  readonly enableAssertions?: boolean
  readonly verboseClass?: boolean
  /** Code can be debugged; with `waits`, the program begins when a debugger says so. */
  readonly debug?: { readonly waits: boolean } | undefined
  /** Bytes that objects may take, as Runtime.maxMemory says. */
  readonly maxHeapBytes: number
  /** Bytes of a thread’s stack. */
  readonly stackBytes: number
  /** The `lib/modules`-style path that the guest sees as java.home. */
  readonly javaHome: string
}
