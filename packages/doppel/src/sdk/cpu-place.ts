import { type Governor, hostClock } from '@doppel/base'
import { type CpuLimits, cpuLimits, CpuScheduler, NO_LIMITS } from '@doppel/monitor'

/** All machines of this process share its one thread. */
const scheduler = new CpuScheduler(hostClock())

/** A machine's place among those that share the thread; taken when its CPU is made. */
export class CpuPlace {
  readonly #wanted: CpuLimits
  readonly #scheduler: CpuScheduler
  #member: ReturnType<CpuScheduler['join']> | undefined

  /** A machine whose harts have threads of their own shares none: only its cap means anything. */
  constructor(wanted: CpuLimits, smp?: 'parallel') {
    this.#scheduler = smp === undefined ? scheduler : new CpuScheduler(hostClock())
    this.#wanted = cpuLimits(wanted)
  }
  /** Takes the place. Throws `limits.*`. */
  readonly join = (retired: () => bigint): Governor => {
    this.#member = this.#scheduler.join(this.#wanted, retired)
    return this.#member
  }
  get limits(): Required<CpuLimits> {
    return this.#member?.limits ?? { ...NO_LIMITS, ...this.#wanted }
  }
  setLimits(limits: CpuLimits): void {
    this.#member?.setLimits(limits)
  }
  leave(): void {
    this.#member?.leave()
  }
}
