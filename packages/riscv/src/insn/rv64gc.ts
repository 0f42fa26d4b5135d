import { InstructionSet } from '@doppel/engine'
import type { RiscvMachine } from '../machine.ts'
import { rv64a } from './a.ts'
import { rv64c } from './c.ts'
import { rv64fd } from './fd.ts'
import { rv64i } from './i.ts'
import { rv64m } from './m.ts'
import { privileged } from './privileged.ts'
import { bitManipulation } from './zb.ts'
import { zicsr } from './zicsr.ts'

/** Every instruction doppel's RISC-V harts have. */
export const rv64gc: InstructionSet<RiscvMachine> = new InstructionSet(
  [...rv64i, ...rv64m, ...rv64a, ...rv64fd, ...zicsr, ...privileged, ...bitManipulation],
  rv64c,
)
