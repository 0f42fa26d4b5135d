import { type Node, Op } from '@doppel/wasm'
import type { RiscvMachine, Value } from '../machine.ts'
import { insn, type Row } from './types.ts'

/** The high 64 bits of an unsigned product, from four 32-bit ones (Knuth, TAOCP vol. 2, §4.3.1 M). */
function highUnsigned(m: RiscvMachine, a: Value, b: Value): Node {
  const low = (v: Value): Node => m.op(Op.i64And, v(), m.emitter.fn.i64(-1, 0))
  const high = (v: Value): Node => m.op(Op.i64ShrU, v(), m.c(32))
  const mul = (p: Node, q: Node): Node => m.op(Op.i64Mul, p, q)
  const cross = m.let(m.add(mul(high(a), low(b)), m.op(Op.i64ShrU, mul(low(a), low(b)), m.c(32))))
  const middle = m.let(m.add(mul(low(a), high(b)), low(cross)))
  return m.add(m.add(mul(high(a), high(b)), high(cross)), high(middle))
}
/** What a signed operand takes off the unsigned high product: the other operand when it is negative. */
function correction(m: RiscvMachine, signed: Value, other: Value): Node {
  return m.op(Op.i64And, m.op(Op.i64ShrS, signed(), m.c(63)), other())
}

/** Division never traps: by zero it gives all ones or the dividend, and the overflowing one wraps (Unpriv. ch. "M"). */
interface DivisionOps {
  readonly div: number
  readonly rem: number
  readonly eqz: number
  readonly eq: number
}
const LONG: DivisionOps = { div: Op.i64DivS, rem: Op.i64RemS, eqz: Op.i64Eqz, eq: Op.i64Eq }
const WORD: DivisionOps = { div: Op.i32DivS, rem: Op.i32RemS, eqz: Op.i32Eqz, eq: Op.i32Eq }

type Const = (value: number) => Node

function divideSigned(m: RiscvMachine, ops: DivisionOps, c: Const, min: Node, a: Value, b: Value): Node {
  const overflow = m.op(Op.i32And, m.op(ops.eq, a(), min), m.op(ops.eq, b(), c(-1)))
  const unsafe = m.op(Op.i32Or, m.op(ops.eqz, b()), overflow)
  const quotient = m.op(ops.div, a(), m.select(unsafe, c(1), b()))
  return m.select(m.op(ops.eqz, b()), c(-1), quotient)
}
function remainderSigned(m: RiscvMachine, ops: DivisionOps, c: Const, a: Value, b: Value): Node {
  // WebAssembly's remainder by -1 is 0, also for the most negative dividend.
  const remainder = m.op(ops.rem, a(), m.select(m.op(ops.eqz, b()), c(1), b()))
  return m.select(m.op(ops.eqz, b()), a(), remainder)
}
function divideUnsigned(m: RiscvMachine, div: number, eqz: number, c: Const, a: Value, b: Value): Node {
  const quotient = m.op(div, a(), m.select(m.op(eqz, b()), c(1), b()))
  return m.select(m.op(eqz, b()), c(-1), quotient)
}
function remainderUnsigned(m: RiscvMachine, rem: number, eqz: number, c: Const, a: Value, b: Value): Node {
  const remainder = m.op(rem, a(), m.select(m.op(eqz, b()), c(1), b()))
  return m.select(m.op(eqz, b()), a(), remainder)
}

const long =
  (compute: (m: RiscvMachine, a: Value, b: Value) => Node): Row['semantics'] =>
  (m, f) => {
    const a = m.let(m.x(f.rs1))
    const b = m.let(m.x(f.rs2))
    m.setX(f.rd, compute(m, a, b))
  }
const word =
  (compute: (m: RiscvMachine, a: Value, b: Value) => Node): Row['semantics'] =>
  (m, f) => {
    const a = m.let(m.word(m.x(f.rs1)))
    const b = m.let(m.word(m.x(f.rs2)))
    m.setX(f.rd, m.signed(compute(m, a, b)))
  }
const c64 =
  (m: RiscvMachine): Const =>
  v =>
    m.c(v)
const c32 =
  (m: RiscvMachine): Const =>
  v =>
    m.i32(v)

/** Integer multiplication and division (Unpriv. ch. "M"). */
export const rv64m: readonly Row[] = [
  insn('mul', '0000001 rs2 rs1 000 rd 0110011', (m, f) => m.setX(f.rd, m.op(Op.i64Mul, m.x(f.rs1), m.x(f.rs2)))),
  insn(
    'mulh',
    '0000001 rs2 rs1 001 rd 0110011',
    long((m, a, b) =>
      m.op(Op.i64Sub, m.op(Op.i64Sub, highUnsigned(m, a, b), correction(m, a, b)), correction(m, b, a)),
    ),
  ),
  insn(
    'mulhsu',
    '0000001 rs2 rs1 010 rd 0110011',
    long((m, a, b) => m.op(Op.i64Sub, highUnsigned(m, a, b), correction(m, a, b))),
  ),
  insn('mulhu', '0000001 rs2 rs1 011 rd 0110011', long(highUnsigned)),
  insn(
    'div',
    '0000001 rs2 rs1 100 rd 0110011',
    long((m, a, b) => divideSigned(m, LONG, c64(m), m.emitter.fn.i64(0, 1 << 31), a, b)),
  ),
  insn(
    'divu',
    '0000001 rs2 rs1 101 rd 0110011',
    long((m, a, b) => divideUnsigned(m, Op.i64DivU, Op.i64Eqz, c64(m), a, b)),
  ),
  insn(
    'rem',
    '0000001 rs2 rs1 110 rd 0110011',
    long((m, a, b) => remainderSigned(m, LONG, c64(m), a, b)),
  ),
  insn(
    'remu',
    '0000001 rs2 rs1 111 rd 0110011',
    long((m, a, b) => remainderUnsigned(m, Op.i64RemU, Op.i64Eqz, c64(m), a, b)),
  ),
  insn('mulw', '0000001 rs2 rs1 000 rd 0111011', (m, f) =>
    m.setX(f.rd, m.signed(m.op(Op.i32Mul, m.word(m.x(f.rs1)), m.word(m.x(f.rs2))))),
  ),
  insn(
    'divw',
    '0000001 rs2 rs1 100 rd 0111011',
    word((m, a, b) => divideSigned(m, WORD, c32(m), m.i32(1 << 31), a, b)),
  ),
  insn(
    'divuw',
    '0000001 rs2 rs1 101 rd 0111011',
    word((m, a, b) => divideUnsigned(m, Op.i32DivU, Op.i32Eqz, c32(m), a, b)),
  ),
  insn(
    'remw',
    '0000001 rs2 rs1 110 rd 0111011',
    word((m, a, b) => remainderSigned(m, WORD, c32(m), a, b)),
  ),
  insn(
    'remuw',
    '0000001 rs2 rs1 111 rd 0111011',
    word((m, a, b) => remainderUnsigned(m, Op.i32RemU, Op.i32Eqz, c32(m), a, b)),
  ),
]
