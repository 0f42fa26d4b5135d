import type { ByteMemory, HostMachine } from '../host-machine.ts'

/** The machine as standard procedures see it. */
export interface StandardMachine extends HostMachine {
  /** Registers; addresses. */
  readonly mp: number
  readonly seg: number
  readonly jtab: number
  /** The top of the heap, and the program stack above it. */
  np: number
  readonly kp: number
  setIpc(address: number): void
  /** Brings a segment into memory and counts a use: undefined, or an execution error. */
  useSegment(segment: number): number | undefined
  releaseSegment(segment: number): void
  readonly units: StandardUnits
  /** Sixtieths of a second, a counter of 32 bits. */
  ticks(): number
}

/** Input and output by unit numbers. What they return is an `IoResult`, or `WAIT`. */
export interface StandardUnits {
  read(memory: ByteMemory, unit: number, address: number, bytes: number, block: number): number
  write(memory: ByteMemory, unit: number, address: number, bytes: number, block: number, mode: number): number
  clear(unit: number): number
  /** How much input of a unit is there; undefined for a unit that is not. */
  status(unit: number): number | undefined
}

/** A standard procedure, called by CSP. */
export interface StandardProcedure {
  readonly number: number
  readonly name: string
  readonly stack: string
  readonly prose: string
  /** Returns nothing, an execution error, `WAIT` or `HALT`. */
  readonly run: (machine: StandardMachine) => number | undefined
}

/** Declares a standard procedure. */
export function procedure(
  number: number,
  name: string,
  stack: string,
  prose: string,
  run: StandardProcedure['run'],
): StandardProcedure {
  return { number, name, stack, prose, run }
}
