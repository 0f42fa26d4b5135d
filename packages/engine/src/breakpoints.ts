/**
 * Where debuggers stop, by RAM page and offset. The instructions there are decoded to a handler of their own, and their
 * pages run in the interpreter: no other code pays for it, and nothing is written to the guest.
 */
export class Breakpoints {
  readonly #offsets = new Map<number, Set<number>>()
  readonly #onChange: (ramPage: number) => void

  /** `onChange` is told of each page whose code is to be decoded anew. */
  constructor(onChange: (ramPage: number) => void) {
    this.#onChange = onChange
  }
  has(ramPage: number, offset: number): boolean {
    return this.#offsets.get(ramPage)?.has(offset) === true
  }
  areIn(ramPage: number): boolean {
    return this.#offsets.has(ramPage)
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
}
