import type { IrqLine } from '@doppel/base'

/** A wired-OR: the output is high while any input is, as PCI devices share INTA# (PCI Local Bus 3.0 §2.2.6). */
export class SharedLine {
  readonly #output: IrqLine
  #high = 0

  constructor(output: IrqLine) {
    this.#output = output
  }

  /** A new input, low to begin with. */
  input(): IrqLine {
    let now = false
    return {
      set: level => {
        if (level === now) return
        now = level
        this.#high += level ? 1 : -1
        this.#output.set(this.#high > 0)
      },
    }
  }
}

/** A line that leads nowhere: what an unwired output is connected to. */
export const unwiredLine: IrqLine = {
  set() {
    // Nothing listens.
  },
}
