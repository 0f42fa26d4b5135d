import type { Cause } from '../machine/causes.ts'
import type { StorageClass } from '../program/program.ts'

/** Operations on words; comparisons give 0 or 1. Shifts take their count modulo 32. */
export type WordOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'rem'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'ltU'
/** Operations on reals that give reals. */
export type RealOp = 'add' | 'sub' | 'mul' | 'div'
/** Comparisons of reals, which give words. */
export type RealTest = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'
/** Functions of one real. */
export type RealFunction = 'neg' | 'abs' | 'sqrt' | 'trunc'
/** Operations on two sets of the same kind that give a set. */
export type SetOp = 'union' | 'intersection' | 'difference'
/** Integer operations that trap on overflow where the program asks for that. */
export type CheckedOp = 'add' | 'sub' | 'mul'
/** The two kinds of set: of 0..255 and of 0..63. */
export type SetKind = 's' | 't'

/**
 * What an instruction's meaning is written against. `V` is a value: a number or set when a program is interpreted, an
 * expression when it is translated. A value that is used more than once goes through `once` first.
 */
export interface Ops<V> {
  once(value: V): V
  /** What is known of a word already: its least and greatest value. */
  bounds(value: V): readonly [low: number, high: number]
  /** Says that a word lies in a range, as a check before has made sure. */
  bounded(value: V, low: number, high: number): V

  word(value: number): V
  /** A real of the program's table. */
  real(index: number): V
  op(op: WordOp, a: V, b: V): V
  /** Addresses: a fixed distance beyond one, and an element of what is there. */
  offset(address: V, bytes: number): V
  element(address: V, index: V, bytes: number): V
  isZero(a: V): V
  choose(condition: V, ifTrue: V, ifFalse: V): V
  checked(op: CheckedOp, a: V, b: V): V

  /** A real of the machine's own. */
  realNumber(value: number): V
  chooseReal(condition: V, ifTrue: V, ifFalse: V): V
  realOp(op: RealOp, a: V, b: V): V
  realTest(op: RealTest, a: V, b: V): V
  realFunction(op: RealFunction, a: V): V
  toReal(word: V): V
  /** The integer that a real, known to be in range, has before its point. */
  truncated(real: V): V
  /** 1 where a real's bits are those of an undefined one. */
  isUndefinedReal(real: V): V

  setOp(op: SetOp, a: V, b: V): V
  setEqual(a: V, b: V): V
  /** 1 where every element of `a` is one of `b`. */
  setWithin(a: V, b: V): V
  setHas(set: V, element: V): V
  /** The set of low..high, whose ends lie in the kind's range unless it is empty. */
  setRange(kind: SetKind, low: V, high: V): V
  /** The same elements in the other kind; `narrowed` drops those above 63. */
  widened(set: V): V
  narrowed(set: V): V
  setConstant(kind: SetKind, index: number): V

  load(storage: StorageClass, address: V, offset: number): V
  store(storage: StorageClass, address: V, offset: number, value: V): void
  /** The variable at an offset in the frame `levels` static levels up. */
  loadLocal(storage: StorageClass, levels: number, offset: number): V
  storeLocal(storage: StorageClass, levels: number, offset: number, value: V): void
  localAddress(levels: number, offset: number): V
  globalAddress(offset: number): V
  constantAddress(offset: number): V
  move(to: V, from: V, bytes: V): void
  /** How the bytes at two addresses compare: negative, zero or positive; the first difference decides, unsigned. */
  compareBytes(a: V, b: V, bytes: V): V

  /** Stops the program where the condition is not zero. */
  trapIf(condition: V, cause: Cause, ...values: V[]): void
  trap(cause: Cause, ...values: V[]): void
  /** Stops the program unless the pointer is that of a live variable, or nil where that is allowed. */
  checkPointer(pointer: V, nilAllowed: boolean): V
  /** The address of a new heap variable of so many bytes; and the end of one. */
  allocate(bytes: V): V
  release(pointer: V): void
  /** Calls the standard procedure of this number. */
  standard(index: number, args: readonly V[]): V | undefined

  jump(target: number): void
  jumpIf(condition: V, target: number): void
  jumpTable(table: number, selector: V): void
  call(routine: number, args: readonly V[]): V | undefined
  callIndirect(signature: number, link: V, code: V, args: readonly V[]): V | undefined
  /** The two words that a procedure is passed as. */
  procedureLink(routine: number): V
  procedureCode(routine: number): V
  return(value: V | undefined): void
  /** Leaves for an instruction of the routine `levels` static levels up, ending every routine called since. */
  goto(levels: number, target: number): void
  stop(): void
}
