import { STATE, type StateField } from './state.ts'

/** A hart's state as it lies in the engine's memory, which generated code shares, and sometimes other threads. */
export class HartRegisters {
  /** Its address. */
  readonly state: number
  readonly #longs: BigUint64Array
  readonly #words: Int32Array

  constructor(memory: ArrayBufferLike, state: number) {
    this.state = state
    this.#longs = new BigUint64Array(memory)
    this.#words = new Int32Array(memory)
  }

  get(field: StateField): bigint {
    return this.#longs[(this.state + STATE.fields[field]) >>> 3] as bigint
  }
  set(field: StateField, value: bigint): void {
    this.#longs[(this.state + STATE.fields[field]) >>> 3] = value
  }
  /** Clears, then sets, bits of a field's low word; another thread may change others at the same time. */
  changeBits(field: StateField, clear: number, set: number): void {
    const at = (this.state + STATE.fields[field]) >>> 2
    Atomics.and(this.#words, at, ~clear)
    Atomics.or(this.#words, at, set)
  }
  get pc(): bigint {
    return this.#longs[(this.state + STATE.common.pc) >>> 3] as bigint
  }
  set pc(value: bigint) {
    this.#longs[(this.state + STATE.common.pc) >>> 3] = value
  }
  /** What the exception that code asked for reports. */
  get tval(): bigint {
    return this.#longs[(this.state + STATE.common.tval) >>> 3] as bigint
  }
  set tval(value: bigint) {
    this.#longs[(this.state + STATE.common.tval) >>> 3] = value
  }
  x(register: number): bigint {
    return this.#longs[(this.state + STATE.files.x.offset) / 8 + register] as bigint
  }
  setX(register: number, value: bigint): void {
    if (register !== 0) this.#longs[(this.state + STATE.files.x.offset) / 8 + register] = value
  }
  f(register: number): bigint {
    return this.#longs[(this.state + STATE.files.f.offset) / 8 + register] as bigint
  }
  setF(register: number, bits: bigint): void {
    this.#longs[(this.state + STATE.files.f.offset) / 8 + register] = bits
  }
  /** Reads or writes a 32-bit field of the state that generated code shares with the host. */
  word(offset: number): number {
    return this.#words[(this.state + offset) >>> 2] as number
  }
  setWord(offset: number, value: number): void {
    this.#words[(this.state + offset) >>> 2] = value
  }
}
