import { PAGE_BYTES } from '@doppel/base'
import { HASH_BYTES, isEqual, isZero, type SnapshotHost } from './format.ts'
import type { PageSource } from './pages.ts'

/** More pages than this are not what a machine needs to begin with. */
const MAX_PAGES = 2048

/** Pages held in memory: what a machine that was restored before touched first. */
export interface HeldPages {
  /** Page numbers, and the bytes of each in the same order. */
  readonly pages: Int32Array
  readonly bytes: Uint8Array
}

/**
 * A snapshot's pages, of which those that an earlier restored machine touched first are held already: found one by one they
 * cost a restore most of its time. Where none are held, those that are read now are noted for the next one (the record
 * and prefetch of Ustiugov et al., "Benchmarking, Analysis, and Optimization of Serverless Function Snapshots", ASPLOS 2021).
 */
export class WorkingSet implements PageSource {
  readonly #source: PageSource
  readonly #held: HeldPages | undefined
  /** One more than a held page's place. */
  readonly #places = new Map<number, number>()
  #noted: Map<number, Uint8Array> | undefined

  constructor(source: PageSource, held: HeldPages | undefined) {
    this.#source = source
    this.#held = held
    if (held) for (const [place, page] of held.pages.entries()) this.#places.set(page, place)
    else this.#noted = new Map()
  }

  read(page: number, into: Uint8Array): void {
    const place = this.#places.get(page)
    if (this.#held && place !== undefined) {
      into.set(this.#held.bytes.subarray(place * PAGE_BYTES, (place + 1) * PAGE_BYTES))
      return
    }
    this.#source.read(page, into)
    if (this.#noted && this.#noted.size < MAX_PAGES && !isZero(into)) this.#noted.set(page, into.slice())
  }
  pages(): Iterable<number> {
    return this.#source.pages()
  }

  /** Stops noting; what has been noted, undefined where that is nothing. */
  takeNoted(): HeldPages | undefined {
    const noted = this.#noted
    this.#noted = undefined
    if (!noted || noted.size === 0) return undefined
    const bytes = new Uint8Array(noted.size * PAGE_BYTES)
    ;[...noted.values()].forEach((content, i) => bytes.set(content, i * PAGE_BYTES))
    return { pages: Int32Array.from(noted.keys()), bytes }
  }
}

/*
 * A file of held pages is: a SHA-256 of all that follows; the id of the snapshot that they are of; how many there are and
 * their numbers (little-endian words); their bytes, as they are, since unpacking takes longer than reading.
 */
const HEADER_BYTES = 2 * HASH_BYTES + 4

/** A file for `decodeHeldPages`. */
export function encodeHeldPages(
  { pages, bytes }: HeldPages,
  id: Uint8Array,
  host: Pick<SnapshotHost, 'hash'>,
): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + pages.byteLength + bytes.length)
  const view = new DataView(file.buffer)
  file.set(id, HASH_BYTES)
  view.setUint32(HEADER_BYTES - 4, pages.length, true)
  pages.forEach((page, i) => view.setUint32(HEADER_BYTES + 4 * i, page, true))
  file.set(bytes, HEADER_BYTES + pages.byteLength)
  file.set(host.hash(file.subarray(HASH_BYTES)))
  return file
}

/** The pages in a file, whose bytes they share; undefined for one that is damaged, or of another snapshot than `id`. */
export function decodeHeldPages(
  file: Uint8Array,
  id: Uint8Array,
  host: Pick<SnapshotHost, 'hash'>,
): HeldPages | undefined {
  if (file.length < HEADER_BYTES || !isEqual(file.subarray(HASH_BYTES, 2 * HASH_BYTES), id)) return undefined
  if (!isEqual(file.subarray(0, HASH_BYTES), host.hash(file.subarray(HASH_BYTES)))) return undefined
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const count = view.getUint32(HEADER_BYTES - 4, true)
  if (file.length !== HEADER_BYTES + count * (4 + PAGE_BYTES)) return undefined
  const pages = Int32Array.from({ length: count }, (_, i) => view.getUint32(HEADER_BYTES + 4 * i, true))
  return { pages, bytes: file.subarray(HEADER_BYTES + 4 * count) }
}
