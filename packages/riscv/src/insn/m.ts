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
  readonly divU: number
  readonly remU: number
  readonly eqz: number
  readonly add: number
  readonly sub: number
  readonly above: number
}
const LONG: DivisionOps = {
  div: Op.i64DivS,
  rem: Op.i64RemS,
  divU: Op.i64DivU,
  remU: Op.i64RemU,
  eqz: Op.i64Eqz,
  add: Op.i64Add,
  sub: Op.i64Sub,
  above: Op.i64GtU,
}
const WORD: DivisionOps = {
  div: Op.i32DivS,
  rem: Op.i32RemS,
  divU: Op.i32DivU,
  remU: Op.i32RemU,
  eqz: Op.i32Eqz,
  add: Op.i32Add,
  sub: Op.i32Sub,
  above: Op.i32GtU,
}

type Const = (value: number) => Node

/** `unusual`, or what `op` gives where that cannot trap. */
function divided(m: RiscvMachine, op: number, a: Value, b: Value, usual: Node, unusual: Node): Node {
  const { fn } = m.emitter
  const result = fn.let(unusual)
  fn.if(usual, 'likely')
  fn.set(result, m.op(op, a(), b()))
  fn.end()
  return fn.get(result)
}
/** Neither 0 nor -1. */
const isUsual = (m: RiscvMachine, ops: DivisionOps, c: Const, b: Value): Node =>
  m.op(ops.above, m.op(ops.add, b(), c(1)), c(1))
const isNonZero = (m: RiscvMachine, ops: DivisionOps, b: Value): Node => m.op(Op.i32Eqz, m.op(ops.eqz, b()))

function divideSigned(m: RiscvMachine, ops: DivisionOps, c: Const, a: Value, b: Value): Node {
  const unusual = m.select(m.op(ops.eqz, b()), c(-1), m.op(ops.sub, c(0), a()))
  return divided(m, ops.div, a, b, isUsual(m, ops, c, b), unusual)
}
function remainderSigned(m: RiscvMachine, ops: DivisionOps, c: Const, a: Value, b: Value): Node {
  return divided(m, ops.rem, a, b, isUsual(m, ops, c, b), m.select(m.op(ops.eqz, b()), a(), c(0)))
}
function divideUnsigned(m: RiscvMachine, ops: DivisionOps, c: Const, a: Value, b: Value): Node {
  return divided(m, ops.divU, a, b, isNonZero(m, ops, b), c(-1))
}
function remainderUnsigned(m: RiscvMachine, ops: DivisionOps, a: Value, b: Value): Node {
  return divided(m, ops.remU, a, b, isNonZero(m, ops, b), a())
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
    long((m, a, b) => divideSigned(m, LONG, c64(m), a, b)),
  ),
  insn(
    'divu',
    '0000001 rs2 rs1 101 rd 0110011',
    long((m, a, b) => divideUnsigned(m, LONG, c64(m), a, b)),
  ),
  insn(
    'rem',
    '0000001 rs2 rs1 110 rd 0110011',
    long((m, a, b) => remainderSigned(m, LONG, c64(m), a, b)),
  ),
  insn(
    'remu',
    '0000001 rs2 rs1 111 rd 0110011',
    long((m, a, b) => remainderUnsigned(m, LONG, a, b)),
  ),
  insn('mulw', '0000001 rs2 rs1 000 rd 0111011', (m, f) =>
    m.setX(f.rd, m.signed(m.op(Op.i32Mul, m.word(m.x(f.rs1)), m.word(m.x(f.rs2))))),
  ),
  insn(
    'divw',
    '0000001 rs2 rs1 100 rd 0111011',
    word((m, a, b) => divideSigned(m, WORD, c32(m), a, b)),
  ),
  insn(
    'divuw',
    '0000001 rs2 rs1 101 rd 0111011',
    word((m, a, b) => divideUnsigned(m, WORD, c32(m), a, b)),
  ),
  insn(
    'remw',
    '0000001 rs2 rs1 110 rd 0111011',
    word((m, a, b) => remainderSigned(m, WORD, c32(m), a, b)),
  ),
  insn(
    'remuw',
    '0000001 rs2 rs1 111 rd 0111011',
    word((m, a, b) => remainderUnsigned(m, WORD, a, b)),
  ),
]
