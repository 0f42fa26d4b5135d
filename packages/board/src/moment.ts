import type { ArmedTimers, Saved } from '@doppel/base'
import type { LoopMoment } from './machine-loop.ts'
import type { SbiHartState } from './sbi/firmware.ts'
import type { DeviceStates } from './saved.ts'

/** A deterministic machine between rounds, memory aside: good for that machine only. */
export interface Moment {
  readonly clockNs: number
  readonly cpu: Saved
  readonly loop: LoopMoment
  readonly firmware: readonly SbiHartState[]
  readonly devices: DeviceStates
  readonly timers: ArmedTimers
  readonly entropy: bigint
  readonly faults: Saved
  /** At which instruction the state was last hashed. */
  readonly hashedAt: bigint
}

/** Tells several who look which pages of RAM have been written; the CPU tells one. */
export class DirtyPages {
  readonly #take: () => Iterable<number>
  readonly #readers: Set<number>[] = []

  constructor(take: () => Iterable<number>) {
    this.#take = take
  }
  /** What it returns tells the pages written since it was last asked, or since now. */
  reader(): () => Iterable<number> {
    this.#look()
    let mine = new Set<number>()
    this.#readers.push(mine)
    return () => {
      this.#look()
      const found = mine
      const at = this.#readers.indexOf(mine)
      this.#readers[at] = mine = new Set()
      return found
    }
  }
  #look(): void {
    for (const page of this.#take()) for (const reader of this.#readers) reader.add(page)
  }
}
