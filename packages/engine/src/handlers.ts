import { RECORD_SHIFT } from './layout.ts'

/** Handlers that are not instructions; those follow, each with one for its short form. */
export const Handler = {
  /** The record is empty: ask the host to decode. Zero, so that cleared memory means it. */
  decode: 0,
  /** The instruction cannot run in place (it crosses a page): the host puts it out of line. */
  outOfLine: 1,
  /** A translated region starts here; the record's immediate is its table slot. */
  enter: 2,
  /** The end of a page, or of an instruction run out of line. */
  leavePage: 3,
  illegal: 4,
  /** A debugger stops here. */
  breakpoint: 5,
  firstRow: 6,
} as const

/** In a record's heat: that a computed jump has landed there; and how many jumps have. */
export const COMPUTED = 0x8000
export const HEAT_MASK = 0x7fff

/** Failures of translated code at an instruction, a power of two, after which the host is told. */
export const RESUMES = 1024

/** Two records below all state, with the handlers `leavePage` and `outOfLine`: where the interpreter begins. */
export const START_RECORDS = 64

/** The handler that runs a row. */
export function handlerOf(row: number, lengthBytes: 2 | 4): number {
  return row < 0 ? Handler.illegal : Handler.firstRow + row * 2 + (lengthBytes === 2 ? 1 : 0)
}

/** log2 of the bytes kept, for each slot, of the record that a region's entry has replaced. */
export const REPLACED_SHIFT = 3

/** Guest bytes of one page, seen through its records. */
export const PAGE_RECORD_BYTES: number = 4096 << RECORD_SHIFT
