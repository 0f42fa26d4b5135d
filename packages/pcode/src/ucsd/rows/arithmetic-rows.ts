import { type Node, Op } from '@doppel/wasm'
import { ExecutionError } from '../execution-errors.ts'
import type { Ops } from '../ops.ts'
import { type Inline, type Instruction, row } from '../row.ts'

/** An operation on the two topmost integers, the deeper first. */
function integers(compute: (m: Ops, x: Node, y: Node) => Node): Inline {
  return m => {
    const y = m.popSigned()
    const x = m.popSigned()
    m.push(compute(m, x(), y()))
  }
}
/** The same where the upper one must not be 0. */
function dividing(op: number): Inline {
  return m => {
    const y = m.popSigned()
    m.faultIf(m.fn.op(Op.i32Eqz, y()), ExecutionError.divideByZero)
    const x = m.popSigned()
    m.push(m.fn.op(op, x(), y()))
  }
}
function reals(op: number): Inline {
  return m => {
    const y = m.popReal()
    const x = m.popReal()
    m.pushReal(m.fn.op(op, x(), y()))
  }
}
const of = (op: number): Inline => integers((m, x, y) => m.fn.op(op, x, y))

/** Instructions on integers, reals and truth values. */
export const ARITHMETIC_ROWS: readonly Instruction[] = [
  row(128, 'ABI', '', 'integer → integer', 'Absolute value.', m => {
    const { fn } = m
    const x = m.popSigned()
    m.push(fn.select(fn.op(Op.i32LtS, x(), fn.i32(0)), fn.op(Op.i32Sub, fn.i32(0), x()), x()))
  }),
  row(130, 'ADI', '', 'integer integer → integer', 'Add integers.', of(Op.i32Add)),
  row(149, 'SBI', '', 'integer integer → integer', 'Subtract integers.', of(Op.i32Sub)),
  row(143, 'MPI', '', 'integer integer → integer', 'Multiply integers.', of(Op.i32Mul)),
  row(134, 'DVI', '', 'integer integer → integer', 'Divide integers.', dividing(Op.i32DivS)),
  row(142, 'MODI', '', 'integer integer → integer', 'Remainder, with the sign of the dividend.', dividing(Op.i32RemS)),
  row(145, 'NGI', '', 'integer → integer', 'Negate integer.', m => {
    const x = m.popSigned()
    m.push(m.fn.op(Op.i32Sub, m.fn.i32(0), x()))
  }),
  row(152, 'SQI', '', 'integer → integer', 'Square integer.', m => {
    const x = m.popSigned()
    m.push(m.fn.op(Op.i32Mul, x(), x()))
  }),
  row(136, 'CHK', '', 'integer low high → integer', 'Check that an integer is within bounds.', m => {
    const { fn } = m
    const [high, low] = [m.popSigned(), m.popSigned()]
    const value = m.popSigned()
    m.push(value())
    const outside = fn.op(Op.i32Or, fn.op(Op.i32LtS, value(), low()), fn.op(Op.i32GtS, value(), high()))
    m.faultIf(outside, ExecutionError.invalidIndex)
  }),

  row(132, 'LAND', '', 'word word → word', 'And, bit by bit.', of(Op.i32And)),
  row(141, 'LOR', '', 'word word → word', 'Or, bit by bit.', of(Op.i32Or)),
  row(147, 'LNOT', '', 'word → word', 'Not, bit by bit.', m => {
    const x = m.pop()
    m.push(m.fn.op(Op.i32Xor, x(), m.fn.i32(-1)))
  }),

  row(138, 'FLT', '', 'integer → real', 'Float the top.', m => {
    const x = m.popSigned()
    m.pushReal(m.fn.op(Op.f32ConvertI32S, x()))
  }),
  row(137, 'FLO', '', 'integer real → real real', 'Float the integer below the top.', m => {
    const upper = m.popReal()
    const x = m.popSigned()
    m.pushReal(m.fn.op(Op.f32ConvertI32S, x()))
    m.pushReal(upper())
  }),
  row(129, 'ABR', '', 'real → real', 'Absolute value.', m => {
    const x = m.popReal()
    m.pushReal(m.fn.op(Op.f32Abs, x()))
  }),
  row(131, 'ADR', '', 'real real → real', 'Add reals.', reals(Op.f32Add)),
  row(150, 'SBR', '', 'real real → real', 'Subtract reals.', reals(Op.f32Sub)),
  row(144, 'MPR', '', 'real real → real', 'Multiply reals.', reals(Op.f32Mul)),
  row(135, 'DVR', '', 'real real → real', 'Divide reals.', m => {
    const { fn } = m
    const y = m.popReal()
    m.faultIf(fn.op(Op.f32Eq, y(), fn.f32Bits(0)), ExecutionError.divideByZero)
    const x = m.popReal()
    m.pushReal(fn.op(Op.f32Div, x(), y()))
  }),
  row(146, 'NGR', '', 'real → real', 'Negate real.', m => {
    const x = m.popReal()
    m.pushReal(m.fn.op(Op.f32Neg, x()))
  }),
  row(153, 'SQR', '', 'real → real', 'Square real.', m => {
    const x = m.popReal()
    m.pushReal(m.fn.op(Op.f32Mul, x(), x()))
  }),
]
