import type { DebugTarget } from '@doppel/base'
import type { FoundCaller, FrameRegisters } from './machine-frames.ts'

/** What a debugger has to know of an instruction; a jump's next instruction is elsewhere, and only known when it has been made. */
export interface CodeInstruction {
  readonly lengthBytes: number
  readonly kind: 'call' | 'jump' | 'other'
  readonly text: string
}

/** An architecture, as debuggers of source need it. */
export interface MachineCode {
  /** The stack pointer's number in DWARF. */
  readonly stackPointer: number
  /** The number in `DebugTarget` of the program counter. */
  readonly programCounter: number
  /** The number in `DebugTarget` of a register by its DWARF number; undefined where there is none. */
  registerOf(dwarf: number): number | undefined
  /** The DWARF number of a register of `DebugTarget`. */
  dwarfOf(register: number): number | undefined
  /** Undefined where there is no code to be read. */
  instructionAt(thread: number, address: bigint): CodeInstruction | undefined
  /** The caller of code that no call frame information tells of. */
  callerOf(thread: number, frame: FrameRegisters, isInnermost: boolean): FoundCaller | undefined
}

/** A register's value; undefined where it cannot be read now. */
export function readNumber(target: DebugTarget, thread: number, register: number | undefined): bigint | undefined {
  const bytes = register === undefined ? undefined : target.readRegister(thread, register)
  return bytes?.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}
