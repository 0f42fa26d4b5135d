import { ExecutionError } from './execution-errors.ts'
import { SEGMENT_ADDRESSES, SEGMENT_NUMBERS, SEGMENT_USES } from './layout.ts'
import type { MachineState } from './machine-state.ts'
import { SEGMENT_ENTRY_BYTES, SEGMENTS, Syscom } from './syscom.ts'
import { IoResult } from './units/io-result.ts'
import type { Units } from './units/units.ts'

/** Segments in memory, which the table in SYSCOM says where to find. */
export class Segments {
  readonly #state: MachineState
  readonly #units: Units
  /** The program stack as it was before a segment came to lie on it. */
  readonly #stackBefore = new Map<number, number>()

  constructor(state: MachineState, units: Units) {
    this.#state = state
    this.#units = units
  }

  /** The address of the last word of a segment: its number and how many procedures it has. */
  addressOf(segment: number): number {
    return this.#state.register(SEGMENT_ADDRESSES + 4 * segment)
  }
  uses(segment: number): number {
    return this.#state.register(SEGMENT_USES + 4 * segment)
  }
  #set(segment: number, uses: number, address: number): void {
    this.#state.setRegister(SEGMENT_USES + 4 * segment, uses)
    this.#state.setRegister(SEGMENT_ADDRESSES + 4 * segment, address)
  }

  /** Says that the system, segment 0, is at an address. */
  setSystem(address: number): void {
    this.#set(0, 1, address)
  }

  /** Brings a segment into memory, below the program stack; for a data segment only makes room. Does not count a use. */
  load(segment: number): number | undefined {
    if (segment >= SEGMENTS) return ExecutionError.noProcedure
    const state = this.#state
    const entry = state.syscom + Syscom.segmentTable + SEGMENT_ENTRY_BYTES * segment
    const [unit, block, length] = [state.word(entry), state.word(entry + 2), state.word(entry + 4)]
    if (length === 0) return ExecutionError.noProcedure
    const before = state.kp
    const start = (before - length) & ~1
    if (start <= state.np) return ExecutionError.stackOverflow
    if (block !== 0 && this.#units.read(state, unit, start, length, block) !== IoResult.ok) {
      return ExecutionError.systemIo
    }
    this.#stackBefore.set(segment, before)
    state.kp = start
    // Of a data segment, variables are addressed from the word before it on.
    this.#set(segment, 0, block === 0 ? start - 2 : before - 2)
    return undefined
  }

  /** Counts a use of a segment, which is brought into memory for the first. Segment 0 is always there. */
  use(segment: number): number | undefined {
    const number = segment & (SEGMENT_NUMBERS - 1)
    if (number === 0) return undefined
    const error = this.uses(number) === 0 ? this.load(number) : undefined
    if (error === undefined) this.#set(number, this.uses(number) + 1, this.addressOf(number))
    return error
  }

  /** One use less; after the last the room is free again. */
  release(segment: number): void {
    const number = segment & (SEGMENT_NUMBERS - 1)
    const uses = this.uses(number)
    if (number === 0 || uses === 0) return
    if (uses > 1) {
      this.#set(number, uses - 1, this.addressOf(number))
      return
    }
    const before = this.#stackBefore.get(number)
    if (before !== undefined) this.#state.kp = before
    this.#set(number, 0, 0)
  }
}
