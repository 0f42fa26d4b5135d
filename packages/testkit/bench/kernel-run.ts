/** What doppel's side of a kernel's run reports. */
export interface KernelRun {
  /** What the guest printed. */
  readonly output: string
  /** Why the machine ended; 'poweroff' when all went well. */
  readonly end: string
  /** How long it ran, the making of the machine left out. */
  readonly seconds: number
  /** Retired in all harts. */
  readonly instructions: number
}

/** What doppel's side of a boot reports. */
export interface BootRun {
  /** Retired in all harts. */
  readonly instructions: number
  /** The most that the process held, and what the guest touched, MiB. */
  readonly residentMib: number
  readonly guestMib: number
}
