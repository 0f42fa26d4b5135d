import { insn as declare, type InstructionRow, type Operands } from '@doppel/engine'
import type { RiscvMachine } from '../machine.ts'

/** One RISC-V instruction. */
export type Row = InstructionRow<RiscvMachine>
/** An instruction's operands, as its meaning names them. */
export type Fields = Readonly<Operands>

/** Declares a RISC-V instruction: its encoding as the manual prints it, and its meaning. */
export function insn(name: string, encoding: string, semantics: (m: RiscvMachine, f: Fields) => void): Row {
  return declare(name, encoding, semantics)
}
