import { Request } from '@doppel/engine'
import { type FunctionBuilder, type FunctionRef, I64, type Local, type Node, Op } from '@doppel/wasm'
import { System } from './causes.ts'
import { Mstatus, PLAIN_SUPERVISOR_CSRS, SSTATUS, SSTATUS_READABLE, SSTATUS_WRITABLE } from './csr.ts'
import { STATE } from './state.ts'

const WHAT: Local = 1
const VALUE: Local = 2
const FS_SHIFT = 13
const FS_DIRTY = 3
/** Bits whose change concerns nobody but traps to come; SIE also, while nothing is pending. */
const QUIET = Mstatus.sie | Mstatus.spie | Mstatus.spp

/**
 * Writes `system` for the accesses that kernels make all the time: sstatus, mostly to turn interrupts off and on, and
 * supervisor CSRs that just hold a value. All others, and whatever has consequences, go to the host.
 */
export function writeFastCsr(fn: FunctionBuilder, host: FunctionRef): void {
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
  const answer = (): void => {
    fn.store(Op.i32Store, fn.get(0), fn.i32(Request.none), STATE.common.request)
    fn.return(fn.get(old))
  }
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
