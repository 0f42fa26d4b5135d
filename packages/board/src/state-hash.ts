import { encodeSaved, hashWords, PAGE_BYTES, type RiscvCpu, type Saved } from '@doppel/base'

type Hash = readonly [number, number]
const NOTHING: Hash = [0, 0]

/** A CPU, and the pages of RAM that have been written since it was last asked for them. */
type HashedCpu = Pick<RiscvCpu, 'touchedPages' | 'memory'> & { readonly takeDirty?: () => Iterable<number> }

/**
 * A number for the whole state of a machine: equal for equal states, and practically never for others. Pages count by a sum, so
 * only those that were written since are looked at again; a page of zeros counts for nothing, as one that was never touched.
 */
export class StateHash {
  readonly #cpu: HashedCpu
  readonly #pages = new Map<number, Hash>()
  readonly #words = new Int32Array(PAGE_BYTES / 4)
  #sum: Hash = NOTHING
  #hasBegun = false

  constructor(cpu: HashedCpu) {
    this.#cpu = cpu
  }

  /** Between slices: 16 digits for memory and `state`, all that is not memory. */
  take(state: Saved): string {
    const dirty = this.#cpu.takeDirty?.()
    if (dirty && this.#hasBegun) for (const page of dirty) this.#count(page, this.#read(page))
    else for (const [page, bytes] of this.#cpu.touchedPages()) this.#count(page, this.#wordsOf(bytes))
    this.#hasBegun = true
    const encoded = encodeSaved(state)
    const words = new Int32Array((encoded.length + 3) >>> 2)
    new Uint8Array(words.buffer).set(encoded)
    const [a, b] = hashWords(words, [encoded.length, 0])
    const digits = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
    return digits(a + this.#sum[0]) + digits(b + this.#sum[1])
  }

  #read(page: number): Int32Array {
    const base = this.#cpu.memory.ranges[0]?.base ?? 0
    this.#cpu.memory.read(base + page * PAGE_BYTES, new Uint8Array(this.#words.buffer))
    return this.#words
  }
  #wordsOf(bytes: Uint8Array): Int32Array {
    new Uint8Array(this.#words.buffer).set(bytes)
    return this.#words
  }
  #count(page: number, words: Int32Array): void {
    const [oldA, oldB] = this.#pages.get(page) ?? NOTHING
    const now = words.every(word => word === 0) ? NOTHING : hashWords(words, [page, 0])
    this.#pages.set(page, now)
    this.#sum = [(this.#sum[0] - oldA + now[0]) | 0, (this.#sum[1] - oldB + now[1]) | 0]
  }
}
