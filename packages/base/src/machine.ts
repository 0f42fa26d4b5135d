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
  /** The machine waits for an interrupt; it is asked for a turn again when one has come. */
  idle(): void
}
