import type { RiscvMachine, Value } from './machine.ts'
import { NX } from '@doppel/engine'
import { type Node, Op } from '@doppel/wasm'
import { STATE } from './state.ts'

/**
 * Double precision inline, for code that may assume the usual: NX has accrued, so that inexactness tells nothing new; rounding
 * is to nearest even, as the host's; no result is subnormal, infinite or NaN. All else is given up on, so it stays exact.
 */
type Quick = (m: RiscvMachine, operands: readonly Node[]) => Node

const EXPONENT = 0x7ff00000
/** The second least exponent: below, a result may have been tiny before it was rounded. */
const LEAST_NORMAL = 0x00200000

/** Assumes that rounding and flags are as usual; once in a straight line is enough. */
export function assumeUsualRounding(m: RiscvMachine): void {
  m.emitter.once('usual rounding', () => {
    const inexact = m.op(Op.i32And, m.emitter.field32(STATE.fields.fflags), m.i32(NX))
    m.emitter.assume(m.op(Op.i32And, inexact, m.op(Op.i32Eqz, m.emitter.field32(STATE.fields.frm))))
  })
}

const double = (m: RiscvMachine, bits: Node): Node => m.op(Op.f64ReinterpretI64, bits)
const bitsOf = (m: RiscvMachine, value: Node): Node => m.op(Op.i64ReinterpretF64, value)
const exponentOf = (m: RiscvMachine, value: Value): Node =>
  m.op(Op.i32And, m.word(m.op(Op.i64ShrU, bitsOf(m, value()), m.c(32))), m.i32(EXPONENT))
const isZero = (m: RiscvMachine, value: Node): Node => m.op(Op.f64Eq, value, m.emitter.fn.f64Bits(0, 0))

/** What is never tiny and inexact at once: sums and roots. */
const finite =
  (compute: (m: RiscvMachine, operands: readonly Node[]) => Node): Quick =>
  (m, operands) => {
    const result = m.let(compute(m, operands))
    m.emitter.assume(m.op(Op.i32Ne, exponentOf(m, result), m.i32(EXPONENT)))
    return bitsOf(m, result())
  }

const isNormal = (m: RiscvMachine, value: Value): Node => {
  const above = m.op(Op.i32Sub, exponentOf(m, value), m.i32(LEAST_NORMAL))
  return m.op(Op.i32LtU, above, m.i32(EXPONENT - LEAST_NORMAL))
}

/** Products and quotients: a zero is exact when it comes from one. */
const scaled =
  (op: number, zeroOperands: number): Quick =>
  (m, operands) => {
    const values = operands.map(o => m.let(double(m, o)))
    const [a, b] = values as [Value, Value]
    const result = m.let(m.op(op, a(), b()))
    m.emitter.fn.if(m.op(Op.i32Eqz, isNormal(m, result)), 'unlikely')
    const zeros = values.slice(0, zeroOperands).map(v => isZero(m, v()))
    const fromZero = zeros.reduce((x, y) => m.op(Op.i32Or, x, y))
    m.emitter.assume(m.op(Op.i32And, isZero(m, result()), fromZero))
    m.emitter.fn.end()
    return bitsOf(m, result())
  }

const fused: Quick = (m, operands) => {
  const [a, b, c] = operands.map(o => m.op(Op.f64x2Splat, double(m, o))) as [Node, Node, Node]
  const result = m.let(m.op(Op.f64x2ExtractLane, m.op(Op.f64x2RelaxedMadd, a, b, c)))
  m.emitter.assume(isNormal(m, result))
  return bitsOf(m, result())
}

const compared =
  (op: number): Quick =>
  (m, operands) => {
    const [a, b] = operands.map(o => m.let(double(m, o))) as [Value, Value]
    // Neither is a NaN if they are ordered one way or the other.
    const ordered = m.op(Op.i32Or, m.op(Op.f64Le, a(), b()), m.op(Op.f64Ge, a(), b()))
    m.emitter.assume(ordered)
    return m.unsigned(m.op(op, a(), b()))
  }

const sum = (op: number): Quick => finite((m, o) => m.op(op, double(m, o[0] as Node), double(m, o[1] as Node)))

/** The functions of `FLOAT_OPERATIONS` that have a quick way. */
export const QUICK_FLOAT: Readonly<Record<string, Quick>> = {
  'f64.add': sum(Op.f64Add),
  'f64.sub': sum(Op.f64Sub),
  'f64.mul': scaled(Op.f64Mul, 2),
  'f64.div': scaled(Op.f64Div, 1),
  'f64.sqrt': finite((m, o) => m.op(Op.f64Sqrt, double(m, o[0] as Node))),
  'f64.from.l': (m, o) => bitsOf(m, m.op(Op.f64ConvertI64S, o[0] as Node)),
  'f64.from.lu': (m, o) => bitsOf(m, m.op(Op.f64ConvertI64U, o[0] as Node)),
  'f64.from.w': (m, o) => bitsOf(m, m.op(Op.f64ConvertI32S, m.word(o[0] as Node))),
  'f64.from.wu': (m, o) => bitsOf(m, m.op(Op.f64ConvertI32U, m.word(o[0] as Node))),
  'f64.eq': compared(Op.f64Eq),
  'f64.lt': compared(Op.f64Lt),
  'f64.le': compared(Op.f64Le),
  'f64.fma': fused,
}
