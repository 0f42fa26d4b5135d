import type { CharPort } from '@doppel/base'

/** Output kept for those who look later. */
const KEPT_BYTES = 1024 * 1024

/** Someone who looks at a machine's console. */
export interface ConsoleViewer {
  write(bytes: Uint8Array): void
  /** Its size in character cells; the console has that of the viewer who last told one. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined
}

/** A machine's console that nobody needs to watch: what it printed last is kept, and viewers come and go. */
export class Console implements CharPort {
  readonly #viewers = new Set<ConsoleViewer>()
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #receive: (bytes: Uint8Array) => void = () => undefined
  #resized: () => void = () => undefined
  #size: { readonly columns: number; readonly rows: number } = { columns: 80, rows: 24 }

  /** What was printed last, at most a mebibyte. */
  get output(): Uint8Array {
    const all = new Uint8Array(this.#keptBytes)
    let at = 0
    for (const part of this.#kept) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
  /** Types on the console. */
  type(bytes: Uint8Array): void {
    this.#receive(bytes)
  }
  /** Shows the console to a viewer from now on; returns how to end that. */
  attach(viewer: ConsoleViewer): () => void {
    this.#viewers.add(viewer)
    if (viewer.size) this.resize(viewer.size)
    return () => void this.#viewers.delete(viewer)
  }
  resize(size: { readonly columns: number; readonly rows: number }): void {
    this.#size = size
    this.#resized()
  }

  write(bytes: Uint8Array): void {
    const copy = bytes.slice()
    this.#kept.push(copy)
    this.#keptBytes += copy.length
    while (this.#keptBytes > KEPT_BYTES) this.#keptBytes -= this.#kept.shift()?.length ?? this.#keptBytes
    for (const viewer of this.#viewers) viewer.write(copy)
  }
  onInput(receive: (bytes: Uint8Array) => void): void {
    this.#receive = receive
  }
  size(): { readonly columns: number; readonly rows: number } {
    return this.#size
  }
  onResize(changed: () => void): void {
    this.#resized = changed
  }
}
