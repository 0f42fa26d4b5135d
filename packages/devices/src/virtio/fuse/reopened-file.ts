import { Errno } from '../../errno.ts'
import type { FolderStore, NodeId, OpenFile, OpenMode, Outcome } from '../../folder-store.ts'

/** A file that a guest had open before it was restored: it is opened once more when it is first used. */
export class ReopenedFile implements OpenFile {
  readonly #open: () => Promise<Outcome<OpenFile>>
  #file: Promise<Outcome<OpenFile>> | undefined
  #isClosed = false

  constructor(store: FolderStore, node: NodeId, { read, write }: OpenMode) {
    this.#open = () => store.open(node, { read, write, truncate: false })
  }

  async read(offset: number, lengthBytes: number): Promise<Outcome<Uint8Array>> {
    return await this.#use(file => file.read(offset, lengthBytes))
  }
  async write(offset: number, bytes: Uint8Array): Promise<Outcome<undefined>> {
    return await this.#use(file => file.write(offset, bytes))
  }
  async sync(dataOnly: boolean): Promise<Outcome<undefined>> {
    return await this.#use(file => file.sync(dataOnly))
  }
  close(): void {
    this.#isClosed = true
    void this.#file?.then(file => (typeof file === 'number' ? undefined : file.close()))
  }

  async #use<T extends object | undefined>(call: (file: OpenFile) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    this.#file ??= this.#open()
    const file = await this.#file
    if (typeof file === 'number') return file
    // Closed while it was being opened: `close` has closed it, or will.
    return this.#isClosed ? Errno.EBADF : await call(file)
  }
}
