import { layoutState, type StateLayout } from '@doppel/engine'

/**
 * What a hart remembers beside its pc: registers, and the CSRs that generated code touches or that a snapshot needs.
 * Field names are the CSRs' own; `fs` is mstatus.FS on its own because every floating-point instruction tests it.
 */
const FIELDS = [
  'priv',
  'fs',
  'fflags',
  'frm',
  'mstatus',
  'mtvec',
  'medeleg',
  'mideleg',
  'mie',
  'mip',
  'mscratch',
  'mepc',
  'mcause',
  'mtval',
  'mcounteren',
  'mcountinhibit',
  'menvcfg',
  'stvec',
  'sscratch',
  'sepc',
  'scause',
  'stval',
  'scounteren',
  'senvcfg',
  'satp',
  'stimecmp',
  /** What mcycle and minstret are ahead of the instructions retired, by writes to them. */
  'mcycle',
  'minstret',
  /** The reservation of lr: host address of the word, 0 for none, and the value read. */
  'reservation',
  'reserved',
  /** What the page-table walk in generated code goes by: see `Walk`; and the root table's guest-physical address. */
  'walk',
  'root',
  /** Bits of mip that were pending when last looked at. */
  'seen',
  /** Levels of interrupt wires into this hart, as bits of mip. */
  'lines',
] as const

/** The TLB's translation contexts: what may be cached side by side. The last one holds every unusual combination. */
export const CONTEXT = { user: 0, supervisor: 1, supervisorSum: 2, other: 3 } as const
/** How many translation contexts a hart has. */
export const CONTEXTS = 4

/** The name of a field of a hart's state. */
export type StateField = (typeof FIELDS)[number]

/** The state of a RISC-V hart with F and D. */
export const STATE: StateLayout<'x' | 'f', StateField> = layoutState(
  { x: { count: 32, zero: 0 }, f: { count: 32, float: true } },
  FIELDS,
)
