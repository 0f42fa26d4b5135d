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
