import type { RiscvCpuConfig } from '@doppel/base'
import type { EnginePlace, EngineStats } from '@doppel/engine'
import type { HartHandover } from '../saved.ts'

/** A thread as the board's thread holds it. Messages are structured-cloned; shared memory stays shared. */
export interface HartThread {
  post(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** Told when the thread has died of an error. */
  onError(listener: (error: Error) => void): void
  /** Whether it keeps the host's process from ending. */
  hold(holds: boolean): void
  terminate(): void
}

/** The board's thread as a hart's thread holds it. */
export interface BoardPort {
  post(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
}

/** What a hart's thread did so far, for `--stats`. */
export interface ThreadStats {
  readonly exceptions: number
  readonly interrupts: number
  readonly tlbMisses: number
  readonly deviceAccesses: number
  readonly engine: EngineStats
}

/** What a thread is made with. */
export interface MakeHart extends Pick<RiscvCpuConfig, 'harts' | 'ramBase' | 'ramBytes'> {
  readonly kind: 'make'
  readonly place: EnginePlace & { readonly hart: number }
  readonly translateAfter: number | undefined
  /** The board is the firmware. */
  readonly hasFirmware: boolean
  /** RAM is filled as it is touched, by the board's thread. */
  readonly hasPageSource: boolean
  /** Translations of earlier runs. */
  readonly translations: Uint8Array | undefined
}

/** To a hart's thread. */
export type ToHart = MakeHart | { readonly kind: 'go'; readonly hart: HartHandover } | { readonly kind: 'keep' }

/** From a hart's thread. */
export type FromHart =
  | { readonly kind: 'ready' }
  | { readonly kind: 'home'; readonly hart: HartHandover; readonly stats: ThreadStats }
  | { readonly kind: 'translations'; readonly file: Uint8Array }
