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
  /** The same where other threads access memory too; a word comes zero-extended. */
  readonly atomicLoad: number
  readonly compareExchange: number
}
const WORD: Width = {
  suffix: 'w',
  funct3: '010',
  bytes: 4,
  load: Op.i64Load32S,
  store: Op.i64Store32,
  atomicLoad: Op.i64AtomicLoad32U,
  compareExchange: Op.i64AtomicRmw32CmpxchgU,
}
const DOUBLE: Width = {
  suffix: 'd',
  funct3: '011',
  bytes: 8,
  load: Op.i64Load,
  store: Op.i64Store,
  atomicLoad: Op.i64AtomicLoad,
  compareExchange: Op.i64AtomicRmwCmpxchg,
}

/** Bits of a word as it stands in memory; whole for doublewords. */
const inMemory = (m: RiscvMachine, value: Node, { bytes }: Width): Node =>
  bytes === 4 ? m.op(Op.i64And, value, m.emitter.fn.i64(-1, 0)) : value
/** A value loaded by an atomic operation, as a register has it. */
const asLoaded = (m: RiscvMachine, value: Node, { bytes }: Width): Node =>
  bytes === 4 ? m.op(Op.i64Extend32S, value) : value

/**
 * Code around which nothing of other threads' may be seen out of order: more than a host's atomic operations promise where its
 * memory order is weak, and what RVWMO asks of those with aq and rl (Unpriv. §"RVWMO", rules 5 to 7).
 */
function ordered(m: RiscvMachine, body: () => void): void {
  const isWeak = m.emitter.sharing === 'weak'
  if (isWeak) m.emitter.fence()
  body()
  if (isWeak) m.emitter.fence()
}

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

interface Operation {
  readonly name: string
  readonly funct5: string
  readonly combine: Combine
  /** One operation of the host's that does it, for words and doublewords; without one it is tried until it succeeds. */
  readonly host?: { readonly 4: number; readonly 8: number }
}
const OPERATIONS: readonly Operation[] = [
  {
    name: 'amoswap',
    funct5: '00001',
    combine: (_m, _old, operand) => operand(),
    host: { 4: Op.i64AtomicRmw32XchgU, 8: Op.i64AtomicRmwXchg },
  },
  {
    name: 'amoadd',
    funct5: '00000',
    combine: simple(Op.i64Add),
    host: { 4: Op.i64AtomicRmw32AddU, 8: Op.i64AtomicRmwAdd },
  },
  {
    name: 'amoxor',
    funct5: '00100',
    combine: simple(Op.i64Xor),
    host: { 4: Op.i64AtomicRmw32XorU, 8: Op.i64AtomicRmwXor },
  },
  {
    name: 'amoand',
    funct5: '01100',
    combine: simple(Op.i64And),
    host: { 4: Op.i64AtomicRmw32AndU, 8: Op.i64AtomicRmwAnd },
  },
  {
    name: 'amoor',
    funct5: '01000',
    combine: simple(Op.i64Or),
    host: { 4: Op.i64AtomicRmw32OrU, 8: Op.i64AtomicRmwOr },
  },
  { name: 'amomin', funct5: '10000', combine: choose(Op.i64LtS) },
  { name: 'amomax', funct5: '10100', combine: choose(Op.i64GtS) },
  // Sign extension keeps the unsigned order of words too.
  { name: 'amominu', funct5: '11000', combine: choose(Op.i64LtU) },
  { name: 'amomaxu', funct5: '11100', combine: choose(Op.i64GtU) },
]

const amo = (width: Width, { name, funct5, combine, host: hostOperations }: Operation): Row =>
  insn(`${name}.${width.suffix}`, `${funct5} aq rl rs2 rs1 ${width.funct3} rd 0101111`, (m, f) => {
    const { fn, sharing } = m.emitter
    const operand = m.let(m.x(f.rs2))
    const address = alignedAddress(m, f, width, Cause.storeMisaligned)
    const host = m.atomicAddress(width.bytes, address())
    if (sharing === 'alone') {
      const old = m.let(fn.load(width.load, host()))
      const updated = m.let(combine(m, old, operand, width))
      fn.store(width.store, host(), updated())
      m.setX(f.rd, old())
      return
    }
    ordered(m, () => {
      if (hostOperations) {
        m.setX(f.rd, asLoaded(m, m.op(hostOperations[width.bytes], host(), operand()), width))
        return
      }
      const found = fn.let(m.c(0))
      m.emitter.repeat(() => {
        fn.set(found, fn.load(width.atomicLoad, host()))
        const old: Value = () => asLoaded(m, fn.get(found), width)
        const updated = inMemory(m, combine(m, old, operand, width), width)
        return m.op(Op.i64Ne, m.op(width.compareExchange, host(), fn.get(found), updated), fn.get(found))
      })
      m.setX(f.rd, asLoaded(m, fn.get(found), width))
    })
  })

/**
 * A reservation is the address of the word and the value read there; sc compares both, as one operation where other threads may
 * come between. A write of the same value in between goes unnoticed, as on QEMU.
 */
const lr = (width: Width): Row =>
  insn(`lr.${width.suffix}`, `00010 aq rl 00000 rs1 ${width.funct3} rd 0101111`, (m, f) => {
    const address = alignedAddress(m, f, width, Cause.loadMisaligned)
    const isAlone = m.emitter.sharing === 'alone'
    ordered(m, () => {
      const loaded = m.load(isAlone ? width.load : width.atomicLoad, width.bytes, address())
      const value = m.let(isAlone ? loaded : asLoaded(m, loaded, width))
      m.emitter.setField64(STATE.fields.reservation, address())
      m.emitter.setField64(STATE.fields.reserved, value())
      m.setX(f.rd, value())
    })
  })
const sc = (width: Width): Row =>
  insn(`sc.${width.suffix}`, `00011 aq rl rs2 rs1 ${width.funct3} rd 0101111`, (m, f) => {
    const { fn, sharing } = m.emitter
    const operand = m.let(m.x(f.rs2))
    const address = alignedAddress(m, f, width, Cause.storeMisaligned)
    const host = m.atomicAddress(width.bytes, address())
    const same = m.op(Op.i64Eq, address(), m.emitter.field64(STATE.fields.reservation))
    const reserved = (): Node => m.emitter.field64(STATE.fields.reserved)
    if (sharing === 'alone') {
      const unchanged = m.op(Op.i64Eq, fn.load(width.load, host()), reserved())
      const success = m.let(m.op(Op.i32And, same, unchanged))
      fn.if(success(), 'likely')
      fn.store(width.store, host(), operand())
      fn.end()
      m.emitter.setField64(STATE.fields.reservation, m.c(-1))
      m.setX(f.rd, m.unsigned(m.op(Op.i32Eqz, success())))
      return
    }
    ordered(m, () => {
      const success = fn.let(same)
      fn.if(fn.get(success), 'likely')
      const expected = m.let(inMemory(m, reserved(), width))
      const found = m.op(width.compareExchange, host(), expected(), inMemory(m, operand(), width))
      fn.set(success, m.op(Op.i64Eq, found, expected()))
      fn.end()
      m.emitter.setField64(STATE.fields.reservation, m.c(-1))
      m.setX(f.rd, m.unsigned(m.op(Op.i32Eqz, fn.get(success))))
    })
  })

/** Atomic memory operations (Unpriv. ch. "A"). */
export const rv64a: readonly Row[] = [WORD, DOUBLE].flatMap(width => [
  lr(width),
  sc(width),
  ...OPERATIONS.map(operation => amo(width, operation)),
])
