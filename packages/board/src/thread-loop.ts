import type { HartThreads } from '@doppel/base'
import type { MachineLoopConfig } from './machine-loop.ts'
import { areStuck, STUCK_TRAPS } from './stuck-harts.ts'

/** What a loop drives whose harts run on threads of their own. */
export interface ThreadLoopConfig extends Omit<MachineLoopConfig, 'sliceInstructions'> {
  readonly threads: HartThreads
  /** True while the gate would hold the loop; asked before the gate, so that no hart runs any more when that is reached. */
  readonly isPaused: () => boolean
}

/** The event loop gets a turn at least this often. */
const YIELD_NS = 4_000_000
const MAX_SLEEP_MS = 60_000
/** Who limits the machine's time is told of it this often while harts run. */
const TELL_MS = 10

/** Serves a machine's harts, which run by themselves: firmware, devices and their timers. */
export class ThreadLoop {
  readonly #config: ThreadLoopConfig
  #wakeSleeper: (() => void) | undefined
  #eventful = false
  #areAway = false
  /** Up to when the governor has been told, and whether a hart ran then. */
  #accountedNs = 0
  #isBusy = false
  /** Deadlines of suspended harts' timers that have passed, and been looked at. */
  readonly #triedDeadlines = new Map<number, bigint>()

  constructor(config: ThreadLoopConfig) {
    this.#config = config
  }

  /** Ends a wait: something happened that the loop is to look at. */
  wake(): void {
    this.#eventful = true
    this.#wakeSleeper?.()
  }

  /** The id of the first hart that only traps, once `run` has said 'stuck'. */
  stuckHart(): number {
    const { harts, threads } = this.#config
    return harts.findIndex(({ id }) => threads.fruitless(id) >= STUCK_TRAPS)
  }

  /** As `MachineLoop.run`; afterwards all harts are at home. */
  async run(isOver: () => boolean): Promise<'over' | 'halted' | 'stuck'> {
    try {
      return await this.#serve(isOver)
    } finally {
      await this.#gather()
    }
  }

  async #serve(isOver: () => boolean): Promise<'over' | 'halted' | 'stuck'> {
    const { harts, timers, clock, host, threads, guestClock, beforeRound, isSuspended } = this.#config
    let yieldedNs = clock.monotonicNs()
    while (!isOver()) {
      if (await this.#hold()) continue
      if (!this.#areAway) {
        guestClock.catchUp()
        await threads.depart(this.#config.ticksPerSecond)
        this.#accountedNs = clock.monotonicNs()
        this.#areAway = true
      }
      this.#eventful = false
      guestClock.catchUp()
      timers.runDue()
      beforeRound()
      threads.serve()
      this.#account()
      if (isOver()) break
      if (
        areStuck(
          harts,
          isSuspended,
          id => threads.fruitless(id),
          id => threads.sleeps(id),
        )
      )
        return 'stuck'
      if (!harts.some(hart => hart.running || isSuspended(hart.id))) return 'halted'
      if (clock.monotonicNs() - yieldedNs >= YIELD_NS) {
        await host.yield()
        yieldedNs = clock.monotonicNs()
      }
      await this.#wait()
    }
    return 'over'
  }

  /** Holds the loop while the machine is paused, or others have their turn; no hart runs then. */
  async #hold(): Promise<boolean> {
    const { gate, governor, isPaused } = this.#config
    const isHeld = isPaused()
    const turn = isHeld ? undefined : governor?.gate()
    if (!isHeld && !turn) return false
    await this.#gather()
    // One that is paused must not keep others waiting for it.
    if (isHeld) governor?.idle()
    const woken = Promise.withResolvers<void>()
    this.#wakeSleeper = () => woken.resolve()
    // The end of the machine does not wait for its turn.
    await (isHeld ? gate?.() : Promise.race([turn, woken.promise]))
    this.#wakeSleeper = undefined
    return true
  }

  /** Tells the governor what the harts that were not asleep have used of processors' time, about. */
  #account(): void {
    const { harts, threads, clock, governor } = this.#config
    if (!governor) return
    const nowNs = clock.monotonicNs()
    const awake = harts.filter(({ id }) => !threads.sleeps(id)).length
    governor.ran((nowNs - this.#accountedNs) * awake)
    this.#accountedNs = nowNs
    this.#isBusy = awake > 0
  }

  async #gather(): Promise<void> {
    if (!this.#areAway) return
    await this.#config.threads.gather()
    this.#areAway = false
    this.#config.guestClock.catchUp()
  }

  /** Waits until a hart asks, a device's time has come, or `wake`. */
  async #wait(): Promise<void> {
    // Work that is ready without a timer first: a completion may already be on its way.
    await Promise.resolve()
    if (this.#eventful) return
    const { host, timers, threads } = this.#config
    const timerMs = (timers.nextDeadlineNs() - timers.clock.monotonicNs()) / 1e6
    const remainingMs = Math.min(timerMs, this.#suspendedMs(), this.#isBusy ? TELL_MS : MAX_SLEEP_MS)
    const sleep = host.sleep(Math.max(Math.ceil(remainingMs), 0))
    this.#wakeSleeper = () => sleep.wake()
    try {
      await Promise.race([threads.asked(), sleep.done])
    } finally {
      this.#wakeSleeper = undefined
      sleep.wake()
    }
  }

  /** Milliseconds to the first timer of a hart that firmware has suspended: no thread looks at that. */
  #suspendedMs(): number {
    const { harts, time, ticksPerSecond, isSuspended } = this.#config
    let earliestMs = Infinity
    for (const hart of harts) {
      const deadline = isSuspended(hart.id) ? hart.timerDeadline() : undefined
      if (deadline === undefined || deadline === this.#triedDeadlines.get(hart.id)) continue
      const waitMs = (Number(deadline - time()) / ticksPerSecond) * 1000
      // One that has passed gets one look, also where it passed since the last: then its interrupt is off.
      if (waitMs <= 0) this.#triedDeadlines.set(hart.id, deadline)
      earliestMs = Math.min(earliestMs, waitMs)
    }
    return earliestMs
  }
}
