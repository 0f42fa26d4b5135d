import { type Node, Op } from '@doppel/wasm'
import { Cause } from '../causes.ts'
import type { RiscvMachine, Value } from '../machine.ts'
import { STATE } from '../state.ts'
import { type Fields, insn, type Row } from './types.ts'

interface Width {
  readonly suffix: string
  readonly funct3: string
  readonly bytes: 4 | 8
  readonly load: number
  readonly store: number
}
const WIDTHS: readonly Width[] = [
  { suffix: 'w', funct3: '010', bytes: 4, load: Op.i64Load32S, store: Op.i64Store32 },
  { suffix: 'd', funct3: '011', bytes: 8, load: Op.i64Load, store: Op.i64Store },
]

/** Atomics must be naturally aligned; we do not emulate misaligned ones (Unpriv. §"A"). */
function alignedAddress(m: RiscvMachine, f: Fields, width: Width, cause: number): Value {
  const address = m.let(m.x(f.rs1))
  const low = m.op(Op.i64And, address(), m.c(width.bytes - 1))
  m.trapIf(m.op(Op.i64Ne, low, m.c(0)), cause, address)
  return address
}

type Combine = (m: RiscvMachine, old: Value, operand: Value, width: Width) => Node
const simple =
  (op: number): Combine =>
  (m, old, operand) =>
    m.op(op, old(), operand())
/** Minimum and maximum compare at the operation's width: for words both sides are sign- or zero-extended alike. */
const choose =
  (op: number): Combine =>
  (m, old, operand, width) => {
    const side = (v: Value): Node => (width.bytes === 4 ? m.op(Op.i64Extend32S, v()) : v())
    return m.select(m.op(op, side(old), side(operand)), old(), operand())
  }

const OPERATIONS: readonly (readonly [name: string, funct5: string, combine: Combine])[] = [
  ['amoswap', '00001', (_m, _old, operand) => operand()],
  ['amoadd', '00000', simple(Op.i64Add)],
  ['amoxor', '00100', simple(Op.i64Xor)],
  ['amoand', '01100', simple(Op.i64And)],
  ['amoor', '01000', simple(Op.i64Or)],
  ['amomin', '10000', choose(Op.i64LtS)],
  ['amomax', '10100', choose(Op.i64GtS)],
  // Sign extension keeps the unsigned order of words too.
  ['amominu', '11000', choose(Op.i64LtU)],
  ['amomaxu', '11100', choose(Op.i64GtU)],
]

const amo = (name: string, funct5: string, width: Width, combine: Combine): Row =>
  insn(`${name}.${width.suffix}`, `${funct5} aq rl rs2 rs1 ${width.funct3} rd 0101111`, (m, f) => {
    const operand = m.let(m.x(f.rs2))
    const address = alignedAddress(m, f, width, Cause.storeMisaligned)
    const host = m.atomicAddress(width.bytes, address())
    const old = m.let(m.emitter.fn.load(width.load, host()))
    const updated = m.let(combine(m, old, operand, width))
    m.emitter.fn.store(width.store, host(), updated())
    m.setX(f.rd, old())
  })

/**
 * A reservation is the host address of the word and the value read there; sc compares both. All harts of a machine share
 * the frames, so this holds across harts; a write of the same value in between goes unnoticed, as on QEMU.
 */
const lr = (width: Width): Row =>
  insn(`lr.${width.suffix}`, `00010 aq rl 00000 rs1 ${width.funct3} rd 0101111`, (m, f) => {
    const address = alignedAddress(m, f, width, Cause.loadMisaligned)
    const value = m.let(m.load(width.load, width.bytes, address()))
    m.emitter.setField64(STATE.fields.reservation, address())
    m.emitter.setField64(STATE.fields.reserved, value())
    m.setX(f.rd, value())
  })
const sc = (width: Width): Row =>
  insn(`sc.${width.suffix}`, `00011 aq rl rs2 rs1 ${width.funct3} rd 0101111`, (m, f) => {
    const operand = m.let(m.x(f.rs2))
    const address = alignedAddress(m, f, width, Cause.storeMisaligned)
    const host = m.atomicAddress(width.bytes, address())
    const same = m.op(Op.i64Eq, address(), m.emitter.field64(STATE.fields.reservation))
    const unchanged = m.op(Op.i64Eq, m.emitter.fn.load(width.load, host()), m.emitter.field64(STATE.fields.reserved))
    const success = m.let(m.op(Op.i32And, same, unchanged))
    m.emitter.fn.if(success(), 'likely')
    m.emitter.fn.store(width.store, host(), operand())
    m.emitter.fn.end()
    m.emitter.setField64(STATE.fields.reservation, m.c(-1))
    m.setX(f.rd, m.unsigned(m.op(Op.i32Eqz, success())))
  })

/** Atomic memory operations (Unpriv. ch. "A"). */
export const rv64a: readonly Row[] = WIDTHS.flatMap(width => [
  lr(width),
  sc(width),
  ...OPERATIONS.map(([name, funct5, combine]) => amo(name, funct5, width, combine)),
])
