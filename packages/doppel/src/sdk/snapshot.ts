import type { RunOptions } from '../cli/run-options.ts'
import { type MachineImage, openImage, saveImage } from './image.ts'

/** A moment of a machine's, to go on from with `Machine.restore`. */
export class Snapshot {
  readonly #image: MachineImage

  constructor(image: MachineImage) {
    this.#image = image
  }
  /** Opens a snapshot that was saved; memory is read, and checked, as it is needed. Throws `snapshot.*`. */
  static open(path: string): Snapshot {
    return new Snapshot(openImage(path))
  }
  /** Writes it to a file: whole and durable, or not at all. Throws `snapshot.file`. */
  async save(path: string): Promise<void> {
    await saveImage(path, this.#image)
  }
  /** Machines restored from a saved snapshot read from its file until they end: close it after them. */
  close(): void {
    this.#image.close()
  }
  /** What it is a snapshot of: the image, and the machine's options. */
  get description(): { readonly image: string; readonly options: Omit<RunOptions, 'env'> } {
    const { env: _, ...options } = this.#image.options
    return { image: this.#image.image, options }
  }
  /** What a snapshot is of; for the SDK alone. */
  static imageOf(snapshot: Snapshot): MachineImage {
    return snapshot.#image
  }
}
