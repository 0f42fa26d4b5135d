import { DoppelError } from '@doppel/base'
import { STATE, type StateField } from './state.ts'
import { PMP_ENTRIES } from './pmp.ts'
import type { Hart } from './hart.ts'

/** One control and status register. Number and name are the manual's (Priv. ch. 2); privilege follows from the number. */
export interface Csr {
  readonly name: string
  readonly number: number
  readonly read: (h: Hart) => bigint
  /** What setting and clearing bits starts from, where that is not what is read. */
  readonly readToModify?: (h: Hart) => bigint
  /** Absent for a register that ignores writes. */
  readonly write?: (h: Hart, value: bigint) => void
  /** For a register that just holds what is written: where, and which bits. */
  readonly plain?: { readonly field: StateField; readonly mask: bigint }
}

/** Thrown by CSR rows for an access that is an illegal instruction; caught where CSRs are accessed. */
export class IllegalAccess extends Error {}

/** mstatus bits (Priv. §3.1.6). */
export const Mstatus = {
  sie: 0x2n,
  mie: 0x8n,
  spie: 0x20n,
  mpie: 0x80n,
  spp: 0x100n,
  mpp: 0x1800n,
  mppShift: 11n,
  fsShift: 13n,
  fs: 0x6000n,
  mprv: 0x20000n,
  sum: 0x40000n,
  mxr: 0x80000n,
  tvm: 0x100000n,
  tw: 0x200000n,
  tsr: 0x400000n,
  uxl64: 0x200000000n,
  sxl64: 0x800000000n,
  sd: 0x8000000000000000n,
} as const
const M = Mstatus
const MSTATUS_WRITABLE = M.sie | M.mie | M.spie | M.mpie | M.spp | M.mpp | M.mprv | M.sum | M.mxr | M.tvm | M.tw | M.tsr
/** Bits that decide how generated code may access memory. */
const SEEN_BY_CODE = M.mpp | M.mprv | M.sum | M.mxr
/** The number of sstatus, and which of mstatus's bits it writes and shows. */
export const SSTATUS = 0x100
export const SSTATUS_WRITABLE: bigint = M.sie | M.spie | M.spp | M.sum | M.mxr
export const SSTATUS_READABLE: bigint = SSTATUS_WRITABLE | M.fs | M.uxl64 | M.sd

const SUPERVISOR_INTERRUPTS = (1n << 1n) | (1n << 5n) | (1n << 9n)
const ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | (1n << 3n) | (1n << 7n) | (1n << 11n)
/** Exceptions that may be delegated: all but the ecall from M (11) and reserved ones. */
const DELEGABLE = 0xb3ffn
const ENVCFG_FIOM = 1n
/** menvcfg: STCE, PBMTE, ADUE, CBZE.. as far as implemented. */
export const Menvcfg = { stce: 0x8000000000000000n, pbmte: 0x4000000000000000n, adue: 0x2000000000000000n } as const
const MENVCFG_WRITABLE = Menvcfg.stce | Menvcfg.pbmte | Menvcfg.adue | ENVCFG_FIOM
/** MXL 64 and the letters A C D F I M S U. */
export const MISA: bigint =
  (2n << 62n) | Array.from('ACDFIMSU').reduce((bits, letter) => bits | (1n << BigInt(letter.charCodeAt(0) - 65)), 0n)
const COUNTERS_READABLE = 0xffff_ffffn
/** mcycle and minstret; the programmable ones never count. */
const COUNTERS_INHIBITABLE = 5n
const HPM_COUNTERS = Array.from({ length: 29 }, (_, i) => i + 3)
const PAGE_ALIGNED_PC = ~1n

/** A register that just holds what is written, within a mask. */
const plain = (name: StateField, number: number, mask = -1n): Csr => {
  const at = STATE.fields[name]
  return {
    name,
    number,
    read: h => h.long(at),
    write: (h, v) => h.setLong(at, v & mask),
    plain: { field: name, mask },
  }
}
const constant = (name: string, number: number, value: bigint): Csr => ({ name, number, read: () => value })
/** Trap vectors: mode 0 (direct) or 1 (vectored); others are kept out. */
const vector = (name: StateField, number: number): Csr => ({
  ...plain(name, number, ~2n),
})

function writeMstatus(h: Hart, value: bigint, mask: bigint): void {
  const old = h.long(STATE.fields.mstatus)
  let next = (old & ~mask) | (value & mask)
  if ((next & M.mpp) === 2n << M.mppShift) next = (next & ~M.mpp) | (old & M.mpp)
  const fs = (value & M.fs) >> M.fsShift
  const seen = ((old ^ next) & SEEN_BY_CODE) !== 0n || fs !== h.long(STATE.fields.fs)
  h.setLong(STATE.fields.mstatus, next)
  h.setLong(STATE.fields.fs, fs)
  // The usual write turns interrupts off or on, and nothing is pending: the code that did it goes on.
  if (seen) h.statusChanged()
  else if ((next & ~old & (M.sie | M.mie)) !== 0n && h.interruptPending()) h.interruptsChanged()
}
const readMstatus = (h: Hart): bigint => {
  const fs = h.long(STATE.fields.fs)
  return h.long(STATE.fields.mstatus) | M.uxl64 | M.sxl64 | (fs << M.fsShift) | (fs === 3n ? M.sd : 0n)
}
const writeEnableBits = (h: Hart, value: bigint, mask: bigint): void => {
  h.setLong(STATE.fields.mie, (h.long(STATE.fields.mie) & ~mask) | (value & mask))
  h.interruptsChanged()
}
const writePendingBits = (h: Hart, value: bigint, mask: bigint): void => {
  h.changeInterrupts(mask & ~value, value & mask)
  h.interruptsChanged()
}
const float = (h: Hart): void => h.needFloat()

const floatingPoint: readonly Csr[] = [
  {
    name: 'fflags',
    number: 0x001,
    read: h => (float(h), h.long(STATE.fields.fflags)),
    write: (h, v) => h.setFloat('fflags', v & 31n),
  },
  {
    name: 'frm',
    number: 0x002,
    read: h => (float(h), h.long(STATE.fields.frm)),
    write: (h, v) => h.setFloat('frm', v & 7n),
  },
  {
    name: 'fcsr',
    number: 0x003,
    read: h => (float(h), (h.long(STATE.fields.frm) << 5n) | h.long(STATE.fields.fflags)),
    write: (h, v) => {
      h.setFloat('fflags', v & 31n)
      h.setFloat('frm', (v >> 5n) & 7n)
    },
  },
]

const supervisor: readonly Csr[] = [
  {
    name: 'sstatus',
    number: SSTATUS,
    read: h => readMstatus(h) & SSTATUS_READABLE,
    write: (h, v) => writeMstatus(h, v, SSTATUS_WRITABLE),
  },
  {
    name: 'sie',
    number: 0x104,
    read: h => h.long(STATE.fields.mie) & h.long(STATE.fields.mideleg),
    write: (h, v) => writeEnableBits(h, v, h.long(STATE.fields.mideleg)),
  },
  vector('stvec', 0x105),
  plain('scounteren', 0x106, COUNTERS_READABLE),
  plain('senvcfg', 0x10a, ENVCFG_FIOM),
  plain('sscratch', 0x140),
  plain('sepc', 0x141, PAGE_ALIGNED_PC),
  plain('scause', 0x142),
  plain('stval', 0x143),
  {
    name: 'sip',
    number: 0x144,
    read: h => h.pending() & h.long(STATE.fields.mideleg),
    // Only the software interrupt is S-mode's to write.
    write: (h, v) => writePendingBits(h, v, h.long(STATE.fields.mideleg) & 2n),
  },
  {
    name: 'stimecmp',
    number: 0x14d,
    read: h => h.supervisorTimer(h.long(STATE.fields.stimecmp)),
    write: (h, v) => {
      h.supervisorTimer(0n)
      h.setLong(STATE.fields.stimecmp, v)
      h.interruptsChanged()
    },
  },
  {
    name: 'satp',
    number: 0x180,
    read: h => h.satp(),
    write: (h, v) => h.setSatp(v),
  },
]

const machineInformation: readonly Csr[] = [
  constant('mvendorid', 0xf11, 0n),
  constant('marchid', 0xf12, 0n),
  constant('mimpid', 0xf13, 0n),
  { name: 'mhartid', number: 0xf14, read: h => BigInt(h.id) },
  constant('mconfigptr', 0xf15, 0n),
]

const machine: readonly Csr[] = [
  { name: 'mstatus', number: 0x300, read: readMstatus, write: (h, v) => writeMstatus(h, v, MSTATUS_WRITABLE) },
  { name: 'misa', number: 0x301, read: () => MISA, write: () => {} },
  plain('medeleg', 0x302, DELEGABLE),
  plain('mideleg', 0x303, SUPERVISOR_INTERRUPTS),
  {
    name: 'mie',
    number: 0x304,
    read: h => h.long(STATE.fields.mie),
    write: (h, v) => writeEnableBits(h, v, ALL_INTERRUPTS),
  },
  vector('mtvec', 0x305),
  plain('mcounteren', 0x306, COUNTERS_READABLE),
  {
    name: 'menvcfg',
    number: 0x30a,
    read: h => h.long(STATE.fields.menvcfg),
    write: (h, v) => {
      h.setLong(STATE.fields.menvcfg, v & MENVCFG_WRITABLE)
      h.environmentChanged()
    },
  },
  {
    name: 'mcountinhibit',
    number: 0x320,
    read: h => h.long(STATE.fields.mcountinhibit),
    write: (h, v) => h.inhibitCounters(v & COUNTERS_INHIBITABLE),
  },
  plain('mscratch', 0x340),
  plain('mepc', 0x341, PAGE_ALIGNED_PC),
  plain('mcause', 0x342),
  plain('mtval', 0x343),
  {
    name: 'mip',
    number: 0x344,
    read: h => h.pending(),
    // A wire that is up now must not become a bit that stays (Priv. §3.1.9, SEIP).
    readToModify: h => h.long(STATE.fields.mip),
    write: (h, v) => writePendingBits(h, v, h.writableInterrupts()),
  },
]

/** There is no trigger to select: the type in tdata1 says so (Debug §"Trigger Module Registers"). */
const triggers: readonly Csr[] = [
  { name: 'tselect', number: 0x7a0, read: () => 0n, write: () => {} },
  { name: 'tdata1', number: 0x7a1, read: () => 0n, write: () => {} },
  { name: 'tdata2', number: 0x7a2, read: () => 0n, write: () => {} },
]

const protection: readonly Csr[] = [
  ...Array.from(
    { length: 8 },
    (_, i): Csr => ({
      name: `pmpcfg${i * 2}`,
      number: 0x3a0 + i * 2,
      read: h => (i * 8 < PMP_ENTRIES ? h.pmp.readConfig(i * 2) : 0n),
      write: (h, v) => {
        if (i * 8 < PMP_ENTRIES) h.protect(() => h.pmp.writeConfig(i * 2, v))
      },
    }),
  ),
  ...Array.from(
    { length: 64 },
    (_, i): Csr => ({
      name: `pmpaddr${i}`,
      number: 0x3b0 + i,
      read: h => (i < PMP_ENTRIES ? h.pmp.readAddress(i) : 0n),
      write: (h, v) => {
        if (i < PMP_ENTRIES) h.protect(() => h.pmp.writeAddress(i, v))
      },
    }),
  ),
]

/** Counters a lower privilege may read only where the higher ones allow: bit `index` of m- and scounteren. */
const counter = (name: string, number: number, index: number, read: (h: Hart) => bigint): Csr => ({
  name,
  number,
  read: h => (h.needCounter(index), read(h)),
})
const machineCounter = (name: 'mcycle' | 'minstret', number: number): Csr => ({
  name,
  number,
  read: h => h.counter(name),
  write: (h, v) => h.setCounter(name, v),
})
const counters: readonly Csr[] = [
  counter('cycle', 0xc00, 0, h => h.counter('mcycle')),
  counter('time', 0xc01, 1, h => h.time()),
  counter('instret', 0xc02, 2, h => h.counter('minstret')),
  machineCounter('mcycle', 0xb00),
  machineCounter('minstret', 0xb02),
  // The programmable counters exist and count nothing (Zihpm allows it).
  ...HPM_COUNTERS.flatMap((i): Csr[] => [
    counter(`hpmcounter${i}`, 0xc00 + i, i, () => 0n),
    { name: `mhpmcounter${i}`, number: 0xb00 + i, read: () => 0n, write: () => {} },
    { name: `mhpmevent${i}`, number: 0x320 + i, read: () => 0n, write: () => {} },
  ]),
]

/** All CSRs by number. */
export const CSRS: ReadonlyMap<number, Csr> = new Map(
  [...floatingPoint, ...supervisor, ...machineInformation, ...machine, ...triggers, ...protection, ...counters].map(
    csr => [csr.number, csr],
  ),
)

/** S-mode's CSRs that only hold a value. */
export const PLAIN_SUPERVISOR_CSRS: readonly {
  readonly number: number
  readonly field: StateField
  readonly mask: bigint
}[] = supervisor.flatMap(csr => (csr.plain ? [{ number: csr.number, ...csr.plain }] : []))

/** All CSRs by name. */
export const CSRS_BY_NAME: ReadonlyMap<string, Csr> = new Map([...CSRS.values()].map(csr => [csr.name, csr]))

/** Whether a CSR has this name. */
export function isCsr(name: string): boolean {
  return CSRS_BY_NAME.has(name)
}

/** A CSR by its name; throws `riscv.csr` when there is none. */
export function csrNamed(name: string): Csr {
  const csr = CSRS_BY_NAME.get(name)
  if (!csr) throw new DoppelError('riscv.csr', `'${name}' is not a CSR of this hart`, { name })
  return csr
}
