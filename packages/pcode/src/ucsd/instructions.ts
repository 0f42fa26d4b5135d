import { ARITHMETIC_ROWS } from './rows/arithmetic-rows.ts'
import { COMPARISON_ROWS } from './rows/comparison-rows.ts'
import { CONTROL_ROWS } from './rows/control-rows.ts'
import { SET_ROWS } from './rows/set-rows.ts'
import { STRUCTURE_ROWS } from './rows/structure-rows.ts'
import { VARIABLE_ROWS } from './rows/variable-rows.ts'
import type { Instruction } from './row.ts'

/** Every instruction of UCSD p-System II.0. */
export const INSTRUCTIONS: readonly Instruction[] = [
  ...VARIABLE_ROWS,
  ...STRUCTURE_ROWS,
  ...ARITHMETIC_ROWS,
  ...COMPARISON_ROWS,
  ...SET_ROWS,
  ...CONTROL_ROWS,
]

const OPCODES = 256

/** The instructions that an opcode begins: one, several that differ in their operand type, or none. */
export const BY_OPCODE: readonly (readonly Instruction[])[] = Array.from({ length: OPCODES }, (_, opcode) =>
  INSTRUCTIONS.filter(row => opcode >= row.opcode && opcode < row.opcode + row.opcodes),
)
