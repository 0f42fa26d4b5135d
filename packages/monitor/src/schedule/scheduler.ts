import type { Clock } from '@doppel/base'
import type { CpuLimits } from './limits.ts'
import { Member } from './member.ts'
import { ThreadTime } from './thread-time.ts'

/**
 * Shares one thread among machines: in proportion to their shares, counted in instructions, so that the outcome does not
 * hang on how fast the host happens to be; and under caps and entitlements, counted in time. A machine whose instructions
 * take much longer than others' is charged for the time, so that its storms are at its own cost. A machine that waits for
 * something saves nothing up: it comes back where the slowest of the others is (start-time fair queueing: Goyal, Guo, Vin,
 * 1996). Those of the class `realtime` come first, then whoever is within its entitlement, then the others.
 */
export class CpuScheduler {
  readonly #clock: Clock
  readonly #threadTime: ThreadTime
  readonly #members = new Set<Member>()
  /** How far the slowest that wanted to run has come; it never goes back, also while nobody wants to. */
  #virtualNow = 0

  /**
   * `busyNs`, where the host can tell, is the processor's time that this thread has had: what other programs of the host's
   * take is then nobody's debt.
   */
  constructor(clock: Clock, busyNs?: () => number) {
    this.#clock = clock
    this.#threadTime = new ThreadTime(busyNs)
  }

  /** Adds a machine; `retired` counts its instructions. Throws `limits.*`. */
  join(limits: CpuLimits, retired: () => bigint): Member {
    const member: Member = new Member(this.#clock, retired, {
      others: () => [...this.#members].filter(other => other !== member),
      virtualNow: () => this.#virtualNow,
      threadTime: this.#threadTime,
      leave: gone => {
        this.#members.delete(gone)
        this.#wake()
      },
      moved: () => this.#wake(),
    })
    member.setLimits(limits)
    this.#members.add(member)
    return member
  }

  /** Somebody has run, gone to sleep or left: who waited for that goes on. */
  #wake(): void {
    const sharing = [...this.#members].filter(member => member.isActive && !member.isEntitled())
    if (sharing.length > 0) {
      this.#virtualNow = Math.max(this.#virtualNow, Math.min(...sharing.map(member => member.virtual)))
    }
    for (const member of this.#members) member.wake()
  }
}
