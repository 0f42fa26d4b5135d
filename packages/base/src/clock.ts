/** Where time enters a machine. Injected, so that a run can be made virtual, recorded and replayed. */
export interface Clock {
  /** Monotonic nanoseconds since the clock's own start. */
  monotonicNs(): number
  /** Nanoseconds since 1970-01-01 UTC. */
  realtimeNs(): bigint
}

/** The host's clock; monotonic time starts at 0 when it is created. */
export function hostClock(): Clock {
  const origin = performance.now()
  return {
    monotonicNs: () => (performance.now() - origin) * 1e6,
    realtimeNs: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  }
}

/** Milliseconds by a clock that all threads of the host share; only differences mean anything. */
export function threadsNowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** A clock that moves only when told to. */
export class VirtualClock implements Clock {
  #nowNs = 0
  readonly #epochNs: bigint

  constructor(epochNs = 0n) {
    this.#epochNs = epochNs
  }
  monotonicNs(): number {
    return this.#nowNs
  }
  realtimeNs(): bigint {
    return this.#epochNs + BigInt(Math.floor(this.#nowNs))
  }
  advanceNs(deltaNs: number): void {
    this.#nowNs += deltaNs
  }
}

/** A machine's own clock: its monotonic time stands still while the machine does, and goes on after a restore. */
export class MachineClock implements Clock {
  readonly #host: Clock
  /** Host time at which this clock showed `#baseNs`. */
  #originNs: number
  #baseNs: number
  #isStopped = false

  /** Shows `startNs` to begin with. */
  constructor(host: Clock, startNs = 0) {
    this.#host = host
    this.#originNs = host.monotonicNs()
    this.#baseNs = startNs
  }
  monotonicNs(): number {
    return this.#isStopped ? this.#baseNs : this.#baseNs + this.#host.monotonicNs() - this.#originNs
  }
  realtimeNs(): bigint {
    return this.#host.realtimeNs()
  }
  stop(): void {
    this.set(this.monotonicNs())
    this.#isStopped = true
  }
  start(): void {
    this.#originNs = this.#host.monotonicNs()
    this.#isStopped = false
  }
  /** Makes the clock show `nowNs`. */
  set(nowNs: number): void {
    this.#baseNs = nowNs
    this.#originNs = this.#host.monotonicNs()
  }
}

/** One armed deadline of a `TimerQueue`. */
export interface Timer {
  /** Fires at `deadlineNs` of the queue's clock; arming again moves it. `Infinity` disarms. */
  arm(deadlineNs: number): void
}

/** Timers of a queue that are armed, with their deadlines. */
export type ArmedTimers = ReadonlyMap<() => void, number>

/** Deadlines of one machine's devices. The machine's loop calls `runDue`; nothing here uses host timers. */
export class TimerQueue {
  readonly clock: Clock
  readonly #armed = new Map<() => void, number>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Makes a timer that calls `fire` once each time it expires. */
  timer(fire: () => void): Timer {
    return {
      arm: deadlineNs => {
        if (deadlineNs === Infinity) this.#armed.delete(fire)
        else this.#armed.set(fire, deadlineNs)
      },
    }
  }

  /** The earliest deadline, ns; `Infinity` when none is armed. */
  nextDeadlineNs(): number {
    let earliest = Infinity
    for (const deadline of this.#armed.values()) if (deadline < earliest) earliest = deadline
    return earliest
  }

  /** What is armed; for this very queue. */
  save(): ArmedTimers {
    return new Map(this.#armed)
  }
  /** Arms what was armed, and nothing else. */
  restore(armed: ArmedTimers): void {
    this.#armed.clear()
    for (const [fire, deadlineNs] of armed) this.#armed.set(fire, deadlineNs)
  }

  /** Fires every timer whose deadline has come. */
  runDue(): void {
    if (this.#armed.size === 0) return
    const now = this.clock.monotonicNs()
    for (const [fire, deadline] of this.#armed) {
      if (deadline > now) continue
      this.#armed.delete(fire)
      fire()
    }
  }
}
