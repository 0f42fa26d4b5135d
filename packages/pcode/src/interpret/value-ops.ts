import * as bits from '../machine/bit-sets.ts'
import type { Cause } from '../machine/causes.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { NIL, STORAGE, type StorageClass } from '../program/program.ts'
import type { CheckedOp, Ops, RealFunction, RealOp, RealTest, SetKind, SetOp, WordOp } from '../rows/ops.ts'

/** What is on the interpreter's operand stack: a word or real, or a set. */
export type StackValue = number | bits.BitSet

const MIN_WORD = -0x8000_0000
const MAX_WORD = 0x7fff_ffff

const WORD_OPS: Readonly<Record<WordOp, (a: number, b: number) => number>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => quotient(a, b),
  rem: (a, b) => (a % b) | 0,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
  ltU: (a, b) => Number(a >>> 0 < b >>> 0),
}
/** The one quotient that no word can hold is that of the lowest word and -1. */
function quotient(a: number, b: number): number {
  const whole = Math.trunc(a / b)
  if (whole > MAX_WORD) throw new Problem('overflow')
  return whole | 0
}
const REAL_OPS: Readonly<Record<RealOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
}
const REAL_FUNCTIONS: Readonly<Record<RealFunction, (a: number) => number>> = {
  neg: a => -a,
  abs: Math.abs,
  sqrt: Math.sqrt,
  trunc: Math.trunc,
}
/** Sums and products of words are exact as doubles, or so far out that it does not matter. */
const WIDE_OPS: Readonly<Record<CheckedOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
}
const SET_OPS: Readonly<Record<SetOp, (a: number, b: number) => number>> = {
  union: (a, b) => a | b,
  intersection: (a, b) => a & b,
  difference: (a, b) => a & ~b,
}
const UNDEFINED_REAL_BITS = 0x8000_0000_8000_0000n
const realBits = new DataView(new ArrayBuffer(8))

/** The meanings of instructions on values, but for frames and control flow, which the interpreter adds. */
export abstract class ValueOps implements Omit<Ops<StackValue>, 'standard'> {
  readonly runtime: Runtime
  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  once(value: StackValue): StackValue {
    return value
  }
  bounds(value: StackValue): readonly [number, number] {
    return [value as number, value as number]
  }
  bounded(value: StackValue): StackValue {
    return value
  }
  word(value: number): number {
    return value | 0
  }
  real(index: number): number {
    return this.runtime.program.reals[index] as number
  }
  realNumber(value: number): number {
    return value
  }
  op(op: WordOp, a: StackValue, b: StackValue): number {
    return WORD_OPS[op](a as number, b as number)
  }
  offset(address: StackValue, bytes: number): number {
    return ((address as number) + bytes) | 0
  }
  element(address: StackValue, index: StackValue, bytes: number): number {
    return ((address as number) + Math.imul(index as number, bytes)) | 0
  }
  isZero(a: StackValue): number {
    return Number(a === 0)
  }
  choose(condition: StackValue, ifTrue: StackValue, ifFalse: StackValue): StackValue {
    return condition === 0 ? ifFalse : ifTrue
  }
  chooseReal(condition: StackValue, ifTrue: StackValue, ifFalse: StackValue): StackValue {
    return this.choose(condition, ifTrue, ifFalse)
  }
  checked(op: CheckedOp, a: StackValue, b: StackValue): number {
    const wide = WIDE_OPS[op](a as number, b as number)
    if (!this.runtime.program.overflow) return WORD_OPS[op](a as number, b as number)
    if (wide > MAX_WORD || wide < MIN_WORD) throw new Problem('overflow')
    return wide | 0
  }
  realOp(op: RealOp, a: StackValue, b: StackValue): number {
    return REAL_OPS[op](a as number, b as number)
  }
  realTest(op: RealTest, a: StackValue, b: StackValue): number {
    return WORD_OPS[op](a as number, b as number)
  }
  realFunction(op: RealFunction, a: StackValue): number {
    return REAL_FUNCTIONS[op](a as number)
  }
  toReal(word: StackValue): StackValue {
    return word
  }
  truncated(real: StackValue): number {
    return Math.trunc(real as number) | 0
  }
  isUndefinedReal(real: StackValue): number {
    realBits.setFloat64(0, real as number)
    return Number(realBits.getBigUint64(0) === UNDEFINED_REAL_BITS)
  }

  setOp(op: SetOp, a: StackValue, b: StackValue): StackValue {
    return bits.combine(a as bits.BitSet, b as bits.BitSet, SET_OPS[op])
  }
  setEqual(a: StackValue, b: StackValue): number {
    return Number(bits.isEqual(a as bits.BitSet, b as bits.BitSet))
  }
  setWithin(a: StackValue, b: StackValue): number {
    return Number(bits.isSubset(a as bits.BitSet, b as bits.BitSet))
  }
  setHas(set: StackValue, element: StackValue): number {
    return Number(bits.has(set as bits.BitSet, element as number))
  }
  setRange(_kind: SetKind, low: StackValue, high: StackValue): StackValue {
    return bits.rangeSet(low as number, high as number)
  }
  widened(set: StackValue): StackValue {
    return set
  }
  narrowed(set: StackValue): StackValue {
    return bits.lowPart(set as bits.BitSet)
  }
  setConstant(kind: SetKind, index: number): StackValue {
    const set = new Uint8Array(32)
    set.set(this.runtime.program.sets[index] as Uint8Array)
    return kind === 's' ? set : bits.lowPart(set)
  }

  load(storage: StorageClass, address: StackValue, offset: number): StackValue {
    // Not modulo 2^32, as WebAssembly's own offsets: what lies beyond is nowhere.
    const at = ((address as number) >>> 0) + offset
    const { memory } = this.runtime
    switch (storage) {
      case 'i':
      case 'a':
        return memory.word(at)
      case 'b':
      case 'c':
      case 'x':
        return memory.byte(at)
      case 'h':
        return memory.view.getInt16(at, true)
      case 'r':
        return memory.real(at)
      case 's':
      case 't': {
        const set = new Uint8Array(32)
        set.set(memory.slice(at, STORAGE[storage].bytes))
        return set
      }
    }
  }
  store(storage: StorageClass, address: StackValue, offset: number, value: StackValue): void {
    const at = ((address as number) >>> 0) + offset
    const { memory } = this.runtime
    switch (storage) {
      case 'i':
      case 'a':
        return memory.setWord(at, value as number)
      case 'b':
      case 'c':
      case 'x':
        return memory.setByte(at, value as number)
      case 'h':
        return memory.view.setInt16(at, value as number, true)
      case 'r':
        return memory.setReal(at, value as number)
      case 's':
      case 't':
        memory.bytes.set((value as bits.BitSet).subarray(0, STORAGE[storage].bytes), at)
    }
  }
  globalAddress(offset: number): number {
    return this.runtime.layout.globals + offset
  }
  constantAddress(offset: number): number {
    return this.runtime.layout.constants + offset
  }
  move(to: StackValue, from: StackValue, bytes: StackValue): void {
    const { memory } = this.runtime
    const length = (bytes as number) >>> 0
    memory.bytes.set(memory.slice(from as number, length), (to as number) >>> 0)
  }
  compareBytes(a: StackValue, b: StackValue, bytes: StackValue): number {
    const { memory } = this.runtime
    for (let i = 0; i < (bytes as number); i++) {
      const difference = memory.byte((a as number) + i) - memory.byte((b as number) + i)
      if (difference !== 0) return difference
    }
    return 0
  }

  trapIf(condition: StackValue, cause: Cause, ...values: StackValue[]): void {
    if (condition !== 0) this.trap(cause, ...values)
  }
  trap(cause: Cause, ...values: StackValue[]): never {
    throw new Problem(cause, values as number[])
  }
  allocate(bytes: StackValue): number {
    return this.runtime.heap.allocate(bytes as number)
  }
  release(pointer: StackValue): void {
    this.runtime.heap.free(pointer as number)
  }
  checkPointer(pointer: StackValue, nilAllowed: boolean): StackValue {
    if (pointer === NIL && nilAllowed) return pointer
    const state = this.runtime.heap.state(pointer as number)
    if (state !== 'live') throw pointerProblem(state)
    return pointer
  }

  abstract loadLocal(storage: StorageClass, levels: number, offset: number): StackValue
  abstract storeLocal(storage: StorageClass, levels: number, offset: number, value: StackValue): void
  abstract localAddress(levels: number, offset: number): StackValue
  abstract jump(target: number): void
  abstract jumpIf(condition: StackValue, target: number): void
  abstract jumpTable(table: number, selector: StackValue): void
  abstract call(routine: number, args: readonly StackValue[]): undefined
  abstract callIndirect(signature: number, link: StackValue, code: StackValue, args: readonly StackValue[]): undefined
  abstract procedureLink(routine: number): StackValue
  abstract procedureCode(routine: number): StackValue
  abstract return(value: StackValue | undefined): void
  abstract goto(levels: number, target: number): void
  abstract stop(): void
}

/** What is wrong with a pointer that is not that of a live variable. */
export function pointerProblem(state: 'nil' | 'freed' | 'none'): Problem {
  return new Problem(state === 'nil' ? 'nil' : state === 'freed' ? 'dangling' : 'pointer')
}
