/** What an operation on the host returns to be done again once there is input. */
export const WAIT: number = -1
/** What an operation on the host returns to end the system. */
export const HALT: number = -2

/** Memory byte by byte; addresses are cut to 16 bits. */
export interface ByteMemory {
  byte(address: number): number
  setByte(address: number, value: number): void
}

/** The machine as instructions and standard procedures on the host see it. Words are unsigned, addresses cut to 16 bits. */
export interface HostMachine extends ByteMemory {
  pop(): number
  popSigned(): number
  popReal(): number
  push(word: number): void
  pushReal(value: number): void
  /** The address of the system communication area. */
  readonly syscom: number
  /** Does a standard procedure, by its number. */
  standard(procedure: number): number | undefined
  /** Words that are on the evaluation stack. */
  readonly depth: number
  word(address: number): number
  setWord(address: number, value: number): void
}
