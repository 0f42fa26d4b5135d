/** What doppel's side of a kernel's run reports. */
export interface KernelRun {
  /** What the guest printed. */
  readonly output: string
  /** Why the machine ended; 'poweroff' when all went well. */
  readonly end: string
  /** Retired in all harts. */
  readonly instructions: number
}
