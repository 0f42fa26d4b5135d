import { type Governor, hostClock } from '@doppel/base'
import { type CpuLimits, cpuLimits, CpuScheduler, NO_LIMITS } from '@doppel/monitor'

/** The processor time that this thread has had, nanoseconds. */
function threadBusyNs(): number {
  // Linux brings a thread's figure up to date at clock ticks, milliseconds apart, and whenever the process's is asked for
  // (kernel/sched/cputime.c, thread_group_cputime). Turns are shorter than ticks.
  process.cpuUsage()
  const { user, system } = process.threadCpuUsage()
  return (user + system) * 1000
}

/** All machines of this process share its one thread. */
const scheduler = new CpuScheduler(hostClock(), threadBusyNs)

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
  /** Milliseconds of the thread's processor time that it has had. */
  get usedMs(): number {
    return (this.#member?.usedNs ?? 0) / 1e6
  }
  setLimits(limits: CpuLimits): void {
    this.#member?.setLimits(limits)
  }
  leave(): void {
    this.#member?.leave()
  }
}
