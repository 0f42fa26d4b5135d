import type { Saved } from '@doppel/base'
import type { DirectoryEntry, FolderStore, NodeId, OpenFile, OpenMode } from '../../folder-store.ts'
import { ReopenedFile } from './reopened-file.ts'

/** Files and directories that one guest may have open at once. */
const MAX_OPEN_HANDLES = 65_536

/** A file that is open, and how it was opened. */
interface OpenHandle {
  readonly file: OpenFile
  readonly node: NodeId
  readonly mode: OpenMode
}

/** What one guest has open, as a snapshot has it: version 1. */
interface SessionState {
  readonly version: 1
  readonly isInitialized: boolean
  readonly nextHandle: number
  readonly files: readonly { readonly handle: number; readonly node: NodeId; readonly mode: OpenMode }[]
  readonly directories: readonly { readonly handle: number; readonly entries: readonly DirectoryEntry[] }[]
  readonly store: Saved
}

/** What one guest has open in a folder. */
export class FuseSession {
  readonly store: FolderStore
  /** Set by INIT; nothing else is answered before. */
  isInitialized = false
  readonly #files = new Map<number, OpenHandle>()
  /** A directory's names as they were when it was opened: offsets stay valid while it is read. */
  readonly #directories = new Map<number, readonly DirectoryEntry[]>()
  #nextHandle = 1
  #generation = 0

  /** Told when a store breaks its contract by throwing; the guest sees EIO. */
  readonly report: (error: unknown) => void

  constructor(store: FolderStore, report: (error: unknown) => void) {
    this.store = store
    this.report = report
  }

  /** Which life of the guest this is; a file opened for an earlier one must be closed, not kept. */
  get generation(): number {
    return this.#generation
  }

  get isFull(): boolean {
    return this.#files.size + this.#directories.size >= MAX_OPEN_HANDLES
  }

  file(handle: number): OpenFile | undefined {
    return this.#files.get(handle)?.file
  }
  keepFile(opened: OpenHandle): number {
    this.#files.set(this.#nextHandle, opened)
    return this.#nextHandle++
  }
  releaseFile(handle: number): void {
    this.#files.get(handle)?.file.close()
    this.#files.delete(handle)
  }

  directory(handle: number): readonly DirectoryEntry[] | undefined {
    return this.#directories.get(handle)
  }
  keepDirectory(entries: readonly DirectoryEntry[]): number {
    this.#directories.set(this.#nextHandle, entries)
    return this.#nextHandle++
  }
  releaseDirectory(handle: number): void {
    this.#directories.delete(handle)
  }

  /** The guest has unmounted or been reset. */
  end(): void {
    this.#generation++
    this.isInitialized = false
    for (const { file } of this.#files.values()) file.close()
    this.#files.clear()
    this.#directories.clear()
    this.store.forgetAll()
  }

  /** What a snapshot has to know; asked for while no request is under way. */
  save(): Saved {
    const state: SessionState = {
      version: 1,
      isInitialized: this.isInitialized,
      nextHandle: this.#nextHandle,
      files: [...this.#files].map(([handle, { node, mode }]) => ({ handle, node, mode })),
      directories: [...this.#directories].map(([handle, entries]) => ({ handle, entries })),
      store: this.store.save?.(),
    }
    return state as unknown as Saved
  }
  /** Goes on from what `save` told; files are opened again when they are used. */
  restore(saved: Saved): void {
    const state = saved as unknown as SessionState
    this.isInitialized = state.isInitialized
    this.#nextHandle = state.nextHandle
    this.store.restore?.(state.store)
    for (const { handle, node, mode } of state.files) {
      this.#files.set(handle, { file: new ReopenedFile(this.store, node, mode), node, mode })
    }
    for (const { handle, entries } of state.directories) this.#directories.set(handle, entries)
  }
}
