import type { AccessRules } from './access-rules.ts'
import type { Observers } from './observers.ts'
import type { Satp } from './paging.ts'
import { largePageByte, type PhysicalLayout, ramPageOf, tableEntry, WALK } from '@doppel/engine'
import { type FunctionBuilder, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import { CONTEXTS, STATE } from './state.ts'

/** Bits of the state's `walk` field, above the number of page-table levels. The host keeps them; see `Hart`. */
export const Walk = {
  levels: 7,
  /** Data accesses are U-mode's; else S-mode's (with no levels, whoever's). */
  user: 8,
  sum: 16,
  mxr: 32,
  /** Nothing but page tables decides: PMP lets everything through. */
  open: 64,
  /** Fetches go by the same rules as data (mstatus.MPRV is off). */
  fetches: 128,
} as const

/** The `walk` field for the rules in force, and what fetches go by; `open` when PMP lets everything through. */
export function walkMode(satp: Satp, data: AccessRules, fetchPrivilege: number, open: boolean): number {
  const { privilege, sum, mxr } = data
  const levels = privilege > PRIVILEGE_S ? 0 : satp.levels
  const rules = (privilege === 0 ? Walk.user : 0) | (sum ? Walk.sum : 0) | (mxr ? Walk.mxr : 0)
  return levels | rules | (open ? Walk.open : 0) | (privilege === fetchPrivilege ? Walk.fetches : 0)
}

/** The same for who looks on: those who look at walks have the host do them, those who watch code hear of each page it is in. */
export function observedWalk(mode: number, { walk, codes }: Pick<Observers, 'walk' | 'codes'>): number {
  return (walk ? mode & ~Walk.open : mode) & (codes.length > 0 ? ~Walk.fetches : ~0)
}

const PRIVILEGE_S = 1
const PTE = { v: 1, r: 2, w: 4, x: 8, u: 16, a: 64, d: 128 } as const
const ADDRESS: Local = 1
const ACCESS: Local = 2
const VPN_BITS = 9
const PAGE_SHIFT = 12
/** Bare addresses beyond 56 bits have no memory. */
const PHYSICAL_BITS = 56
/** N, PBMT and reserved bits: the host sees to those. */
const ATTRIBUTE_SHIFT = 54

/**
 * The page-table walk (Priv. §"Sv32 Page-Table Entry", "Virtual Address Translation Process"), for the usual case:
 * a valid leaf that allows the access, with A (and D for a write) set. Everything else is the host's, which has the
 * whole of it in `Walker`.
 */
export function writeTranslate(fn: FunctionBuilder, physical: PhysicalLayout): void {
  const giveUp = (cond: Node): void => {
    fn.if(cond, 'unlikely')
    fn.return(fn.i64(-1))
    fn.end()
  }
  const has = (local: Local, bits: number): Node => fn.op(Op.i32And, fn.get(local), fn.i32(bits))
  const lacks = (local: Local, bits: number): Node => fn.op(Op.i32Eqz, has(local, bits))
  const mode = fn.let(fn.load(Op.i32Load, fn.get(0), STATE.fields.walk))
  giveUp(lacks(mode, Walk.open))
  const executes = fn.let(fn.op(Op.i32Eq, fn.get(ACCESS), fn.i32(WALK.execute)))
  giveUp(fn.op(Op.i32And, fn.get(executes), lacks(mode, Walk.fetches)))
  const levels = fn.let(has(mode, Walk.levels))
  fn.if(fn.op(Op.i32Eqz, fn.get(levels)))
  giveUp(fn.op(Op.i64Ne, fn.op(Op.i64ShrU, fn.get(ADDRESS), fn.i64(PHYSICAL_BITS)), fn.i64(0)))
  fn.return(fn.get(ADDRESS))
  fn.end()
  // How far the address is shifted for the level's part; above the first all bits must equal the topmost one.
  const shift = fn.local(I64)
  const bits = fn.op(Op.i32Add, fn.op(Op.i32Mul, fn.get(levels), fn.i32(VPN_BITS)), fn.i32(PAGE_SHIFT))
  fn.set(shift, fn.op(Op.i64ExtendI32U, bits))
  const upper = fn.let(fn.op(Op.i64ShrS, fn.get(ADDRESS), fn.op(Op.i64Sub, fn.get(shift), fn.i64(1))))
  giveUp(fn.op(Op.i64GtU, fn.op(Op.i64Add, fn.get(upper), fn.i64(1)), fn.i64(1)))
  const table = fn.local(I64)
  const pte = fn.local(I64)
  const flags = fn.local(I32)
  const address = fn.local(I64)
  fn.set(table, fn.load(Op.i64Load, fn.get(0), STATE.fields.root))
  const [loop, leaf, next] = [fn.block(), fn.block(), fn.block()]
  fn.jump(loop)

  fn.at(loop)
  giveUp(fn.op(Op.i64LeS, fn.get(shift), fn.i64(PAGE_SHIFT)))
  fn.set(shift, fn.op(Op.i64Sub, fn.get(shift), fn.i64(VPN_BITS)))
  const index = fn.op(Op.i64And, fn.op(Op.i64ShrU, fn.get(ADDRESS), fn.get(shift)), fn.i64(0x1ff))
  fn.set(address, fn.op(Op.i64Add, fn.get(table), fn.op(Op.i64Shl, index, fn.i64(3))))
  const page = fn.let(ramPageOf(fn, fn.get(address), physical))
  giveUp(fn.op(Op.i64GeU, fn.get(page), fn.i64(physical.ramPages)))
  const frame = fn.let(tableEntry(fn, physical.frameTable, fn.get(page)))
  giveUp(fn.op(Op.i32Eqz, fn.get(frame)))
  const inPage = fn.op(Op.i32And, fn.op(Op.i32WrapI64, fn.get(address)), fn.i32(0xfff))
  fn.set(pte, fn.load(Op.i64Load, fn.op(Op.i32Add, fn.get(frame), inPage)))
  fn.set(flags, fn.op(Op.i32WrapI64, fn.get(pte)))
  const attributes = fn.op(Op.i64Ne, fn.op(Op.i64ShrU, fn.get(pte), fn.i64(ATTRIBUTE_SHIFT)), fn.i64(0))
  giveUp(fn.op(Op.i32Or, lacks(flags, PTE.v), attributes))
  fn.branch(has(flags, PTE.r | PTE.x), leaf, next)

  fn.at(next)
  giveUp(has(flags, PTE.w | PTE.u | PTE.a | PTE.d))
  fn.set(table, fn.op(Op.i64Shl, fn.op(Op.i64ShrU, fn.get(pte), fn.i64(10)), fn.i64(PAGE_SHIFT)))
  fn.jump(loop)

  fn.at(leaf)
  const reads = fn.select(
    fn.op(Op.i32Eq, fn.get(ACCESS), fn.i32(WALK.write)),
    fn.i32(PTE.r | PTE.w | PTE.a | PTE.d),
    fn.i32(PTE.r | PTE.a),
  )
  const wanted = fn.select(fn.get(executes), fn.i32(PTE.x | PTE.a), reads)
  const need = fn.let(wanted)
  // With MXR what may be executed may be read; without R it can never be written.
  const readable = fn.op(
    Op.i32Or,
    fn.get(flags),
    fn.select(has(mode, Walk.mxr), fn.op(Op.i32ShrU, has(flags, PTE.x), fn.i32(2)), fn.i32(0)),
  )
  giveUp(fn.op(Op.i32Ne, fn.op(Op.i32And, readable, fn.get(need)), fn.get(need)))
  giveUp(fn.op(Op.i32Eq, has(flags, PTE.r | PTE.w), fn.i32(PTE.w)))
  const foreign = fn.select(
    has(mode, Walk.user),
    lacks(flags, PTE.u),
    // S-mode never executes what is U-mode's.
    fn.op(
      Op.i32And,
      fn.op(Op.i32Ne, has(flags, PTE.u), fn.i32(0)),
      fn.op(Op.i32Or, lacks(mode, Walk.sum), fn.get(executes)),
    ),
  )
  giveUp(foreign)
  const mask = fn.let(fn.op(Op.i64Sub, fn.op(Op.i64Shl, fn.i64(1), fn.get(shift)), fn.i64(1)))
  for (const giga of [false, true]) {
    // Which 2 MiB it lies in is noted for either size: of a larger one only the other note tells.
    fn.if(fn.op(Op.i64GtS, fn.get(shift), fn.i64(giga ? PAGE_SHIFT + VPN_BITS : PAGE_SHIFT)))
    const tlb = fn.load(Op.i32Load, fn.get(0), STATE.common.tlb)
    fn.store(Op.i32Store8, largePageByte(fn, CONTEXTS, tlb, fn.get(ADDRESS), giga), fn.i32(1))
    fn.end()
  }
  const base = fn.let(fn.op(Op.i64Shl, fn.op(Op.i64ShrU, fn.get(pte), fn.i64(10)), fn.i64(PAGE_SHIFT)))
  // A superpage must be aligned to its size.
  giveUp(fn.op(Op.i64Ne, fn.op(Op.i64And, fn.get(base), fn.get(mask)), fn.i64(0)))
  fn.return(fn.op(Op.i64Or, fn.get(base), fn.op(Op.i64And, fn.get(ADDRESS), fn.get(mask))))
}
