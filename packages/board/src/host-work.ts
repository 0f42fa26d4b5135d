/** What the host does for a deterministic machine's devices while that stands still. */
export class HostWork {
  readonly #waiting: (() => Promise<void>)[] = []

  /** Holds the machine, before its next round, until `work` is done: after all that was asked for before. */
  hold(work: () => Promise<void>): void {
    this.#waiting.push(work)
  }
  get isPending(): boolean {
    return this.#waiting.length > 0
  }
  /** Does all of it, one after another. Rejects with what that does, and leaves the rest undone. */
  async settle(): Promise<void> {
    for (let work = this.#waiting.shift(); work; work = this.#waiting.shift()) await work()
  }
}
