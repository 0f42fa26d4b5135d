import type { Clock, EntropySource } from '@doppel/base'
import type { ModuleBuilder, Node } from '@doppel/wasm'
import type { Kind } from '../class-file/descriptor.ts'
import type { Frame } from '../translate/frame.ts'
import type { ClassTable } from './class-table.ts'
import type { JavaClass, Loader, Method, Ref, Value } from './classes.ts'
import type { Compiler } from './compiler.ts'
import type { Heap, SupportExports } from './heap.ts'
import type { Linker } from './linker.ts'
import type { Mirrors } from './mirrors.ts'
import type { Resolver } from './resolve.ts'
import type { CallSites } from './call-sites.ts'
import type { StackTraces } from './stack-traces.ts'
import type { Adapters } from './tasks.ts'
import type { Monitors } from './monitors.ts'
import type { Task } from './tasks.ts'
import type { Threads } from './threads.ts'

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
  readonly workingFolder: string
  /** Environment variables that the guest sees. */
  readonly environment: Readonly<Record<string, string>>
}

/** The code table: places are given out in runs and filled by modules as they are instantiated. */
export interface CodeTable {
  readonly table: WebAssembly.Table
  allocate(count: number): number
}

/** One Java virtual machine: its parts, and what they share. */
export interface Vm {
  readonly host: JvmHost
  readonly library: ClassLibrary
  readonly rt: SupportExports
  readonly memory: WebAssembly.Memory
  readonly view: DataView
  readonly codeTable: CodeTable
  readonly classes: ClassTable
  readonly heap: Heap
  readonly linker: Linker
  readonly resolver: Resolver
  readonly mirrors: Mirrors
  readonly compiler: Compiler
  readonly adapters: Adapters
  readonly sites: CallSites
  readonly threads: Threads
  readonly monitors: Monitors
  readonly traces: StackTraces
  readonly options: VmOptions
  /** The newest class file version accepted. */
  readonly maxMajor: number
  /** True once java/lang/Class exists, so that classes get their objects. */
  readonly booted: boolean
  readonly objectClassId: number
  /** Host values that guest objects stand for by number: open files and the like. */
  readonly state: Map<string, unknown>

  instantiate(module: ModuleBuilder, imports?: Record<string, Record<string, unknown>>): Record<string, unknown>
  growTables(classes: number): void
  /** Runs a task on a stack of its own, which may be suspended. */
  enter(task: Task): Promise<unknown>
  /** True when the machine is being ended from outside. */
  stopping(): boolean
  /** A new place for a static field’s value. */
  placeStatic(kind: Kind): number
  /** A new place in the table of references, holding `value`. */
  placeReference(value: Ref): number
  /** An array of arrays; as many dimensions as lengths. */
  newMultiArray(cls: JavaClass, lengths: readonly number[]): Ref
  /** The code of a signature-polymorphic intrinsic for a descriptor. */
  polymorphicPlace(name: string, descriptor: string, isStatic: boolean): number
  /** True for methods that ask who calls them. */
  callerSensitive(method: Method): boolean
  /** Bytes of memory outside the heap. Throws OutOfMemoryError. */
  allocate(bytes: number): number
  free(address: number): void
  /** The place of an interned string. */
  stringPlace(text: string): number
  initFlag(cls: JavaClass): number
  markInitialized(cls: JavaClass): void
  /** The throwable that a failure in host code is to the guest; rethrows what is no such thing. */
  throwableOf(error: unknown): Ref
  /** A new throwable without running its constructor, its stack trace filled in. */
  makeThrowable(className: string, message: string | null, cause?: Ref): Ref
  loaderLabel(loader: Loader): string
  readonly constants: {
    read(frame: Frame, constant: ResolvedConstant): Node
    make(kind: Kind, value: Value): ResolvedConstant
  }
}

/** How a machine is to behave. */
export interface VmOptions {
  /** System properties, by name. */
  readonly properties: Readonly<Record<string, string>>
  readonly enableAssertions?: boolean
  readonly verboseClass?: boolean
  /** Bytes that objects may take, as Runtime.maxMemory says. */
  readonly maxHeapBytes: number
  /** Bytes of a thread’s stack. */
  readonly stackBytes: number
  /** The `lib/modules`-style path that the guest sees as java.home. */
  readonly javaHome: string
}
