/** Where a machine's loop waits while it is paused. */
export class PauseGate {
  #reached = Promise.withResolvers<void>()
  #opened: PromiseWithResolvers<void> | undefined
  #loopRuns = false

  get isClosed(): boolean {
    return this.#opened !== undefined
  }

  /** Closes the gate; resolves when the loop stands at it, or does not run. */
  async close(): Promise<void> {
    if (!this.#opened) {
      this.#opened = Promise.withResolvers<void>()
      this.#reached = Promise.withResolvers<void>()
      if (!this.#loopRuns) this.#reached.resolve()
    }
    await this.#reached.promise
  }

  open(): void {
    this.#opened?.resolve()
    this.#opened = undefined
  }

  /** For the loop: what to wait for now; undefined while the gate is open. */
  hold(): Promise<void> | undefined {
    if (this.#opened) this.#reached.resolve()
    return this.#opened?.promise
  }

  /** Says whether there is a loop to wait for: it has begun, or ended. */
  loopRuns(runs: boolean): void {
    this.#loopRuns = runs
    if (!runs) this.#reached.resolve()
  }
}
