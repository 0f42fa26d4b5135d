import { DoppelError, PAGE_BYTES } from '@doppel/base'
import { isZero } from '../snapshot/format.ts'
import type { PageSource } from '../snapshot/pages.ts'

/** Pages in one message. */
export const PAGES_PER_MESSAGE = 64
/** In a page's number: nothing but zeros, so no bytes follow. */
const ZEROS = 0x8000_0000
const MAX_PAGES = 1 << 28

/** The payload of a `pages` message: u32 space, u32 count, a u32 for each page, then their bytes. */
export function packPages(space: number, pages: readonly number[], bytes: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(8 + 4 * pages.length)
  const view = new DataView(header.buffer)
  view.setUint32(0, space)
  view.setUint32(4, pages.length)
  const parts: Uint8Array[] = [header]
  for (const [i, page] of pages.entries()) {
    const content = bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES)
    const isEmpty = isZero(content)
    view.setUint32(8 + 4 * i, isEmpty ? page + ZEROS : page)
    if (!isEmpty) parts.push(content)
  }
  return parts
}

const BLOCK_PAGES = 64
const UNTOLD = 0
const TOLD = 1
const TOLD_ZEROS = 2

/** What has come of memory or a disk: the newest bytes of each page. */
export class ReceivedPages implements PageSource {
  readonly pageCount: number
  readonly #told: Uint8Array
  readonly #blocks: (Uint8Array | undefined)[]

  /** Throws `migrate.format` for more pages than anything has. */
  constructor(pageCount: number) {
    if (!Number.isInteger(pageCount) || pageCount < 0 || pageCount > MAX_PAGES) {
      throw new DoppelError('migrate.format', `${pageCount} pages; expected at most ${MAX_PAGES}`)
    }
    this.pageCount = pageCount
    this.#told = new Uint8Array(pageCount)
    this.#blocks = Array.from({ length: Math.ceil(pageCount / BLOCK_PAGES) })
  }

  read(page: number, into: Uint8Array): void {
    if (this.#told[page] !== TOLD) return
    const at = (page % BLOCK_PAGES) * PAGE_BYTES
    into.set((this.#blocks[Math.floor(page / BLOCK_PAGES)] as Uint8Array).subarray(at, at + PAGE_BYTES))
  }
  *pages(): Generator<number> {
    for (const [page, told] of this.#told.entries()) if (told === TOLD) yield page
  }
  /** The pages that something has been said of. */
  *toldPages(): Generator<number> {
    for (const [page, told] of this.#told.entries()) if (told !== UNTOLD) yield page
  }
  tells(page: number): boolean {
    return this.#told[page] !== UNTOLD
  }

  set(page: number, bytes: Uint8Array): void {
    const number = Math.floor(page / BLOCK_PAGES)
    const block = (this.#blocks[number] ??= new Uint8Array(BLOCK_PAGES * PAGE_BYTES))
    block.set(bytes, (page % BLOCK_PAGES) * PAGE_BYTES)
    this.#told[page] = TOLD
  }
  clear(page: number): void {
    this.#told[page] = TOLD_ZEROS
  }
}

/** Takes a `pages` message in. Throws `migrate.format` for one that does not fit the spaces. */
export function unpackPages(payload: Uint8Array, spaces: readonly ReceivedPages[]): void {
  const wrong = (what: string): DoppelError => new DoppelError('migrate.format', `a message of pages ${what}`)
  if (payload.length < 8) throw wrong('is too short')
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const space = spaces[view.getUint32(0)]
  const count = view.getUint32(4)
  if (!space) throw wrong(`is for space ${view.getUint32(0)}, which is not there`)
  if (count > PAGES_PER_MESSAGE || payload.length < 8 + 4 * count) throw wrong(`has ${count} of them`)
  const entries = Array.from({ length: count }, (_, i) => view.getUint32(8 + 4 * i))
  const filled = entries.filter(entry => entry < ZEROS).length
  if (payload.length !== 8 + 4 * count + filled * PAGE_BYTES) throw wrong(`has ${payload.length} bytes`)
  let at = 8 + 4 * count
  for (const entry of entries) {
    const page = entry % ZEROS
    if (page >= space.pageCount) throw wrong(`names page ${page} of ${space.pageCount}`)
    if (entry >= ZEROS) space.clear(page)
    else {
      space.set(page, payload.subarray(at, at + PAGE_BYTES))
      at += PAGE_BYTES
    }
  }
}
