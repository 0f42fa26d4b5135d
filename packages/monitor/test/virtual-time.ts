import { VirtualClock } from '@doppel/base'
import type { NetTimers } from '../src/net/host-network.ts'

/** Time that passes when told to: what is due happens in order, each at its own instant. */
export class VirtualTime implements NetTimers {
  readonly clock = new VirtualClock()
  readonly #due = new Map<() => void, number>()

  after(delayMs: number, fire: () => void): { cancel(): void } {
    const once = (): void => fire()
    this.#due.set(once, this.clock.monotonicNs() + delayMs * 1e6)
    return { cancel: () => this.#due.delete(once) }
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#due.size
  }

  /** Lets the next timer fire; false when there is none. */
  step(): boolean {
    let next: [() => void, number] | undefined
    for (const each of this.#due) if (!next || each[1] < next[1]) next = each
    if (!next) return false
    const [fire, atNs] = next
    this.#due.delete(fire)
    this.clock.advanceNs(Math.max(atNs - this.clock.monotonicNs(), 0))
    fire()
    return true
  }

  advance(ms: number): void {
    const endNs = this.clock.monotonicNs() + ms * 1e6
    while ([...this.#due.values()].some(atNs => atNs <= endNs)) this.step()
    this.clock.advanceNs(endNs - this.clock.monotonicNs())
  }
}
