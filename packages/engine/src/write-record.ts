/**
 * What each thread may have written, for FENCE.I (Unpriv. §"Zifencei"): code that others cannot have written since it was last
 * looked at need not be compared.
 *
 * A thread writes RAM through write entries of its TLB. It counts its whole flushes, which end all entries, and notes for each
 * page at which count it filled an entry last. So a page can have been written since a fence only by a thread that noted it at
 * the count it had reached by then, or later.
 */

/** In the guard page: an i32 for each thread, its count of flushes. */
const COUNTS = 1280

/** One thread's view of the records. */
export class WriteRecord {
  readonly #words: Int32Array
  /** Where each thread's notes are, an i32 for each page of RAM, as indices of words. */
  readonly #notes: readonly number[]
  readonly #own: number
  readonly #others: readonly number[]
  /** For each thread, its count as of this thread's last fence. */
  #seen: number[]

  /** `notes` are the addresses of all threads' notes; the first thread has no TLB, it writes for devices. */
  constructor(memory: ArrayBufferLike, notes: readonly number[], own: number) {
    this.#words = new Int32Array(memory)
    this.#notes = notes.map(at => at >>> 2)
    this.#own = own
    this.#others = notes.map((_, place) => place).filter(place => place !== own)
    this.#seen = notes.map(() => 0)
  }

  /** Notes that this thread is about to write a page, or may from now on. A device's write is noted afterwards too. */
  note(ramPage: number): void {
    const count = Atomics.load(this.#words, countOf(this.#own) >>> 2)
    this.#words[(this.#notes[this.#own] as number) + ramPage] = count
  }
  /** Notes that all of this thread's write entries are gone. */
  flushed(): void {
    Atomics.add(this.#words, countOf(this.#own) >>> 2, 1)
  }

  /** Fences: calls `each` with what tells of a page whether another thread may have written it since the last fence. */
  fence(each: (isSuspect: (ramPage: number) => boolean) => void): void {
    const [words, seen, notes, others] = [this.#words, this.#seen, this.#notes, this.#others]
    // The first thread's writes are over at once, and noted when they are: a fence counts as its flush.
    Atomics.add(words, countOf(0) >>> 2, 1)
    this.#seen = seen.map((_, place) => Atomics.load(words, countOf(place) >>> 2))
    each(ramPage => {
      for (const place of others) {
        const noted = words[(notes[place] as number) + ramPage] as number
        // The counts may wrap around.
        if (((noted - (seen[place] as number)) | 0) >= 0) return true
      }
      return false
    })
  }
}

function countOf(place: number): number {
  return COUNTS + 4 * place
}

/** Where generated code finds its thread's count and notes. */
export interface WriteNotes {
  readonly count: number
  readonly notes: number
}
/** The addresses for generated code of one thread. */
export function writeNotes(notes: readonly number[], own: number): WriteNotes {
  return { count: countOf(own), notes: notes[own] as number }
}
