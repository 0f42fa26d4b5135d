/**
 * Where debuggers stop, by RAM page and offset. The instructions there are decoded to a handler of their own, and their
 * pages run in the interpreter: no other code pays for it, and nothing is written to the guest.
 */
export class Breakpoints {
  readonly #offsets = new Map<number, Set<number>>()
  /** Code all of whose instructions have that handler: for each page from where to before where. */
  readonly #watched = new Map<number, (readonly [from: number, to: number])[]>()
  readonly #onChange: (ramPage: number) => void

  /** `onChange` is told of each page whose code is to be decoded anew. */
  constructor(onChange: (ramPage: number) => void) {
    this.#onChange = onChange
  }
  has(ramPage: number, offset: number): boolean {
    if (this.#offsets.get(ramPage)?.has(offset) === true) return true
    return this.#watched.get(ramPage)?.some(([from, to]) => offset >= from && offset < to) === true
  }
  areIn(ramPage: number): boolean {
    return this.#offsets.has(ramPage) || this.#watched.has(ramPage)
  }
  /** Not while code runs. */
  add(ramPage: number, offset: number): void {
    const offsets = this.#offsets.get(ramPage) ?? new Set()
    this.#offsets.set(ramPage, offsets.add(offset))
    this.#onChange(ramPage)
  }
  /** Not while code runs. */
  remove(ramPage: number, offset: number): void {
    const offsets = this.#offsets.get(ramPage)
    if (!offsets?.delete(offset)) return
    if (offsets.size === 0) this.#offsets.delete(ramPage)
    this.#onChange(ramPage)
  }
  /** Watches all code of a page from one offset to before another, until `unwatch`. Not while code runs. */
  watch(ramPage: number, from: number, to: number): void {
    const watched = this.#watched.get(ramPage) ?? []
    if (watched.some(range => range[0] === from && range[1] === to)) return
    this.#watched.set(ramPage, [...watched, [from, to]])
    this.#onChange(ramPage)
  }
  /** Watches no code any more. Not while code runs. */
  unwatch(): void {
    const pages = [...this.#watched.keys()]
    this.#watched.clear()
    for (const page of pages) this.#onChange(page)
  }
}
