import { F64, type FunctionBuilder, I32, I64, type Node, Op } from '@doppel/wasm'
import { causeNumber, type Cause } from '../machine/causes.ts'
import type { Program } from '../program/program.ts'
import type { CheckedOp, RealFunction, RealOp, RealTest, WordOp } from '../rows/ops.ts'
import { constant, inLocal, inNode, isConstant, MAX_WORD, MIN_WORD, type Value } from './value.ts'

/** Functions of the host that generated code calls. */
export type HostCall = (name: string, args: readonly Node[]) => Node

const WORD: Readonly<Record<WordOp, number>> = {
  add: Op.i32Add,
  sub: Op.i32Sub,
  mul: Op.i32Mul,
  div: Op.i32DivS,
  rem: Op.i32RemS,
  and: Op.i32And,
  or: Op.i32Or,
  xor: Op.i32Xor,
  shl: Op.i32Shl,
  shr: Op.i32ShrS,
  eq: Op.i32Eq,
  ne: Op.i32Ne,
  lt: Op.i32LtS,
  le: Op.i32LeS,
  gt: Op.i32GtS,
  ge: Op.i32GeS,
  ltU: Op.i32LtU,
}
const TESTS: ReadonlySet<WordOp> = new Set<WordOp>(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'ltU'])
const REAL: Readonly<Record<RealOp, number>> = { add: Op.f64Add, sub: Op.f64Sub, mul: Op.f64Mul, div: Op.f64Div }
const REAL_TEST: Readonly<Record<RealTest, number>> = {
  eq: Op.f64Eq,
  ne: Op.f64Ne,
  lt: Op.f64Lt,
  le: Op.f64Le,
  gt: Op.f64Gt,
  ge: Op.f64Ge,
}
const REAL_FUNCTION: Readonly<Record<RealFunction, number>> = {
  neg: Op.f64Neg,
  abs: Op.f64Abs,
  sqrt: Op.f64Sqrt,
  trunc: Op.f64Trunc,
}
const bitsView = new DataView(new ArrayBuffer(8))
const UNDEFINED_HALF = 0x8000_0000 | 0

/** Expressions of words and reals, and traps. */
export class Expressions {
  readonly fn: FunctionBuilder
  readonly program: Program
  /** The instruction that code is being made for, as traps name it. */
  site = 0
  readonly #trap: HostCall

  constructor(fn: FunctionBuilder, program: Program, host: HostCall) {
    this.fn = fn
    this.program = program
    this.#trap = host
  }

  /** The expression of a value that is no set. */
  node(value: Value): Node {
    const { fn } = this
    const base = this.baseNode(value)
    return value.offset === 0 ? base : fn.op(Op.i32Add, base, fn.i32(value.offset))
  }
  /** The same without what is added to it. */
  baseNode(value: Value): Node {
    const { fn } = this
    if (value.kind === 'node') return value.base
    if (value.kind === 'local') return fn.get(value.base)
    return value.type === I32 ? fn.i32(value.base) : fn.i64(value.base, value.high32)
  }
  /** The expressions of a value: of a set's words, or the one. */
  nodes(value: Value): Node[] {
    return value.kind === 'set' ? value.parts.map(part => this.node(part)) : [this.node(value)]
  }

  once(value: Value): Value {
    if (value.kind === 'set') return { ...value, parts: value.parts.map(part => this.once(part)) }
    if (value.kind !== 'node') return value
    return { ...value, kind: 'local', base: this.fn.let(value.base), stable: true }
  }
  /** A value that stays what it is whatever code runs before it is used. */
  settled(value: Value): Value {
    if (value.kind === 'set') return { ...value, parts: value.parts.map(part => this.settled(part)) }
    if (value.kind === 'constant' || value.stable) return value
    return { ...value, kind: 'local', base: this.fn.let(this.baseNode(value)), stable: true }
  }
  bounds(value: Value): readonly [number, number] {
    return [value.low, value.high]
  }
  bounded(value: Value, low: number, high: number): Value {
    return { ...value, low: Math.max(value.low, low), high: Math.min(value.high, high) }
  }
  word(value: number): Value {
    return constant(value)
  }
  real(index: number): Value {
    return this.realNumber(this.program.reals[index] as number)
  }
  realNumber(value: number): Value {
    bitsView.setFloat64(0, value)
    return inNode(F64, this.fn.f64Bits(bitsView.getInt32(4), bitsView.getInt32(0)))
  }

  offset(value: Value, bytes: number): Value {
    if (bytes === 0) return value
    if (value.kind === 'constant') return constant(value.base + bytes)
    const [low, high] = [value.low + bytes, value.high + bytes]
    const known = low >= MIN_WORD && high <= MAX_WORD
    return {
      ...value,
      offset: (value.offset + bytes) | 0,
      low: known ? low : MIN_WORD,
      high: known ? high : MAX_WORD,
    }
  }
  op(op: WordOp, a: Value, b: Value): Value {
    if (op === 'add' && isConstant(b)) return this.offset(a, b.base)
    if (op === 'add' && isConstant(a)) return this.offset(b, a.base)
    if (op === 'sub' && isConstant(b) && b.base !== MIN_WORD) return this.offset(a, -b.base)
    const decided = decide(op, a, b)
    if (decided !== undefined) return constant(decided)
    const node = this.fn.op(WORD[op], this.node(a), this.node(b))
    const [low, high] = resultBounds(op, a, b)
    return inNode(I32, node, low, high)
  }
  isZero(a: Value): Value {
    if (a.kind === 'constant') return constant(a.base === 0 ? 1 : 0)
    return inNode(I32, this.fn.op(Op.i32Eqz, this.node(a)), 0, 1)
  }
  choose(condition: Value, ifTrue: Value, ifFalse: Value): Value {
    const node = this.fn.select(this.node(condition), this.node(ifTrue), this.node(ifFalse))
    return inNode(ifTrue.type, node, Math.min(ifTrue.low, ifFalse.low), Math.max(ifTrue.high, ifFalse.high))
  }
  chooseReal(condition: Value, ifTrue: Value, ifFalse: Value): Value {
    return this.choose(condition, ifTrue, ifFalse)
  }

  checked(op: CheckedOp, left: Value, right: Value): Value {
    const [low, high] = wideBounds(op, left, right)
    if (low >= MIN_WORD && high <= MAX_WORD) return { ...this.op(op, left, right), low, high }
    if (!this.program.overflow) return this.op(op, left, right)
    const [a, b] = [this.once(left), this.once(right)]
    if (op === 'mul') return this.#checkedProduct(a, b)
    const result = this.once(inNode(I32, this.fn.op(WORD[op], this.node(a), this.node(b))))
    this.trapIf(this.#overflowed(op, a, b, result), 'overflow')
    return this.bounded(result, Math.max(low, MIN_WORD), Math.min(high, MAX_WORD))
  }
  #overflowed(op: 'add' | 'sub', a: Value, b: Value, result: Value): Value {
    // With one operand's sign known, the result can only leave the range at one end.
    const grows = op === 'add' ? b.low >= 0 : b.high <= 0
    if (grows) return this.op('lt', result, a)
    if (op === 'add' ? b.high <= 0 : b.low >= 0) return this.op('gt', result, a)
    if (op === 'add' && a.low >= 0) return this.op('lt', result, b)
    if (op === 'add' && a.high <= 0) return this.op('gt', result, b)
    const leftChanged = this.op('xor', a, result)
    const other = op === 'add' ? this.op('xor', b, result) : this.op('xor', a, b)
    return this.op('lt', this.op('and', leftChanged, other), constant(0))
  }
  #checkedProduct(a: Value, b: Value): Value {
    const { fn } = this
    const extend = (value: Value): Node => fn.op(Op.i64ExtendI32S, this.node(value))
    const wide = fn.let(fn.op(Op.i64Mul, extend(a), extend(b)))
    const narrow = this.once(inNode(I32, fn.op(Op.i32WrapI64, fn.get(wide))))
    this.trapIf(inNode(I32, fn.op(Op.i64Ne, extend(narrow), fn.get(wide))), 'overflow')
    return narrow
  }

  realOp(op: RealOp, a: Value, b: Value): Value {
    return inNode(F64, this.fn.op(REAL[op], this.node(a), this.node(b)))
  }
  realTest(op: RealTest, a: Value, b: Value): Value {
    return inNode(I32, this.fn.op(REAL_TEST[op], this.node(a), this.node(b)), 0, 1)
  }
  realFunction(op: RealFunction, a: Value): Value {
    return inNode(F64, this.fn.op(REAL_FUNCTION[op], this.node(a)))
  }
  toReal(word: Value): Value {
    return inNode(F64, this.fn.op(Op.f64ConvertI32S, this.node(word)))
  }
  truncated(real: Value): Value {
    return inNode(I32, this.fn.op(Op.i32TruncSatF64S, this.node(real)))
  }
  isUndefinedReal(real: Value): Value {
    const { fn } = this
    const pattern = fn.i64(UNDEFINED_HALF, UNDEFINED_HALF)
    return inNode(I32, fn.op(Op.i64Eq, fn.op(Op.i64ReinterpretF64, this.node(real)), pattern), 0, 1)
  }

  trapIf(condition: Value, cause: Cause, ...values: Value[]): void {
    if (condition.kind === 'constant' && condition.base === 0) return
    this.fn.if(this.node(condition), 'unlikely')
    this.trap(cause, ...values)
    this.fn.end()
  }
  trap(cause: Cause, ...values: Value[]): void {
    const { fn } = this
    const reals = [0, 1, 2].map(i => {
      const value = values[i]
      if (!value) return fn.f64Bits(0, 0)
      return value.type === F64 ? this.node(value) : fn.op(Op.f64ConvertI32S, this.node(value))
    })
    fn.effect(this.#trap('trap', [fn.i32(this.site), fn.i32(causeNumber(cause)), ...reals]))
    fn.unreachable()
  }

  /** What was put into a local that may be assigned again. */
  inVariable(type: number, local: number): Value {
    return inLocal(type, local, false)
  }
  wide(node: Node): Value {
    return inNode(I64, node)
  }
}

/** The outcome of a comparison where the operands' bounds settle it. */
function decide(op: WordOp, a: Value, b: Value): number | undefined {
  const truth = (yes: boolean, no: boolean): number | undefined => (yes ? 1 : no ? 0 : undefined)
  switch (op) {
    case 'lt':
      return truth(a.high < b.low, a.low >= b.high)
    case 'le':
      return truth(a.high <= b.low, a.low > b.high)
    case 'gt':
      return truth(a.low > b.high, a.high <= b.low)
    case 'ge':
      return truth(a.low >= b.high, a.high < b.low)
    case 'eq':
      return truth(false, a.high < b.low || a.low > b.high)
    case 'ne':
      return truth(a.high < b.low || a.low > b.high, false)
    default:
      return undefined
  }
}
function resultBounds(op: WordOp, a: Value, b: Value): readonly [number, number] {
  if (TESTS.has(op)) return [0, 1]
  if (op === 'and' && b.low >= 0) return [0, a.low >= 0 ? Math.min(a.high, b.high) : b.high]
  if (op === 'and' && a.low >= 0) return [0, a.high]
  if (op === 'or' && a.low >= 0 && b.low >= 0 && a.high <= 1 && b.high <= 1) return [0, 1]
  if (op === 'rem' && isConstant(b) && b.base > 0) return [a.low >= 0 ? 0 : 1 - b.base, b.base - 1]
  if (op === 'rem' && a.low >= 0) return [0, a.high]
  if (op === 'div' && isConstant(b) && b.base > 0) return [Math.trunc(a.low / b.base), Math.trunc(a.high / b.base)]
  return [MIN_WORD, MAX_WORD]
}
/** The bounds of a result as a number without limits. */
function wideBounds(op: CheckedOp, a: Value, b: Value): readonly [number, number] {
  if (op === 'add') return [a.low + b.low, a.high + b.high]
  if (op === 'sub') return [a.low - b.high, a.high - b.low]
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high]
  return [Math.min(...corners), Math.max(...corners)]
}
