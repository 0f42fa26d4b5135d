import type { RiscvMachine, Value } from './machine.ts'
import { NX } from '@doppel/engine'
import { type Node, Op } from '@doppel/wasm'
import { STATE } from './state.ts'

/**
 * Floating point inline, for code that may assume the usual: NX has accrued, so that inexactness tells nothing new; rounding
 * is to nearest even, as the host's; no result is subnormal, infinite or NaN. All else is given up on, so it stays exact.
 */
type Quick = (m: RiscvMachine, operands: readonly Node[]) => Node

/** How a format's values are made of a register's bits and back, and where their exponents are. */
interface QuickFormat {
  readonly value: (m: RiscvMachine, bits: Node) => Node
  readonly bits: (m: RiscvMachine, value: Node) => Node
  /** The word that has the exponent. */
  readonly high: (m: RiscvMachine, value: Node) => Node
  readonly zero: (m: RiscvMachine) => Node
  readonly exponent: number
  /** The second least exponent: below, a result may have been tiny before it was rounded. */
  readonly leastNormal: number
  readonly op: {
    readonly [name in 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'eq' | 'lt' | 'le' | 'ge']: number
  }
}

const D: QuickFormat = {
  value: (m, bits) => m.op(Op.f64ReinterpretI64, bits),
  bits: (m, value) => m.op(Op.i64ReinterpretF64, value),
  high: (m, value) => m.word(m.op(Op.i64ShrU, m.op(Op.i64ReinterpretF64, value), m.c(32))),
  zero: m => m.emitter.fn.f64Bits(0, 0),
  exponent: 0x7ff00000,
  leastNormal: 0x00200000,
  op: {
    add: Op.f64Add,
    sub: Op.f64Sub,
    mul: Op.f64Mul,
    div: Op.f64Div,
    sqrt: Op.f64Sqrt,
    eq: Op.f64Eq,
    lt: Op.f64Lt,
    le: Op.f64Le,
    ge: Op.f64Ge,
  },
}
const S: QuickFormat = {
  value: (m, bits) => m.op(Op.f32ReinterpretI32, m.word(bits)),
  bits: (m, value) => m.unsigned(m.op(Op.i32ReinterpretF32, value)),
  high: (m, value) => m.op(Op.i32ReinterpretF32, value),
  zero: m => m.emitter.fn.f32Bits(0),
  exponent: 0x7f800000,
  leastNormal: 0x01000000,
  op: {
    add: Op.f32Add,
    sub: Op.f32Sub,
    mul: Op.f32Mul,
    div: Op.f32Div,
    sqrt: Op.f32Sqrt,
    eq: Op.f32Eq,
    lt: Op.f32Lt,
    le: Op.f32Le,
    ge: Op.f32Ge,
  },
}

/** Assumes that rounding and flags are as usual; once in a straight line is enough. */
export function assumeUsualRounding(m: RiscvMachine): void {
  m.emitter.once('usual rounding', () => {
    const inexact = m.op(Op.i32And, m.emitter.field32(STATE.fields.fflags), m.i32(NX))
    m.emitter.assume(m.op(Op.i32And, inexact, m.op(Op.i32Eqz, m.emitter.field32(STATE.fields.frm))))
  })
}

const exponentOf = (m: RiscvMachine, t: QuickFormat, value: Value): Node =>
  m.op(Op.i32And, t.high(m, value()), m.i32(t.exponent))
const isZero = (m: RiscvMachine, t: QuickFormat, value: Node): Node => m.op(t.op.eq, value, t.zero(m))

/** What is never tiny and inexact at once: sums and roots. */
const finite =
  (t: QuickFormat, compute: (m: RiscvMachine, operands: readonly Node[]) => Node): Quick =>
  (m, operands) => {
    const result = m.let(
      compute(
        m,
        operands.map(o => t.value(m, o)),
      ),
    )
    m.emitter.assume(m.op(Op.i32Ne, exponentOf(m, t, result), m.i32(t.exponent)))
    return t.bits(m, result())
  }

const isNormal = (m: RiscvMachine, t: QuickFormat, value: Value): Node => {
  const above = m.op(Op.i32Sub, exponentOf(m, t, value), m.i32(t.leastNormal))
  return m.op(Op.i32LtU, above, m.i32(t.exponent - t.leastNormal))
}

/** Products and quotients: a zero is exact when it comes from one. */
const scaled =
  (t: QuickFormat, op: number, zeroOperands: number): Quick =>
  (m, operands) => {
    const values = operands.map(o => m.let(t.value(m, o)))
    const [a, b] = values as [Value, Value]
    const result = m.let(m.op(op, a(), b()))
    m.emitter.fn.if(m.op(Op.i32Eqz, isNormal(m, t, result)), 'unlikely')
    const zeros = values.slice(0, zeroOperands).map(v => isZero(m, t, v()))
    const fromZero = zeros.reduce((x, y) => m.op(Op.i32Or, x, y))
    m.emitter.assume(m.op(Op.i32And, isZero(m, t, result()), fromZero))
    m.emitter.fn.end()
    return t.bits(m, result())
  }

const compared =
  (t: QuickFormat, op: number): Quick =>
  (m, operands) => {
    const [a, b] = operands.map(o => m.let(t.value(m, o))) as [Value, Value]
    // Neither is a NaN if they are ordered one way or the other.
    const ordered = m.op(Op.i32Or, m.op(t.op.le, a(), b()), m.op(t.op.ge, a(), b()))
    m.emitter.assume(ordered)
    return m.unsigned(m.op(op, a(), b()))
  }

const fusedDouble: Quick = (m, operands) => {
  const [a, b, c] = operands.map(o => m.op(Op.f64x2Splat, D.value(m, o))) as [Node, Node, Node]
  const result = m.let(m.op(Op.f64x2ExtractLane, m.op(Op.f64x2RelaxedMadd, a, b, c)))
  m.emitter.assume(isNormal(m, D, result))
  return D.bits(m, result())
}

/** What a double has more than a single, and half of the last place that both have. */
const BEYOND_SINGLE = 0x1fff_ffff
const MIDWAY = 0x1000_0000

/** A double rounded to single is what it was made from, rounded once, unless it lies midway between two singles. */
const narrowed = (m: RiscvMachine, wide: Value): Node => {
  const beyond = m.op(Op.i32And, m.word(m.op(Op.i64ReinterpretF64, wide())), m.i32(BEYOND_SINGLE))
  m.emitter.assume(m.op(Op.i32Ne, beyond, m.i32(MIDWAY)))
  const result = m.let(m.op(Op.f32DemoteF64, wide()))
  m.emitter.assume(isNormal(m, S, result))
  return S.bits(m, result())
}
/** The product of two singles is exact in double precision. */
const fusedSingle: Quick = (m, operands) => {
  const [a, b, c] = operands.map(o => m.op(Op.f64PromoteF32, S.value(m, o))) as [Node, Node, Node]
  return narrowed(m, m.let(m.op(Op.f64Add, m.op(Op.f64Mul, a, b), c)))
}
const demoted: Quick = (m, operands) => {
  const result = m.let(m.op(Op.f32DemoteF64, D.value(m, operands[0] as Node)))
  m.emitter.assume(isNormal(m, S, result))
  return S.bits(m, result())
}
const promoted: Quick = (m, operands) => {
  const value = m.let(S.value(m, operands[0] as Node))
  m.emitter.assume(m.op(Op.f32Eq, value(), value()))
  return D.bits(m, m.op(Op.f64PromoteF32, value()))
}

const operationsOf = (name: 'f32' | 'f64', t: QuickFormat): Readonly<Record<string, Quick>> => {
  const binary = (op: number): Quick => finite(t, (m, [a, b]) => m.op(op, a, b))
  return {
    [`${name}.add`]: binary(t.op.add),
    [`${name}.sub`]: binary(t.op.sub),
    [`${name}.mul`]: scaled(t, t.op.mul, 2),
    [`${name}.div`]: scaled(t, t.op.div, 1),
    [`${name}.sqrt`]: finite(t, (m, [a]) => m.op(t.op.sqrt, a)),
    [`${name}.eq`]: compared(t, t.op.eq),
    [`${name}.lt`]: compared(t, t.op.lt),
    [`${name}.le`]: compared(t, t.op.le),
  }
}
const converted =
  (t: QuickFormat, convert: (m: RiscvMachine, value: Node) => Node): Quick =>
  (m, operands) =>
    t.bits(m, convert(m, operands[0] as Node))

/** The functions of `FLOAT_OPERATIONS` that have a quick way. */
export const QUICK_FLOAT: Readonly<Record<string, Quick>> = {
  ...operationsOf('f64', D),
  ...operationsOf('f32', S),
  'f64.from.l': converted(D, (m, v) => m.op(Op.f64ConvertI64S, v)),
  'f64.from.lu': converted(D, (m, v) => m.op(Op.f64ConvertI64U, v)),
  'f64.from.w': converted(D, (m, v) => m.op(Op.f64ConvertI32S, m.word(v))),
  'f64.from.wu': converted(D, (m, v) => m.op(Op.f64ConvertI32U, m.word(v))),
  'f32.from.l': converted(S, (m, v) => m.op(Op.f32ConvertI64S, v)),
  'f32.from.w': converted(S, (m, v) => m.op(Op.f32ConvertI32S, m.word(v))),
  'f32.from.wu': converted(S, (m, v) => m.op(Op.f32ConvertI64S, m.unsigned(m.word(v)))),
  'f64.fma': fusedDouble,
  'f32.fma': fusedSingle,
  'f64.to.f32': demoted,
  'f32.to.f64': promoted,
}
