import { STATE } from './state.ts'
import type { HartRegisters } from './hart-registers.ts'

/** The counters that count (Priv. §3.1.10). */
export type Counter = 'mcycle' | 'minstret'
/** All of them. */
export const COUNTERS: readonly Counter[] = ['mcycle', 'minstret']
/** Their bits in mcountinhibit. */
const COUNTER_BIT: Readonly<Record<Counter, bigint>> = { mcycle: 0n, minstret: 2n }

function isInhibited(h: HartRegisters, name: Counter): boolean {
  return ((h.long(STATE.fields.mcountinhibit) >> COUNTER_BIT[name]) & 1n) !== 0n
}
/** A counter when so many instructions are retired: an inhibited one keeps its value, a free one the difference to those. */
export function readCounter(h: HartRegisters, name: Counter, retired: bigint): bigint {
  return isInhibited(h, name) ? h.get(name) : BigInt.asUintN(64, retired + h.get(name))
}
/** Sets a counter when so many instructions are retired. */
export function writeCounter(h: HartRegisters, name: Counter, value: bigint, retired: bigint): void {
  h.set(name, isInhibited(h, name) ? value : BigInt.asUintN(64, value - retired))
}
