/** poll(2)’s events, as Linux numbers them. */
export const POLL = { in: 1, out: 4, error: 8, hangUp: 16, invalid: 32 } as const

/** Something with a descriptor that threads and selectors wait for. */
export abstract class Endpoint {
  readonly #watchers = new Set<() => void>()
  isClosed = false

  /** Events of `POLL` that are so now. */
  abstract get ready(): number
  /** The next bytes, at most `max`; empty at the end, undefined when there are none yet. Throws HostIoError. */
  abstract read(max: number): Uint8Array | undefined
  /** Takes bytes over; how many, 0 when there is no room yet. Throws HostIoError. */
  abstract write(bytes: Uint8Array): number
  /** Bytes that can be read at once. */
  abstract get available(): number
  protected abstract closing(): void

  /** Calls back at each change until the result is called. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }
  changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.closing()
    this.changed()
  }
}

/** An eventfd(2): readable once it has been set. */
export class EventFlag extends Endpoint {
  #isSet = false

  get ready(): number {
    return this.#isSet ? POLL.in | POLL.out : POLL.out
  }
  get available(): number {
    return this.#isSet ? 8 : 0
  }
  read(): Uint8Array | undefined {
    const wasSet = this.#isSet
    this.#isSet = false
    return wasSet ? new Uint8Array(8) : undefined
  }
  write(bytes: Uint8Array): number {
    this.set()
    return bytes.length
  }
  set(): void {
    this.#isSet = true
    this.changed()
  }
  protected closing(): void {
    this.#isSet = false
  }
}
