import type { AccessRules } from './access-rules.ts'
import type { Frames } from '@doppel/engine'
import { Cause } from './causes.ts'
import { Access, type Pmp } from './pmp.ts'

/** Page-table entry bits (Priv. §"Sv39"). */
const PTE = { v: 1, r: 2, w: 4, x: 8, u: 16, a: 64, d: 128 } as const
/** In the high word: N is bit 63, PBMT 62:61, reserved 60:54. */
const HIGH_N = 1 << 31
const HIGH_PBMT = 0x60000000
const HIGH_RESERVED = 0x1fc00000
const HIGH_PPN = 0x003fffff
const PPN_LOW_BITS = 22
const VPN_MASK = 0x1ff
/** Svnapot has one size: sixteen pages, marked by this pattern in the lowest PPN bits. */
const NAPOT_PAGES = 16
const NAPOT_MARK = 8
const PRIVILEGE_S = 1
const PRIVILEGE_U = 0

/** Levels of page tables (0 when paging is off) and the root's address. */
export interface Satp {
  readonly levels: number
  readonly root: number
}

/** satp's modes: Bare, Sv39, Sv48, Sv57. Undefined for a reserved one. */
export function parseSatp(satp: bigint): Satp | undefined {
  const mode = Number(satp >> 60n)
  if (mode === 0) return { levels: 0, root: 0 }
  if (mode < 8 || mode > 10) return undefined
  return { levels: mode - 5, root: Number(satp & 0xfff_ffff_ffffn) * 4096 }
}

const PAGE_FAULT = {
  [Access.read]: Cause.loadPageFault,
  [Access.write]: Cause.storePageFault,
  [Access.execute]: Cause.instructionPageFault,
} as const
const ACCESS_FAULT = {
  [Access.read]: Cause.loadAccess,
  [Access.write]: Cause.storeAccess,
  [Access.execute]: Cause.instructionAccess,
} as const

/** The exception code of an access that memory or PMP refuses. */
export function accessFault(access: number): number {
  return ACCESS_FAULT[access as 1]
}

/** One hart's page-table walker. Guest-virtual addresses come as 32-bit halves, guest-physical ones are numbers. */
export class Walker {
  readonly #frames: Frames
  readonly #words: Int32Array
  readonly #pmp: Pmp
  satp: Satp = { levels: 0, root: 0 }
  /** menvcfg.ADUE: hardware sets A and D; otherwise their absence faults (Svade). */
  updatesAccessed = false
  /** menvcfg.PBMTE: memory types in page tables are allowed (and, RAM being RAM, ignored). */
  memoryTypes = false
  /** Why `translate` refused. */
  cause = 0
  /** Somebody looks on: no entry is marked as accessed. */
  isProbing = false
  /** Told of each translation by a page larger than 4 KiB. */
  onLarge: (low: number, high: number) => void = () => {}

  constructor(frames: Frames, words: Int32Array, pmp: Pmp) {
    this.#frames = frames
    this.#words = words
    this.#pmp = pmp
  }

  /** The guest-physical address, or -1 with `cause` set. */
  translate(low: number, high: number, access: number, rules: AccessRules): number {
    const { levels, root } = this.satp
    if (levels === 0 || rules.privilege > PRIVILEGE_S) {
      // Bare addresses beyond 56 bits have no memory: an access fault follows where they are used.
      return (high >>> 0) * 2 ** 32 + (low >>> 0)
    }
    // All bits above the translated ones must equal the topmost translated one.
    const upper = high >> (9 * levels - 21)
    if (upper !== 0 && upper !== -1) return this.#refuse(PAGE_FAULT[access as 1])
    let table = root
    for (let level = levels - 1; level >= 0; level--) {
      const address = table + vpn(low, high, level) * 8
      const page = this.#frames.page(address)
      if (page < 0 || !this.#pmp.allows(address, 8, Access.read, PRIVILEGE_S)) {
        return this.#refuse(ACCESS_FAULT[access as 1])
      }
      const host = this.#frames.host(address, page) >>> 2
      const pteLow = this.#words[host] as number
      const pteHigh = this.#words[host + 1] as number
      if ((pteLow & PTE.v) === 0 || (pteLow & (PTE.r | PTE.w)) === PTE.w || pteHigh & HIGH_RESERVED) {
        return this.#refuse(PAGE_FAULT[access as 1])
      }
      const ppn = (pteHigh & HIGH_PPN) * 2 ** PPN_LOW_BITS + (pteLow >>> 10)
      if (pteLow & (PTE.r | PTE.x)) {
        const found = this.#leaf(low, high, level, ppn, pteLow, pteHigh, access, rules)
        if (found < 0) return found
        const marked = this.#mark(host, page, address, pteLow, access)
        if (marked === undefined) return this.translate(low, high, access, rules)
        return marked ? found : -1
      }
      // A pointer to the next level has none of a leaf's attributes.
      if (pteLow & (PTE.a | PTE.d | PTE.u) || pteHigh & (HIGH_N | HIGH_PBMT)) {
        return this.#refuse(PAGE_FAULT[access as 1])
      }
      table = ppn * 4096
    }
    return this.#refuse(PAGE_FAULT[access as 1])
  }

  #refuse(cause: number): -1 {
    this.cause = cause
    return -1
  }

  #leaf(
    low: number,
    high: number,
    level: number,
    ppn: number,
    pteLow: number,
    pteHigh: number,
    access: number,
    rules: AccessRules,
  ): number {
    const fault = PAGE_FAULT[access as 1]
    const type = pteHigh & HIGH_PBMT
    if (type !== 0 && (!this.memoryTypes || type === HIGH_PBMT)) return this.#refuse(fault)
    const user = (pteLow & PTE.u) !== 0
    if (rules.privilege === PRIVILEGE_U ? !user : user && (access === Access.execute || !rules.sum)) {
      return this.#refuse(fault)
    }
    const readable = pteLow & PTE.r || (rules.mxr && pteLow & PTE.x)
    const allowed = access === Access.read ? readable : access === Access.write ? pteLow & PTE.w : pteLow & PTE.x
    if (!allowed) return this.#refuse(fault)
    let frame = ppn
    if (level > 0 || pteHigh & HIGH_N) this.onLarge(low, high)
    if (level > 0) {
      const pages = 2 ** (9 * level)
      if (pteHigh & HIGH_N || ppn % pages !== 0) return this.#refuse(fault)
      for (let i = level - 1; i >= 0; i--) frame += vpn(low, high, i) * 2 ** (9 * i)
    } else if (pteHigh & HIGH_N) {
      if (ppn % NAPOT_PAGES !== NAPOT_MARK) return this.#refuse(fault)
      frame = ppn - NAPOT_MARK + (vpn(low, high, 0) % NAPOT_PAGES)
    }
    return frame * 4096 + (low & 0xfff)
  }

  /** Sees to the A and D bits; undefined when another hart has changed the entry meanwhile. */
  #mark(host: number, page: number, address: number, pteLow: number, access: number): boolean | undefined {
    const wanted = access === Access.write ? PTE.a | PTE.d : PTE.a
    if ((pteLow & wanted) === wanted || this.isProbing) return true
    if (!this.updatesAccessed) {
      this.cause = PAGE_FAULT[access as 1]
      return false
    }
    if (!this.#pmp.allows(address, 8, Access.write, PRIVILEGE_S)) {
      this.cause = ACCESS_FAULT[access as 1]
      return false
    }
    this.#frames.markDirty(page)
    const now = Atomics.compareExchange(this.#words, host, pteLow, pteLow | wanted)
    return now === pteLow ? true : undefined
  }
}

/** The virtual page number field of a level. */
function vpn(low: number, high: number, level: number): number {
  switch (level) {
    case 0:
      return (low >>> 12) & VPN_MASK
    case 1:
      return (low >>> 21) & VPN_MASK
    case 2:
      return ((low >>> 30) | (high << 2)) & VPN_MASK
    case 3:
      return (high >>> 7) & VPN_MASK
    default:
      return (high >>> 16) & VPN_MASK
  }
}
