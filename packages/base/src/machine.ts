/** A machine as its life cycle drives it, whatever kind it is: built, not yet begun. */
export interface MachineBody<End> {
  /** Runs until the machine ends; called once. Rejects only for a bug of doppel's or a failure of the host. */
  run(): Promise<End>
  /** Ends `run` soon, whatever the guest does. */
  stop(): void
  /** Resolves when nothing of the guest's runs any more; its clock stands still. */
  pause(): Promise<void>
  resume(): void
  /** Gives back what the machine holds of the host's: files, sockets. Called after `run`, or instead of it. */
  close(): Promise<void>
}

/** Decides when a machine may run: what its loop tells and asks. */
export interface Governor {
  /** Asked before each turn; what it returns holds the machine for as long as it is pending. */
  gate(): Promise<void> | undefined
  /** The machine has run for so long, host nanoseconds. */
  ran(tookNs: number): void
  /** The machine waits for an interrupt, or stands still; it is asked for a turn again when one has come. */
  idle(wait?: GovernedWait): void
  /** How far the next turn may go; the machine's own next timer is due in so many host nanoseconds. */
  pace?(ownTimerNs: number): Pace
  /** True for a machine that is to go on at the very moment its timer is due, whatever that costs the host. */
  readonly isPrompt?: boolean
}

/** A machine's wait for its own next timer. */
export interface GovernedWait {
  /** Host nanoseconds until it is due. */
  readonly inNs: number
  /** Ends the wait. */
  wake(): void
}

/** How far a machine's next turn may go, so that timers fire when they are due. */
export interface Pace {
  /** The most instructions for all harts' next slices together. */
  readonly instructions: number
  /** How long the host's event loop, by which others' input comes, may wait for its turn, where somebody is in a hurry. */
  readonly yieldNs?: number
}
