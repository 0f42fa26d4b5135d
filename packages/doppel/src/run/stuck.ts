import { DoppelError, hex } from '@doppel/base'
import type { StuckTrap } from '@doppel/board'

/** Exceptions by code, as RISC-V Priv. Table 14 names them. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  0: 'instruction address misaligned',
  1: 'instruction access fault',
  2: 'illegal instruction',
  3: 'breakpoint',
  4: 'load address misaligned',
  5: 'load access fault',
  6: 'store address misaligned',
  7: 'store access fault',
  12: 'instruction page fault',
  13: 'load page fault',
  15: 'store page fault',
}

/** The failure of a guest that does nothing any more but trap in its own trap handler. */
export function stuck(trap: StuckTrap): DoppelError {
  const vector = trap.mode === 'machine' ? 'mtvec' : 'stvec'
  const what = EXCEPTIONS[Number(BigInt.asUintN(16, trap.cause))] ?? `trap ${trap.cause}`
  return new DoppelError(
    'run.stuck',
    `the guest is stuck: hart ${trap.hart} traps at once in its trap handler at ${hex(trap.handler)} (${vector}): ${what}, ` +
      `value ${hex(trap.value)}; expected code there. Did it jump into nothing?`,
    { ...trap },
  )
}
