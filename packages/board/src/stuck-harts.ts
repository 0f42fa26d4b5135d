import type { RiscvHart } from '@doppel/base'
import type { StuckTrap } from './machine-end.ts'

/** A hart that takes so many traps in a row without an instruction in between will never run one again. */
export const STUCK_TRAPS = 10_000

/** True when some hart only traps, and no other can ever do anything: it does the same, or waits for no interrupt. */
export function areStuck(
  harts: readonly RiscvHart[],
  isSuspended: (hartId: number) => boolean,
  fruitless: (hartId: number) => number,
  waits: (hartId: number) => boolean,
): boolean {
  const stuck = (id: number): boolean => fruitless(id) >= STUCK_TRAPS
  if (!harts.some(hart => hart.running && stuck(hart.id))) return false
  const waitsForNothing = (hart: RiscvHart): boolean => waits(hart.id) && hart.readCsr('mie') === 0n
  const alive = harts.filter(hart => hart.running || isSuspended(hart.id))
  return alive.every(hart => stuck(hart.id) || waitsForNothing(hart))
}

/** What a hart that only traps does; `hasFirmware` where the board is what is below S-mode. */
export function stuckTrap(hart: RiscvHart, hasFirmware: boolean): StuckTrap {
  const handlerOf = (prefix: string): bigint => hart.readCsr(`${prefix}tvec`) & ~3n
  // Where the last trap came from is where it went to.
  const prefix = hart.readCsr('mepc') === handlerOf('m') && !hasFirmware ? 'm' : 's'
  return {
    hart: hart.id,
    mode: prefix === 'm' ? 'machine' : 'supervisor',
    handler: handlerOf(prefix),
    cause: hart.readCsr(`${prefix}cause`),
    value: hart.readCsr(`${prefix}tval`),
  }
}
