import type { HostMachine } from './host-machine.ts'
import type { Ops, Value } from './ops.ts'

/**
 * How an operand stands in the code (II.0, “Operand formats”): UB an unsigned byte, SB a signed one, DB a byte up to
 * 127, B one or two bytes by the first one's highest bit, W a word, its low byte first.
 */
export type Format = 'UB' | 'SB' | 'DB' | 'B' | 'W'

/** What follows the operands: aligned words, characters, bytes (counted by the last operand), or a case table. */
export type Tail = 'words' | 'characters' | 'bytes' | 'cases'

/** A meaning in terms of generated code. `index` is which of its opcodes a short form is, from 0. */
export type Inline = (ops: Ops, a: Value, b: Value, index: number) => void

/** A meaning on the machine's memory. Returns nothing, or the execution error it raises, or `WAIT`. */
export type OnHost = (machine: HostMachine, a: number, b: number) => number | undefined

/** One instruction. */
export interface Instruction {
  readonly opcode: number
  /** How many opcodes it has: a short form has its operand in the opcode. */
  readonly opcodes: number
  /** For comparisons other than of integers: the byte that says what is compared. */
  readonly operandType: number | undefined
  readonly name: string
  readonly formats: readonly Format[]
  readonly tail: Tail | undefined
  /** The evaluation stack before and after, the deepest first. */
  readonly stack: string
  readonly prose: string
  readonly inline: Inline | undefined
  readonly onHost: OnHost | undefined
}

type More = Partial<Pick<Instruction, 'opcodes' | 'operandType' | 'tail'>>

/** Declares an instruction whose meaning becomes generated code. */
export function row(
  opcode: number,
  name: string,
  formats: string,
  stack: string,
  prose: string,
  inline: Inline,
  more: More = {},
): Instruction {
  return { ...described(opcode, name, formats, stack, prose, more), inline, onHost: undefined }
}

/** Declares an instruction whose meaning is a function of the host. */
export function hostRow(
  opcode: number,
  name: string,
  formats: string,
  stack: string,
  prose: string,
  onHost: OnHost,
  more: More = {},
): Instruction {
  return { ...described(opcode, name, formats, stack, prose, more), inline: undefined, onHost }
}

function described(
  opcode: number,
  name: string,
  formats: string,
  stack: string,
  prose: string,
  { opcodes = 1, operandType, tail }: More,
): Omit<Instruction, 'inline' | 'onHost'> {
  const list = formats.split(' ').filter(format => format !== '') as Format[]
  return { opcode, opcodes, operandType, name, formats: list, tail, stack, prose }
}
