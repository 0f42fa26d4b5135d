/**
 * Where a hart's state lies in memory: the only source of offsets. Interpreter, translator, debugger and snapshot derive
 * theirs from here.
 */

/** A register file: `count` registers of 64 bits. Register `zero`, if any, reads as 0 and ignores writes. */
export interface RegisterFile {
  readonly name: string
  readonly count: number
  readonly zero: number | undefined
  /** True when its bits mostly are doubles: code then keeps them as such. */
  readonly float: boolean
  /** Byte offset of register 0 in the hart's state. */
  readonly offset: number
}

/** Byte offsets of the state that every hart has, whatever its instruction set. */
export interface CommonState {
  /** i64: where to go on. Kept in locals while code runs; stored at every exit. */
  readonly pc: number
  /** i32: instructions left in this slice. */
  readonly budget: number
  /** i32: address of the translation context (TLBs) in force. */
  readonly context: number
  /** i32: what a host function asks of the code that called it (`Request`). */
  readonly request: number
  /** i32 and i64: the exception to take, when an exit says so. */
  readonly cause: number
  readonly tval: number
  /** 16 bytes that stand in for memory when a load is served by a device or crosses a page. */
  readonly scratch: number
  /** Three records: an instruction run out of line, a gap, and the way back. */
  readonly outOfLine: number
  /** i32: TLB misses so far, for `--stats`. */
  readonly misses: number
  /** i32: address of the hart's first translation context. */
  readonly tlb: number
}

/** One instruction's decoded form in the interpreter's cache: 16 bytes for each possible instruction address. */
export const RECORD = {
  bytes: 16,
  /** u16: which handler runs it. */
  handler: 0,
  /** u16: how often it was jumped to. */
  heat: 2,
  /** u16 each: byte offset of the register in its file. */
  rd: 4,
  rs1: 6,
  rs2: 8,
  rs3: 10,
  /** u16: a small immediate, in the place of rs3. */
  uimm: 10,
  /** i32: immediate; for an entered region its table slot. */
  imm: 12,
} as const

/**
 * What follows a page's records, from their end: the record that leads on to the next page, its immediate telling which page's
 * records the instruction kept after it goes on in; that instruction, which crosses into the next page (4 bytes take two
 * records); and the way on from it.
 */
export const PAGE_TAIL = { leave: 0, crossesInto: 12, crossing: 16, after: 48, bytes: 64 } as const

/** log2 of record bytes per instruction byte: a record for every halfword. */
export const RECORD_SHIFT = 3

/** A hart's state, made of the common part, register files and the instruction set's own fields. */
export interface StateLayout<F extends string, N extends string> {
  readonly common: CommonState
  readonly files: { readonly [name in F]: RegisterFile }
  readonly fields: { readonly [name in N]: number }
  readonly bytes: number
}

const COMMON_BYTES = {
  pc: 8,
  tval: 8,
  scratch: 16,
  outOfLine: 3 * RECORD.bytes,
  budget: 4,
  context: 4,
  request: 4,
  cause: 4,
  misses: 4,
  tlb: 4,
} as const

/** Lays out register files (each with a spare slot that takes writes to the zero register) and 8-byte fields. */
export function layoutState<F extends string, N extends string>(
  files: { readonly [name in F]: { readonly count: number; readonly zero?: number; readonly float?: boolean } },
  fields: readonly N[],
): StateLayout<F, N> {
  let at = 0
  const take = (bytes: number): number => {
    const offset = at
    at += bytes
    return offset
  }
  const entries = <T>(object: T): [string, T[keyof T]][] => Object.entries(object as object) as [string, T[keyof T]][]
  const laidFiles = entries(files).map(([name, file]) => {
    const offset = take((file.count + 1) * 8)
    return [name, { name, count: file.count, zero: file.zero, float: file.float === true, offset }]
  })
  const common = Object.fromEntries(entries(COMMON_BYTES).map(([name, bytes]) => [name, take(bytes)]))
  const laidFields = fields.map(name => [name, take(8)])
  return {
    common: common as unknown as CommonState,
    files: Object.fromEntries(laidFiles) as StateLayout<F, N>['files'],
    fields: Object.fromEntries(laidFields) as StateLayout<F, N>['fields'],
    bytes: (at + 63) & ~63,
  }
}
