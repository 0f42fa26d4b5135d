import { Irq } from './causes.ts'
import { IllegalAccess, Menvcfg } from './csr.ts'
import { STATE, type StateField } from './state.ts'

const PRIVILEGE_M = 3
const PRIVILEGE_S = 1

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
    return this.long(STATE.fields[field])
  }
  set(field: StateField, value: bigint): void {
    this.setLong(STATE.fields[field], value)
  }
  /** The field at an offset in the state, which is five times as fast as by a name that only is known when it runs. */
  long(offset: number): bigint {
    return this.#longs[(this.state + offset) >>> 3] as bigint
  }
  setLong(offset: number, value: bigint): void {
    this.#longs[(this.state + offset) >>> 3] = value
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
  /** Reads or writes a 32-bit field of the state, or the low word of a wider one. */
  word(offset: number): number {
    return this.#words[(this.state + offset) >>> 2] as number
  }
  setWord(offset: number, value: number): void {
    this.#words[(this.state + offset) >>> 2] = value
  }
  /** Writes both words of a 64-bit field. */
  setWords(offset: number, low: number, high: number): void {
    const at = (this.state + offset) >>> 2
    this.#words[at] = low
    this.#words[at + 1] = high
  }
  /** Copies a 64-bit field: faster than reading it, as values of 64 bits are objects of the heap. */
  copy(from: number, to: number): void {
    const words = this.#words
    const [source, target] = [(this.state + from) >>> 2, (this.state + to) >>> 2]
    words[target] = words[source] as number
    words[target + 1] = words[source + 1] as number
  }

  // What follows from the state alone

  /** TLB misses of loads and stores that generated code has seen to. */
  get tlbMisses(): number {
    return this.word(STATE.common.misses)
  }
  get privilege(): number {
    return this.word(STATE.fields.priv)
  }
  needFloat(): void {
    if (this.long(STATE.fields.fs) === 0n) throw new IllegalAccess()
  }
  setFloat(field: 'fflags' | 'frm', value: bigint): void {
    this.needFloat()
    this.set(field, value)
    this.setLong(STATE.fields.fs, 3n)
  }
  needCounter(index: number): void {
    const allowed = (field: StateField): boolean => ((this.get(field) >> BigInt(index)) & 1n) !== 0n
    if (this.privilege < PRIVILEGE_M && !allowed('mcounteren')) throw new IllegalAccess()
    if (this.privilege < PRIVILEGE_S && !allowed('scounteren')) throw new IllegalAccess()
  }
  setSupervisorTimer(value: bigint): void {
    this.setLong(STATE.fields.stimecmp, value)
  }
  /** Clears and sets bits of mip that software writes. */
  changeInterrupts(clear: bigint, set: bigint): void {
    this.changeBits('mip', Number(clear), Number(set))
  }
  /** Bits of mip that M-mode may write: STIP only while Sstc does not drive it. */
  writableInterrupts(): bigint {
    const sti = (this.long(STATE.fields.menvcfg) & Menvcfg.stce) === 0n ? 1n << BigInt(Irq.sti) : 0n
    return (1n << BigInt(Irq.ssi)) | (1n << BigInt(Irq.sei)) | sti
  }
}
