import type { GuestMemory } from '@doppel/base'

const PAGE_BYTES = 4096
const PAGE_SHIFT = 12
const ZEROS = new Uint8Array(PAGE_BYTES)

/**
 * One machine's guest-physical RAM: its pages map to frames of the engine's memory through a table. A frame is given out
 * when a page is first touched, zeroed. Host addresses are byte offsets into that memory, never 0.
 */
export class Frames implements GuestMemory {
  readonly ranges: readonly { readonly base: number; readonly lengthBytes: number }[]
  readonly #base: number
  readonly #pages: number
  readonly #bytes: Uint8Array
  readonly #table: Int32Array
  readonly #firstFrame: number
  /** A lock, and how many frames have been given out: in memory, since threads share them. */
  readonly #counts: Int32Array
  /** A byte for each page: 1 where it may have been written since somebody last asked. */
  readonly #dirty: Uint8Array
  /** Frames given back; where threads share the memory there are none. */
  readonly #free: number[] = []
  /** Pages that were given back: they are zeros now, whatever the source has. */
  #emptied: Uint8Array | undefined
  /** Fills a page when it is first touched; without one it is zeros. A restored machine's memory comes this way. */
  source: ((page: number, into: Uint8Array) => void) | undefined
  /** Told of every page that a device or loader writes, before it is written. */
  onWrite: (page: number) => void = () => {}
  /** Told of it once more when it has been written. */
  onWritten: (page: number) => void = () => {}
  /** Gives a page its frame elsewhere, where what fills it is: on another thread. */
  giver: ((page: number) => number) | undefined

  /**
   * `firstFrame` is the host address from which on `lengthBytes` of `memory` are free for frames; `tableAt`, if given,
   * that of an i32 per page, where generated code finds the table, `countsAt` that of two more, for the frames given out,
   * and `dirtyAt` that of a byte per page, where generated code says what it may write.
   */
  constructor(
    memory: ArrayBufferLike,
    base: number,
    lengthBytes: number,
    firstFrame: number,
    tableAt?: number,
    countsAt?: number,
    dirtyAt?: number,
  ) {
    this.#base = base
    this.#pages = lengthBytes / PAGE_BYTES
    this.#bytes = new Uint8Array(memory)
    this.#table = tableAt === undefined ? new Int32Array(this.#pages) : new Int32Array(memory, tableAt, this.#pages)
    this.#counts = countsAt === undefined ? new Int32Array(2) : new Int32Array(memory, countsAt, 2)
    this.#dirty = dirtyAt === undefined ? new Uint8Array(this.#pages) : new Uint8Array(memory, dirtyAt, this.#pages)
    this.#firstFrame = firstFrame
    this.ranges = [{ base, lengthBytes }]
  }

  /** The RAM page that holds a guest-physical address; -1 outside RAM. */
  page(gpa: number): number {
    const page = Math.floor((gpa - this.#base) / PAGE_BYTES)
    return page >= 0 && page < this.#pages ? page : -1
  }
  /** A page's frame as an unsigned host address. */
  frame(page: number): number {
    const known = this.#table[page] as number
    if (known !== 0) return known >>> 0
    return this.giver ? this.giver(page) : this.#give(page)
  }
  #give(page: number): number {
    const counts = this.#counts
    // Held for so short a time that waiting for it costs less than sleeping.
    while (Atomics.compareExchange(counts, 0, 0, 1) !== 0);
    try {
      // Another thread may have been faster.
      const known = Atomics.load(this.#table, page)
      if (known !== 0) return known >>> 0
      const host = this.#freeFrame()
      if (this.#emptied?.[page] !== 1) this.source?.(page, this.#bytes.subarray(host, host + PAGE_BYTES))
      Atomics.store(this.#table, page, host)
      return host
    } finally {
      Atomics.store(counts, 0, 0)
    }
  }
  #freeFrame(): number {
    const again = this.#free.pop()
    if (again !== undefined) {
      this.#bytes.fill(0, again, again + PAGE_BYTES)
      return again
    }
    const given = this.#counts[1] as number
    this.#counts[1] = given + 1
    return this.#firstFrame + given * PAGE_BYTES
  }
  /** Takes a page's frame back; the page is zeros from now on. Nothing, on no thread, may go on using the frame's host address. */
  release(page: number): void {
    this.markDirty(page)
    const host = (this.#table[page] as number) >>> 0
    if (this.source) (this.#emptied ??= new Uint8Array(this.#pages))[page] = 1
    if (host === 0) return
    this.#table[page] = 0
    this.#free.push(host)
  }
  /** Says that a page is about to be written, or may be from now on. */
  markDirty(page: number): void {
    this.#dirty[page] = 1
  }
  /** The pages that were marked since this was last called, or since the machine was made, in ascending order. */
  takeDirty(): number[] {
    return takeMarked(this.#dirty)
  }
  /** Whether a page has a frame. */
  isTouched(page: number): boolean {
    return this.#table[page] !== 0
  }
  /** Copies a page as it is now, whether or not it has been touched. */
  copyPage(page: number, into: Uint8Array): void {
    const host = (this.#table[page] as number) >>> 0
    if (host !== 0) into.set(this.#bytes.subarray(host, host + PAGE_BYTES))
    else {
      into.fill(0, 0, PAGE_BYTES)
      if (this.#emptied?.[page] !== 1) this.source?.(page, into)
    }
  }
  /** The host address of a guest-physical one in RAM. */
  host(gpa: number, page: number): number {
    return this.frame(page) + ((gpa - this.#base) & (PAGE_BYTES - 1))
  }
  /** The pages touched so far, and those given back that the source would fill, each with its bytes as they are now; not a copy. */
  *touched(): Generator<readonly [page: number, bytes: Uint8Array]> {
    for (let page = 0; page < this.#pages; page++) {
      const host = (this.#table[page] as number) >>> 0
      if (host !== 0) yield [page, this.#bytes.subarray(host, host + PAGE_BYTES)]
      else if (this.#emptied?.[page] === 1) yield [page, ZEROS]
    }
  }
  /** How many pages of RAM there are. */
  get pageCount(): number {
    return this.#pages
  }
  /** RAM in use by the guest so far, bytes. */
  get touchedBytes(): number {
    return ((this.#counts[1] as number) - this.#free.length) * PAGE_BYTES
  }

  contains(gpa: number, lengthBytes: number): boolean {
    const end = this.#base + this.#pages * PAGE_BYTES
    return lengthBytes >= 0 && gpa >= this.#base && gpa <= end && lengthBytes <= end - gpa
  }
  read(gpa: number, into: Uint8Array): boolean {
    return this.#copy(gpa, into.length, (host, at, length) => {
      into.set(this.#bytes.subarray(host, host + length), at)
    })
  }
  write(gpa: number, from: Uint8Array): boolean {
    return this.#copy(gpa, from.length, (host, at, length, page) => {
      this.onWrite(page)
      this.#bytes.set(from.subarray(at, at + length), host)
      this.onWritten(page)
    })
  }
  #copy(gpa: number, length: number, each: (host: number, at: number, length: number, page: number) => void): boolean {
    if (!this.contains(gpa, length)) return false
    for (let at = 0; at < length; ) {
      const offset = (gpa + at - this.#base) % PAGE_BYTES
      const piece = Math.min(length - at, PAGE_BYTES - offset)
      const page = (gpa + at - this.#base - offset) >>> PAGE_SHIFT
      each(this.frame(page) + offset, at, piece, page)
      at += piece
    }
    return true
  }
}

/** Where a table has a 1, in ascending order; there are none afterwards. */
export function takeMarked(table: Uint8Array): number[] {
  const marked: number[] = []
  for (let at = table.indexOf(1); at >= 0; at = table.indexOf(1, at + 1)) marked.push(at)
  for (const at of marked) table[at] = 0
  return marked
}
