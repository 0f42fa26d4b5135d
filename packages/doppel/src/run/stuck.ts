import { DoppelError, hex } from '@doppel/base'
import type { StuckTrap } from '@doppel/board'
import { causeName } from '@doppel/riscv'

/** The failure of a guest that does nothing any more but trap in its own trap handler. */
export function stuck(trap: StuckTrap): DoppelError {
  const vector = trap.mode === 'machine' ? 'mtvec' : 'stvec'
  const what = causeName(Number(BigInt.asUintN(16, trap.cause)))
  return new DoppelError(
    'run.stuck',
    `the guest is stuck: hart ${trap.hart} traps at once in its trap handler at ${hex(trap.handler)} (${vector}): ${what}, ` +
      `value ${hex(trap.value)}; expected code there. Did it jump into nothing?`,
    { ...trap },
  )
}
