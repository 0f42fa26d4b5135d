import { CONTEXT_BYTES, largePageByte, type PhysicalLayout, Request, writeFlushPage } from '@doppel/engine'
import { type FunctionBuilder, type FunctionRef, I64, type Local, type Node, Op } from '@doppel/wasm'
import { System } from './causes.ts'
import { Mstatus, PLAIN_SUPERVISOR_CSRS, SSTATUS, SSTATUS_READABLE, SSTATUS_WRITABLE } from './csr.ts'
import { CONTEXT, CONTEXTS, STATE } from './state.ts'
import { Walk } from './walk.ts'

const WHAT: Local = 1
const VALUE: Local = 2
const FS_SHIFT = 13
const FS_DIRTY = 3
/** Bits whose change concerns nobody but traps to come; SIE also, while nothing is pending. */
const QUIET = Mstatus.sie | Mstatus.spie | Mstatus.spp
const PRIVILEGE_S = 1

/**
 * Writes `system` for what kernels do all the time: sstatus, mostly to turn interrupts or access to user pages off and on,
 * supervisor CSRs that just hold a value, fences of one address. All others, and whatever has consequences, go to the host.
 */
export function writeFastCsr(fn: FunctionBuilder, host: FunctionRef, physical: PhysicalLayout): void {
  const wide = (value: bigint): Node =>
    fn.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
  const field = (name: keyof typeof STATE.fields): Node => fn.load(Op.i64Load, fn.get(0), STATE.fields[name])
  const setField = (name: keyof typeof STATE.fields, value: Node): void =>
    fn.store(Op.i64Store, fn.get(0), value, STATE.fields[name])
  const and = (a: Node, b: Node): Node => fn.op(Op.i64And, a, b)
  const or = (a: Node, b: Node): Node => fn.op(Op.i64Or, a, b)
  const nonZero = (a: Node): Node => fn.op(Op.i64Ne, a, fn.i64(0))
  const kind = fn.let(fn.op(Op.i32And, fn.get(WHAT), fn.i32(0xff)))
  const number = fn.let(fn.op(Op.i32ShrU, fn.get(WHAT), fn.i32(8)))
  const isKind = (k: number): Node => fn.op(Op.i32Eq, fn.get(kind), fn.i32(k))
  const old = fn.local(I64)
  const next = fn.local(I64)
  /** What the access makes of `old`. */
  const written = (): Node =>
    fn.select(
      isKind(System.csrSet),
      or(fn.get(old), fn.get(VALUE)),
      fn.select(
        isKind(System.csrClear),
        and(fn.get(old), fn.op(Op.i64Xor, fn.get(VALUE), fn.i64(-1))),
        fn.select(isKind(System.csrWrite), fn.get(VALUE), fn.get(old)),
      ),
    )
  const word = (offset: number): Node => fn.load(Op.i32Load, fn.get(0), offset)
  const setWord = (offset: number, value: Node): void => fn.store(Op.i32Store, fn.get(0), value, offset)
  const answer = (request: number = Request.none): void => {
    setWord(STATE.common.request, fn.i32(request))
    fn.return(fn.get(old))
  }
  if (!physical.writeNotes) {
    // Stores to code are seen as they are made, where no other thread makes any: there is nothing stale.
    fn.if(isKind(System.fenceI))
    answer()
    fn.end()
  }
  fn.if(isKind(System.sfenceVma))
  const supervisor = fn.op(Op.i64Eq, field('priv'), fn.i64(PRIVILEGE_S))
  const free = fn.op(Op.i64Eqz, and(field('mstatus'), wide(Mstatus.tvm)))
  fn.if(fn.op(Op.i32And, fn.op(Op.i32And, supervisor, free), nonZero(fn.get(VALUE))))
  const tlb = fn.let(word(STATE.common.tlb))
  const large = (giga: boolean): Node =>
    fn.load(Op.i32Load8U, largePageByte(fn, CONTEXTS, fn.get(tlb), fn.get(VALUE), giga))
  fn.if(fn.op(Op.i32Eqz, fn.op(Op.i32Or, large(false), large(true))), 'likely')
  writeFlushPage(fn, CONTEXTS, tlb, VALUE)
  answer(Request.refetch)
  fn.end()
  fn.end()
  fn.end()
  const csr = fn.op(Op.i32LeU, fn.get(kind), fn.i32(System.csrClear))
  fn.if(fn.op(Op.i32And, csr, nonZero(field('priv'))))

  fn.if(fn.op(Op.i32Eq, fn.get(number), fn.i32(SSTATUS)))
  const fs = fn.let(field('fs'))
  const dirty = fn.select(fn.op(Op.i64Eq, fn.get(fs), fn.i64(FS_DIRTY)), wide(Mstatus.sd), fn.i64(0))
  const shown = or(and(field('mstatus'), wide(SSTATUS_WRITABLE)), or(wide(Mstatus.uxl64 & SSTATUS_READABLE), dirty))
  fn.set(old, or(shown, fn.op(Op.i64Shl, fn.get(fs), fn.i64(FS_SHIFT))))
  fn.set(next, written())
  const changed = fn.let(and(fn.op(Op.i64Xor, fn.get(old), fn.get(next)), wide(SSTATUS_WRITABLE | Mstatus.fs)))
  const opens = nonZero(and(fn.get(changed), and(fn.get(next), wide(Mstatus.sie))))
  const pending = nonZero(and(field('seen'), field('mie')))
  const loud = nonZero(and(fn.get(changed), wide(~QUIET)))
  fn.if(fn.op(Op.i32Eqz, fn.op(Op.i32Or, loud, fn.op(Op.i32And, opens, pending))), 'likely')
  setField('mstatus', fn.op(Op.i64Xor, field('mstatus'), fn.get(changed)))
  answer()
  fn.end()
  // SUM alone, in one of S-mode's two usual contexts: the other one is in force from the next instruction on.
  const context = fn.let(word(STATE.common.context))
  const usual = [CONTEXT.supervisor, CONTEXT.supervisorSum].map(index =>
    fn.op(Op.i32Eq, fn.get(context), fn.op(Op.i32Add, word(STATE.common.tlb), fn.i32(index * CONTEXT_BYTES))),
  ) as [Node, Node]
  const toggles = fn.op(Op.i64Eq, fn.get(changed), wide(Mstatus.sum))
  fn.if(fn.op(Op.i32And, toggles, fn.op(Op.i32Or, ...usual)))
  setField('mstatus', fn.op(Op.i64Xor, field('mstatus'), fn.get(changed)))
  const allows = fn.let(nonZero(and(fn.get(next), wide(Mstatus.sum))))
  const index = fn.select(fn.get(allows), fn.i32(CONTEXT.supervisorSum), fn.i32(CONTEXT.supervisor))
  const chosen = fn.op(Op.i32Mul, index, fn.i32(CONTEXT_BYTES))
  setWord(STATE.common.context, fn.op(Op.i32Add, word(STATE.common.tlb), chosen))
  const others = fn.op(Op.i32And, word(STATE.fields.walk), fn.i32(~Walk.sum))
  setWord(STATE.fields.walk, fn.op(Op.i32Or, others, fn.op(Op.i32Mul, fn.get(allows), fn.i32(Walk.sum))))
  answer(Request.refetch)
  fn.end()
  fn.else()
  for (const plain of PLAIN_SUPERVISOR_CSRS) {
    fn.if(fn.op(Op.i32Eq, fn.get(number), fn.i32(plain.number)))
    fn.set(old, field(plain.field))
    setField(plain.field, and(written(), wide(plain.mask)))
    answer()
    fn.end()
  }
  fn.end()
  fn.end()
  fn.return(fn.call(host, [fn.get(0), fn.get(WHAT), fn.get(VALUE), fn.get(3)]))
}

/** Writes `system` where the host is to see all of it. */
export function writeHostCsr(fn: FunctionBuilder, host: FunctionRef): void {
  fn.return(fn.call(host, [fn.get(0), fn.get(WHAT), fn.get(VALUE), fn.get(3)]))
}
