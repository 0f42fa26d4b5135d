import type { Clock } from '@doppel/base'

/**
 * What one instruction may take in the guest's eyes, ns: 20 MIPS, several times slower than the interpreter. Time then
 * goes by as on the host, except while the host keeps the machine from running.
 */
const MAX_NS_PER_INSTRUCTION = 50

/**
 * A machine's time: the host's, less the host's pauses. A host that stops the machine for 50 ms in the middle of an
 * interrupt handler (another process, a garbage collection, a compilation) would otherwise show the guest a handler
 * that took 50 ms, and new interrupts due before it ends. So the clock never runs further ahead of the instructions
 * retired than the slowest machine would. It makes up for the lag as soon as it may, or at once when the machine idles.
 */
export class GuestClock implements Clock {
  readonly #host: Clock
  #nowNs: number
  #retired: () => number = () => 0
  #retiredThen = 0
  #maxNsPerInstruction = MAX_NS_PER_INSTRUCTION

  constructor(host: Clock) {
    this.#host = host
    this.#nowNs = host.monotonicNs()
  }

  monotonicNs(): number {
    const retired = this.#retired()
    // What the host did not need is not saved up: a pause in the next handler would be paid from it.
    const limitNs = this.#nowNs + (retired - this.#retiredThen) * this.#maxNsPerInstruction
    this.#retiredThen = retired
    this.#nowNs = Math.max(this.#nowNs, Math.min(this.#host.monotonicNs(), limitNs))
    return this.#nowNs
  }

  realtimeNs(): bigint {
    return this.#host.realtimeNs()
  }

  /** A hart's turn, one of `turns` in this round; `retired` counts its instructions and is asked while it runs. */
  beginTurn(retired: () => number, turns: number): void {
    this.monotonicNs()
    this.#retired = retired
    this.#retiredThen = retired()
    // Harts that take turns run side by side in the guest's eyes, where their instructions take the same time.
    this.#maxNsPerInstruction = MAX_NS_PER_INSTRUCTION / turns
  }

  /** No hart runs, so none can notice: the host's time counts whole. */
  catchUp(): void {
    this.#nowNs = Math.max(this.#nowNs, this.#host.monotonicNs())
  }
}
