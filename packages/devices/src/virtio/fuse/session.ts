import type { DirectoryEntry, FolderStore, OpenFile } from '../../folder-store.ts'

/** Files and directories that one guest may have open at once. */
const MAX_OPEN_HANDLES = 65_536

/** What one guest has open in a folder. */
export class FuseSession {
  readonly store: FolderStore
  /** Set by INIT; nothing else is answered before. */
  isInitialized = false
  readonly #files = new Map<number, OpenFile>()
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
    return this.#files.get(handle)
  }
  keepFile(file: OpenFile): number {
    this.#files.set(this.#nextHandle, file)
    return this.#nextHandle++
  }
  releaseFile(handle: number): void {
    this.#files.get(handle)?.close()
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
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
    this.#directories.clear()
    this.store.forgetAll()
  }
}
