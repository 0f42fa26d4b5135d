import type { Governor } from '@doppel/base'

/** How long a program runs before what else this process has to do gets its turn. */
const TURN_MS = 10

/** Lets a program run in turns, between which orders and others' input come; it may be held there, and ended. */
export class ProgramTurns {
  #begunMs = performance.now()
  #held: PromiseWithResolvers<void> | undefined
  #governor: Governor | undefined
  #isOver = false

  /** Who decides from now on when the program may run. */
  govern(governor: Governor): void {
    this.#governor = governor
  }

  /** What the program calls now and then, and each time that it goes on after a wait: may have to wait. */
  readonly look = (): Promise<void> | undefined => {
    const nowMs = performance.now()
    if (!this.#held && nowMs - this.#begunMs < TURN_MS) return undefined
    return this.#between(nowMs - this.#begunMs)
  }
  async #between(ranMs: number): Promise<void> {
    this.#governor?.ran(ranMs * 1e6)
    await new Promise<void>(resolve => void setImmediate(resolve))
    for (;;) {
      const wait = this.#held?.promise ?? (this.#isOver ? undefined : this.#governor?.gate())
      if (!wait) break
      await wait
    }
    this.#begunMs = performance.now()
  }
  /** What was waited for, once the program may go on. */
  async after<T>(wait: T | Promise<T>): Promise<T> {
    const found = await wait
    await this.look()
    return found
  }

  /** Holds the program; resolves when nothing of it runs. */
  async hold(): Promise<void> {
    this.#held ??= Promise.withResolvers()
    // A turn that was about to begin ends, since it looks here.
    await new Promise<void>(resolve => void setImmediate(resolve))
  }
  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }
  /** Nothing holds the program any more: it is to end. */
  finish(): void {
    this.#isOver = true
    this.release()
  }
}
