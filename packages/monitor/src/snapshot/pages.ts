import { PAGE_BYTES } from '@doppel/base'
import { isZero } from './format.ts'

/** Where a snapshot's pages come from; whatever holds them, they never change. */
export interface PageSource {
  /** Copies a page's bytes; all zeros for one that is not there. */
  read(page: number, into: Uint8Array): void
  /** The pages that are there: all others are zeros. */
  pages(): Iterable<number>
}

const ZEROS = -1

/** Pages kept in memory, shared by every machine that was forked from them. Pages of zeros take no room. */
export class MemoryPages implements PageSource {
  /** One more than a page's place in the store; 0 for a page of the base's, -1 for zeros. */
  readonly #places: Int32Array
  readonly #bytes: Uint8Array
  readonly #base: PageSource | undefined

  /**
   * Copies `touched`, the pages of a machine that stands still, of `pageCount`. What it has not touched is as in `base`,
   * which it was itself restored from, or zeros.
   */
  constructor(
    pageCount: number,
    touched: Iterable<readonly [page: number, bytes: Uint8Array]>,
    base: PageSource | undefined,
  ) {
    this.#base = base
    this.#places = new Int32Array(pageCount)
    const found: (readonly [number, Uint8Array])[] = []
    for (const entry of touched) {
      if (isZero(entry[1])) this.#places[entry[0]] = ZEROS
      else found.push(entry)
    }
    this.#bytes = new Uint8Array(found.length * PAGE_BYTES)
    for (const [place, [page, bytes]] of found.entries()) {
      this.#bytes.set(bytes, place * PAGE_BYTES)
      this.#places[page] = place + 1
    }
  }
  /** Memory that the pages take, bytes. */
  get lengthBytes(): number {
    return this.#bytes.length
  }
  read(page: number, into: Uint8Array): void {
    const place = this.#places[page] ?? 0
    if (place > 0) into.set(this.#bytes.subarray((place - 1) * PAGE_BYTES, place * PAGE_BYTES))
    else if (place === 0) this.#base?.read(page, into)
  }
  *pages(): Generator<number> {
    const below = new Set(this.#base?.pages())
    for (const [page, place] of this.#places.entries()) if (place > 0 || (place === 0 && below.has(page))) yield page
  }
}
