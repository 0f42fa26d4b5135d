import type { Runtime } from '../machine/runtime.ts'
import type { ValueType } from '../program/program.ts'
import type { Ops } from './ops.ts'

/** What a standard procedure gives back; a generator when it may have to wait for input. */
export type StandardResult = number | void | Generator<Promise<void>, number | void>

/** A standard procedure: done by the host's side of the machine, or by a meaning that is compiled in place. */
export interface StandardRow {
  readonly pops: readonly ValueType[]
  readonly pushes: readonly ValueType[]
  readonly prose: string
  readonly serve: ((runtime: Runtime, ...args: number[]) => StandardResult) | undefined
  readonly inline: (<V>(ops: Ops<V>, ...values: V[]) => V | void) | undefined
  /** True when it may have to wait. */
  readonly waits: boolean
  /** What `csf` pushes in place of the result where it failed; the first operand, where this is left out. */
  readonly onFault?: number
}

/** Declares a standard procedure that the host's side does. */
export function served(effect: string, prose: string, serve: StandardRow['serve'], waits = false): StandardRow {
  const [pops, pushes] = effect.split('->').map(side => side.split(' ').filter(type => type !== '')) as [
    ValueType[],
    ValueType[],
  ]
  return { pops, pushes, prose, serve, inline: undefined, waits }
}
/** Declares one that may wait for input. */
export function waiting(effect: string, prose: string, serve: StandardRow['serve']): StandardRow {
  return served(effect, prose, serve, true)
}
/** Declares one that is compiled in place. */
export function inlined(effect: string, prose: string, inline: NonNullable<StandardRow['inline']>): StandardRow {
  return { ...served(effect, prose, undefined), inline }
}
