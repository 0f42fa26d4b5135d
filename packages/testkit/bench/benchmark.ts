/** The emulators compared. */
export type Emulator = 'doppel' | 'qemu'

/** What an emulator's process held at most, and what of it the guest has touched, MiB. */
export interface MemoryUse {
  readonly residentMib: number
  readonly guestMib: number
}

/** One run's outcome. */
export interface Measurement {
  readonly seconds: number
  /** What the guest computed; runs of one benchmark must agree. */
  readonly checksum?: string
  /** Retired in all harts, where the emulator can tell. */
  readonly instructions?: number
  /** Where the emulator can tell. */
  readonly memory?: MemoryUse
}

/** Something to be measured in both emulators. */
export interface Benchmark {
  readonly name: string
  /** What it exercises, in a few words. */
  readonly stresses: string
  /** Makes ready what `run` needs; a text says why the benchmark must be skipped here. */
  prepare(folder: string): Promise<string | undefined>
  run(emulator: Emulator): Promise<Measurement>
}
