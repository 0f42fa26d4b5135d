import { dirname, relative, resolve } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { RunOptions } from '../cli/run-options.ts'
import { openSnapshotFile } from '../host/snapshot-host.ts'
import { type MachineImage, openImage, saveImage } from './image.ts'
import { type ListedSnapshot, listSnapshots, removeSnapshot, snapshotPath } from './snapshot-store.ts'

/** Gives back what a snapshot held that was forgotten unclosed. */
const forgotten = new FinalizationRegistry<MachineImage>(image => void image.release())

/** A moment of a machine's, to go on from with `Machine.restore`. */
export class Snapshot implements AsyncDisposable {
  readonly #image: MachineImage
  /** The file it is in, once there is one. */
  #path: string | undefined
  #isClosed = false

  constructor(image: MachineImage, path?: string) {
    this.#image = image
    this.#path = path
    forgotten.register(this, image, this)
  }
  /** Opens a snapshot by its name or file; memory is read, and checked, as it is needed. Throws `snapshot.*`. */
  static open(nameOrFile: string): Snapshot {
    const path = snapshotPath(nameOrFile, process.env)
    return new Snapshot(openImage(path), path)
  }
  /** The snapshots that have a name. */
  static async list(): Promise<ListedSnapshot[]> {
    return await listSnapshots(process.env)
  }
  /** Removes one that has a name. Throws `snapshot.name`, `snapshot.in-use`. */
  static async remove(name: string): Promise<void> {
    await removeSnapshot(name, process.env)
  }
  get path(): string | undefined {
    return this.#path
  }
  /**
   * Writes it to a file: whole and durable, or not at all. With `parent`, an earlier snapshot's file, only what differs
   * from that is written, and it is needed as long as this one is. Throws `snapshot.*`.
   */
  async save(path: string, { parent }: { readonly parent?: string | undefined } = {}): Promise<void> {
    const image = Snapshot.imageOf(this)
    if (parent === undefined) await saveImage(path, image)
    else {
      const opened = openSnapshotFile(parent)
      try {
        const place = relative(dirname(resolve(path)), resolve(parent))
        await saveImage(path, image, { file: opened.file, path: place })
      } finally {
        opened.close()
      }
    }
    this.#path = resolve(path)
  }
  /** Gives back the files it reads from, once the machines that were restored from it have ended. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    forgotten.unregister(this)
    await this.#image.release()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
  /** What it is a snapshot of: the image, and the machine's options. */
  get description(): { readonly image: string; readonly options: Omit<RunOptions, 'env'> } {
    const { env: _, ...options } = this.#image.options
    return { image: this.#image.image, options }
  }
  /** What a snapshot is of; for the SDK alone. */
  static imageOf(snapshot: Snapshot): MachineImage {
    if (snapshot.#isClosed) throw new DoppelError('snapshot.closed', 'this snapshot has been closed')
    return snapshot.#image
  }
}
