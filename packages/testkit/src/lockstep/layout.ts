/**
 * Where a lockstep program lies in guest-physical memory. The first part of RAM is made unwritable by a locked PMP
 * entry: stray stores fault, and never change code.
 */
export const RAM = 0x8000_0000
/** QEMU puts its device tree at the top; the program keeps to the lower half. */
export const RAM_BYTES: number = 128 << 20
/** Where the blocks begin; before them is the runtime. */
export const BLOCKS = 0x8000_4000
/** What each block starts from, one after the other; zeros end them. */
export const DESCRIPTORS = 0x8100_0000
/** Writable from here on. */
export const WRITABLE = 0x8200_0000
/** Out of an offset's reach from there: whether an access may be split at a PMP entry's end is anyone's choice. */
export const DATA = 0x8200_2000
/** Bytes of data: two pages, which paged blocks see under many addresses. */
export const DATA_BYTES = 0x2000
/** Page tables: root, middle, and a leaf table whose first entries every block sets. */
export const TABLES = 0x8201_0000
/** The root for M-mode blocks that access data as U-mode. */
export const TABLES_AS_USER = 0x8201_3000
/** The runtime's own variables and the registers it saves. */
export const CONTEXT = 0x8202_0000
/** The records, one after the other. */
export const LOG = 0x8210_0000
/** Where the records must have ended. */
export const LOG_END = 0x8400_0000

/** The window of guest-virtual pages that the leaf table maps. */
export const WINDOW = 0x1000_0000
/** Pages in that window. */
export const WINDOW_PAGES = 16
/** The same code as U-mode may execute it. */
export const USER_CODE = 0x1_0000_0000
/** Writing here ends the run (the virt board's test finisher). */
export const FINISHER = 0x10_0000
/** The value that means all is well. */
export const FINISHED = 0x5555

/** One block as the runtime reads it, in 8-byte units: where each part begins. */
export const DESCRIPTOR = {
  start: 0,
  end: 1,
  mstatus: 2,
  satp: 3,
  medeleg: 4,
  fcsr: 5,
  x: 6,
  f: 37,
  ptes: 69,
  units: 85,
}

/** Names of the 8-byte units of a trap's record. */
export const TRAP_RECORD: readonly string[] = ['tag', 'mepc', 'mcause', 'mtval', 'mstatus', 'sepc', 'scause', 'stval']
/** Names of the units of a block's last record. */
export const END_RECORD: readonly string[] = [
  'tag',
  ...Array.from({ length: 31 }, (_, i) => `x${i + 1}`),
  ...Array.from({ length: 32 }, (_, i) => `f${i}`),
  'fcsr',
  'sscratch',
  'memory',
]
/** First unit of a trap's record. */
export const TRAP_TAG = 1
/** First unit of a block's last record. */
export const END_TAG = 2
