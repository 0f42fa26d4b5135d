/** Where in a program’s text failures of input and output stop it, and where it looks at IORESULT (`{$I-}`, UCSD Pascal). */
export class IoSwitches {
  /** Places from which on a switch holds, in the order of the texts. */
  readonly #from: { readonly pos: number; readonly isOn: boolean }[] = []
  #isSorted = true

  /** Whether it is on where the scanner is. */
  isOn = true

  /** From here on, up to the next note in this text, the switch is as it is now. */
  note(pos: number): void {
    if (this.#from.length === 0 && this.isOn) return
    this.#from.push({ pos, isOn: this.isOn })
    this.#isSorted = false
  }

  /** Whether failures stop the program at a position of the source. */
  isOnAt(pos: number): boolean {
    if (this.#from.length === 0) return true
    if (!this.#isSorted) this.#from.sort((a, b) => a.pos - b.pos)
    this.#isSorted = true
    return this.#from.findLast(place => place.pos <= pos)?.isOn ?? true
  }
}
