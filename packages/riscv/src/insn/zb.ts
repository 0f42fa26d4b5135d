import { type Node, Op } from '@doppel/wasm'
import type { RiscvMachine } from '../machine.ts'
import { type Fields, insn, type Row } from './types.ts'

type Semantics = (m: RiscvMachine, f: Fields) => void

const binary =
  (compute: (m: RiscvMachine, a: Node, b: Node) => Node): Semantics =>
  (m, f) =>
    m.setX(f.rd, compute(m, m.x(f.rs1), m.x(f.rs2)))
const withImmediate =
  (compute: (m: RiscvMachine, a: Node, b: Node) => Node): Semantics =>
  (m, f) =>
    m.setX(f.rd, compute(m, m.x(f.rs1), m.imm(f.imm)))
const unary =
  (compute: (m: RiscvMachine, a: Node) => Node): Semantics =>
  (m, f) =>
    m.setX(f.rd, compute(m, m.x(f.rs1)))

const shiftedAdd = (shift: number): Semantics => binary((m, a, b) => m.add(m.op(Op.i64Shl, a, m.c(shift)), b))
const zeroExtended = (m: RiscvMachine, a: Node): Node => m.op(Op.i64And, a, m.emitter.fn.i64(-1, 0))
const shiftedAddWord = (shift: number): Semantics =>
  binary((m, a, b) => m.add(m.op(Op.i64Shl, zeroExtended(m, a), m.c(shift)), b))
const inverted = (m: RiscvMachine, a: Node): Node => m.op(Op.i64Xor, a, m.c(-1))
const choose =
  (op: number): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.select(m.op(op, m.x(f.rs1), m.x(f.rs2)), m.x(f.rs1), m.x(f.rs2)))
const bit = (m: RiscvMachine, index: Node): Node => m.op(Op.i64Shl, m.c(1), index)

const clear = (m: RiscvMachine, a: Node, b: Node): Node => m.op(Op.i64And, a, inverted(m, bit(m, b)))
const extract = (m: RiscvMachine, a: Node, b: Node): Node => m.op(Op.i64And, m.op(Op.i64ShrU, a, b), m.c(1))
const invert = (m: RiscvMachine, a: Node, b: Node): Node => m.op(Op.i64Xor, a, bit(m, b))
const set = (m: RiscvMachine, a: Node, b: Node): Node => m.op(Op.i64Or, a, bit(m, b))
const rotateWord =
  (op: number, amount: (m: RiscvMachine, f: Fields) => Node): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.signed(m.op(op, m.word(m.x(f.rs1)), m.word(amount(m, f)))))

/** Every byte becomes all ones if it has a bit set: spread each byte's bits to its top one, then back down. */
const orCombine: Semantics = (m, f) => {
  const wide = (byte: number): Node => m.emitter.fn.i64(byte * 0x01010101, byte * 0x01010101)
  const value = m.let(m.x(f.rs1))
  const carried = m.add(m.op(Op.i64And, value(), wide(0x7f)), wide(0x7f))
  const top = m.let(m.op(Op.i64And, m.op(Op.i64Or, carried, value()), wide(0x80)))
  const spread = m.op(Op.i64Sub, m.op(Op.i64Shl, top(), m.c(1)), m.op(Op.i64ShrU, top(), m.c(7)))
  // The topmost byte's doubled bit falls off the end, and the subtraction borrows it back.
  m.setX(f.rd, spread)
}
/** Reverses bytes: swap neighbours, then pairs, then halves. */
const reverseBytes: Semantics = (m, f) => {
  const swap = (value: Node, width: number, low: number): Node => {
    const v = m.let(value)
    const mask = (): Node => m.emitter.fn.i64(low, low)
    const up = m.op(Op.i64Shl, m.op(Op.i64And, v(), mask()), m.c(width))
    return m.op(Op.i64Or, up, m.op(Op.i64And, m.op(Op.i64ShrU, v(), m.c(width)), mask()))
  }
  m.setX(f.rd, m.op(Op.i64Rotl, swap(swap(m.x(f.rs1), 8, 0x00ff00ff), 16, 0x0000ffff), m.c(32)))
}
const countWord = (op: number): Semantics => unary((m, a) => m.unsigned(m.op(op, m.word(a))))

/** Address generation (Unpriv. "Zba"). */
const zba: readonly Row[] = [
  insn(
    'add.uw',
    '0000100 rs2 rs1 000 rd 0111011',
    binary((m, a, b) => m.add(zeroExtended(m, a), b)),
  ),
  insn('sh1add', '0010000 rs2 rs1 010 rd 0110011', shiftedAdd(1)),
  insn('sh2add', '0010000 rs2 rs1 100 rd 0110011', shiftedAdd(2)),
  insn('sh3add', '0010000 rs2 rs1 110 rd 0110011', shiftedAdd(3)),
  insn('sh1add.uw', '0010000 rs2 rs1 010 rd 0111011', shiftedAddWord(1)),
  insn('sh2add.uw', '0010000 rs2 rs1 100 rd 0111011', shiftedAddWord(2)),
  insn('sh3add.uw', '0010000 rs2 rs1 110 rd 0111011', shiftedAddWord(3)),
  insn(
    'slli.uw',
    '000010 shamt[5:0] rs1 001 rd 0011011',
    withImmediate((m, a, b) => m.op(Op.i64Shl, zeroExtended(m, a), b)),
  ),
]

/** Basic bit manipulation (Unpriv. "Zbb"). */
const zbb: readonly Row[] = [
  insn(
    'andn',
    '0100000 rs2 rs1 111 rd 0110011',
    binary((m, a, b) => m.op(Op.i64And, a, inverted(m, b))),
  ),
  insn(
    'orn',
    '0100000 rs2 rs1 110 rd 0110011',
    binary((m, a, b) => m.op(Op.i64Or, a, inverted(m, b))),
  ),
  insn(
    'xnor',
    '0100000 rs2 rs1 100 rd 0110011',
    binary((m, a, b) => inverted(m, m.op(Op.i64Xor, a, b))),
  ),
  insn(
    'clz',
    '0110000 00000 rs1 001 rd 0010011',
    unary((m, a) => m.op(Op.i64Clz, a)),
  ),
  insn(
    'ctz',
    '0110000 00001 rs1 001 rd 0010011',
    unary((m, a) => m.op(Op.i64Ctz, a)),
  ),
  insn(
    'cpop',
    '0110000 00010 rs1 001 rd 0010011',
    unary((m, a) => m.op(Op.i64Popcnt, a)),
  ),
  insn('clzw', '0110000 00000 rs1 001 rd 0011011', countWord(Op.i32Clz)),
  insn('ctzw', '0110000 00001 rs1 001 rd 0011011', countWord(Op.i32Ctz)),
  insn('cpopw', '0110000 00010 rs1 001 rd 0011011', countWord(Op.i32Popcnt)),
  insn('max', '0000101 rs2 rs1 110 rd 0110011', choose(Op.i64GtS)),
  insn('maxu', '0000101 rs2 rs1 111 rd 0110011', choose(Op.i64GtU)),
  insn('min', '0000101 rs2 rs1 100 rd 0110011', choose(Op.i64LtS)),
  insn('minu', '0000101 rs2 rs1 101 rd 0110011', choose(Op.i64LtU)),
  insn(
    'sext.b',
    '0110000 00100 rs1 001 rd 0010011',
    unary((m, a) => m.op(Op.i64Extend8S, a)),
  ),
  insn(
    'sext.h',
    '0110000 00101 rs1 001 rd 0010011',
    unary((m, a) => m.op(Op.i64Extend16S, a)),
  ),
  insn(
    'zext.h',
    '0000100 00000 rs1 100 rd 0111011',
    unary((m, a) => m.op(Op.i64And, a, m.c(0xffff))),
  ),
  insn(
    'rol',
    '0110000 rs2 rs1 001 rd 0110011',
    binary((m, a, b) => m.op(Op.i64Rotl, a, b)),
  ),
  insn(
    'ror',
    '0110000 rs2 rs1 101 rd 0110011',
    binary((m, a, b) => m.op(Op.i64Rotr, a, b)),
  ),
  insn(
    'rori',
    '011000 shamt[5:0] rs1 101 rd 0010011',
    withImmediate((m, a, b) => m.op(Op.i64Rotr, a, b)),
  ),
  insn(
    'rolw',
    '0110000 rs2 rs1 001 rd 0111011',
    rotateWord(Op.i32Rotl, (m, f) => m.x(f.rs2)),
  ),
  insn(
    'rorw',
    '0110000 rs2 rs1 101 rd 0111011',
    rotateWord(Op.i32Rotr, (m, f) => m.x(f.rs2)),
  ),
  insn(
    'roriw',
    '0110000 shamt[4:0] rs1 101 rd 0011011',
    rotateWord(Op.i32Rotr, (m, f) => m.imm(f.imm)),
  ),
  insn('orc.b', '001010000111 rs1 101 rd 0010011', orCombine),
  insn('rev8', '011010111000 rs1 101 rd 0010011', reverseBytes),
]

/** Single-bit instructions (Unpriv. "Zbs"). */
const zbs: readonly Row[] = [
  insn('bclr', '0100100 rs2 rs1 001 rd 0110011', binary(clear)),
  insn('bclri', '010010 shamt[5:0] rs1 001 rd 0010011', withImmediate(clear)),
  insn('bext', '0100100 rs2 rs1 101 rd 0110011', binary(extract)),
  insn('bexti', '010010 shamt[5:0] rs1 101 rd 0010011', withImmediate(extract)),
  insn('binv', '0110100 rs2 rs1 001 rd 0110011', binary(invert)),
  insn('binvi', '011010 shamt[5:0] rs1 001 rd 0010011', withImmediate(invert)),
  insn('bset', '0010100 rs2 rs1 001 rd 0110011', binary(set)),
  insn('bseti', '001010 shamt[5:0] rs1 001 rd 0010011', withImmediate(set)),
]

/** Integer conditional operations (Unpriv. "Zicond"). */
const zicond: readonly Row[] = [
  insn(
    'czero.eqz',
    '0000111 rs2 rs1 101 rd 0110011',
    binary((m, a, b) => m.select(m.op(Op.i64Eqz, b), m.c(0), a)),
  ),
  insn(
    'czero.nez',
    '0000111 rs2 rs1 111 rd 0110011',
    binary((m, a, b) => m.select(m.op(Op.i64Eqz, b), a, m.c(0))),
  ),
]

/** Zba, Zbb, Zbs and Zicond. */
export const bitManipulation: readonly Row[] = [...zba, ...zbb, ...zbs, ...zicond]
