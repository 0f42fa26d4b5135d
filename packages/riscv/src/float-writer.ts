import { NX } from '@doppel/engine'
import { type FunctionBuilder, type FunctionRef, type Local, type Node, Op } from '@doppel/wasm'
import { STATE } from './state.ts'

const FS_DIRTY = 3

/** One function being written: parameters are the state, the operands, the rounding mode. */
export class FastFunction {
  readonly fn: FunctionBuilder
  readonly rounding: Local
  readonly #slow: FunctionRef

  constructor(fn: FunctionBuilder, slow: FunctionRef) {
    this.fn = fn
    this.#slow = slow
    this.rounding = fn.type.params.length - 1
  }

  op(code: number, ...args: Node[]): Node {
    return this.fn.op(code, args[0], args[1], args[2])
  }
  /** An evaluated value, to be read as often as wanted. */
  let(node: Node): () => Node {
    const local = this.fn.let(node)
    return () => this.fn.get(local)
  }
  operand(index: number): Node {
    return this.fn.get(1 + index)
  }
  f64(index: number): () => Node {
    return this.let(this.op(Op.f64ReinterpretI64, this.operand(index)))
  }
  f32(index: number): () => Node {
    return this.let(this.op(Op.f32ReinterpretI32, this.op(Op.i32WrapI64, this.operand(index))))
  }
  bits64(value: Node): Node {
    return this.op(Op.i64ReinterpretF64, value)
  }
  bits32(value: Node): Node {
    return this.op(Op.i64ExtendI32U, this.op(Op.i32ReinterpretF32, value))
  }
  and(...conds: Node[]): Node {
    return conds.reduce((a, b) => this.op(Op.i32And, a, b))
  }
  when(cond: Node, then: () => void): void {
    this.fn.if(cond)
    then()
    this.fn.end()
  }
  rounds(mode: number): Node {
    return this.op(Op.i32Eq, this.fn.get(this.rounding), this.fn.i32(mode))
  }
  /** True once NX has accrued: inexactness needs no further look. */
  get inexactKnown(): Node {
    const flags = this.fn.load(Op.i32Load, this.fn.get(0), STATE.fields.fflags)
    return this.op(Op.i32And, flags, this.fn.i32(NX))
  }
  setInexact(): void {
    const flags = this.fn.load(Op.i32Load, this.fn.get(0), STATE.fields.fflags)
    this.fn.store(Op.i32Store, this.fn.get(0), this.op(Op.i32Or, flags, this.fn.i32(NX)), STATE.fields.fflags)
    this.fn.store(Op.i32Store, this.fn.get(0), this.fn.i32(FS_DIRTY), STATE.fields.fs)
  }
  /** Returns a result that is exact unless `inexact`. */
  finish(result: () => Node, inexact: () => Node): void {
    this.when(this.op(Op.i32Eqz, this.inexactKnown), () => this.when(inexact(), () => this.setInexact()))
    this.fn.return(result())
  }
  slow(): void {
    this.fn.return(
      this.fn.call(
        this.#slow,
        this.fn.type.params.map((_, i) => this.fn.get(i)),
      ),
    )
  }

  /** True when a double's exponent field is within `[low, high]`. */
  exponentIn(bits: Node, low: number, high: number): Node {
    const exponent = this.op(
      Op.i32And,
      this.op(Op.i32WrapI64, this.op(Op.i64ShrU, bits, this.fn.i64(52))),
      this.fn.i32(0x7ff),
    )
    return this.op(Op.i32LeU, this.op(Op.i32Sub, exponent, this.fn.i32(low)), this.fn.i32(high - low))
  }
  isZero(value: Node): Node {
    return this.op(Op.f64Eq, value, this.fn.f64Bits(0, 0))
  }
  ordered(value: () => Node): Node {
    return this.op(Op.f64Eq, value(), value())
  }

  /** What a sum lost to rounding, exactly (Knuth's TwoSum). */
  sumError(a: () => Node, b: () => Node, sum: () => Node): Node {
    const other = this.let(this.op(Op.f64Sub, sum(), a()))
    const lostA = this.op(Op.f64Sub, a(), this.op(Op.f64Sub, sum(), other()))
    return this.op(Op.f64Add, lostA, this.op(Op.f64Sub, b(), other()))
  }
  /** What a product lost to rounding, exactly while nothing underflows (Dekker, with Veltkamp's splitting). */
  productError(a: () => Node, b: () => Node, product: () => Node): Node {
    const split = (v: () => Node): { high: () => Node; low: () => Node } => {
      // 2^27 + 1
      const scaled = this.let(this.op(Op.f64Mul, v(), this.fn.f64Bits(0x02000000, 0x41a00000)))
      const high = this.let(this.op(Op.f64Sub, scaled(), this.op(Op.f64Sub, scaled(), v())))
      return { high, low: this.let(this.op(Op.f64Sub, v(), high())) }
    }
    const p = split(a)
    const q = split(b)
    const mul = (x: () => Node, y: () => Node): Node => this.op(Op.f64Mul, x(), y())
    const first = this.op(Op.f64Sub, mul(p.high, q.high), product())
    const crossed = this.op(Op.f64Add, this.op(Op.f64Add, first, mul(p.high, q.low)), mul(p.low, q.high))
    return this.op(Op.f64Add, crossed, mul(p.low, q.low))
  }
}
