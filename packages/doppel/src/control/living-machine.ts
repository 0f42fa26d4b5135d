import type { Console } from '@doppel/monitor'
import type { MachineLimits } from '../sdk/options.ts'
import type { Message } from './operation.ts'

/** How a machine ended; `code` where there is one. */
export interface LifeEnd {
  readonly kind: string
  readonly code?: number
}

/** A machine of any kind, as its life is led from outside. */
export interface LivingMachine {
  readonly console: Pick<Console, 'attach' | 'type' | 'output'>
  /** What it has done and holds, and the limits it is under. */
  figures(): Message
  /** Resolves when it has ended. */
  wait(): Promise<LifeEnd>
  /** Throws `machine.state`. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Asks it to end, and ends it when it has not after `graceMs`. */
  stop(how: { readonly graceMs?: number }): Promise<void>
  kill(): Promise<void>
  /** Throws `limits.*`, and what machines throw that have no such limit. */
  setLimits(limits: MachineLimits): void
}
