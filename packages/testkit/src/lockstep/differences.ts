import { END_RECORD, TRAP_RECORD } from './layout.ts'
import type { LogRecord } from './state.ts'

const FS = 0x6000n
const SD = 1n << 63n
const BREAKPOINT = 3n
const LOAD_ACCESS_FAULT = 5n
const STORE_ACCESS_FAULT = 7n
const ACCESS_FAULTS = new Set([LOAD_ACCESS_FAULT, STORE_ACCESS_FAULT])

/** What both sides may do as they like, and the tests therefore look away from. */
export interface Tolerance {
  readonly field: string
  readonly why: string
  readonly normalize: (value: bigint, valueOf: (field: string) => bigint) => bigint
}

/** The one list of differences between QEMU 7.2 and doppel that are not faults. */
export const TOLERATED: readonly Tolerance[] = [
  {
    field: 'mstatus',
    why: 'FS may be dirty without a write (Priv. §3.1.6.6): only Off or not Off counts; SD follows from it',
    normalize: value => ((value & FS) === 0n ? value & ~SD : (value | FS) & ~SD),
  },
  accessFault('mcause'),
  accessFault('scause'),
  trapValue('mtval', 'mcause'),
  trapValue('stval', 'scause'),
]

/** The names and values in which two records of the log differ; empty when they tell the same. */
export function differencesOf(a: LogRecord, b: LogRecord): { name: string; a: bigint; b: bigint }[] {
  if (a.kind !== b.kind) return [{ name: 'tag', a: a.values[0] ?? 0n, b: b.values[0] ?? 0n }]
  const names = a.kind === 'trap' ? TRAP_RECORD : END_RECORD
  const value = (record: LogRecord, name: string): bigint => {
    const valueOf = (field: string): bigint => record.values[names.indexOf(field)] as bigint
    const tolerance = TOLERATED.find(t => t.field === name)
    return tolerance ? tolerance.normalize(valueOf(name), valueOf) : valueOf(name)
  }
  return names.flatMap(name => {
    const [left, right] = [value(a, name), value(b, name)]
    return left === right ? [] : [{ name, a: left, b: right }]
  })
}

function trapValue(field: string, cause: string): Tolerance {
  return {
    field,
    why: `for ebreak it holds the address or 0 (Priv. §3.1.16), and QEMU 7.2 writes 0; for a misaligned access (or AMO)
      that memory refuses, QEMU tells an aligned address below it; and
      of the two pages of one across their boundary either may be told (hence 8 bytes to both sides)`,
    normalize: (value, valueOf) => {
      if (valueOf(cause) === BREAKPOINT) return 0n
      return ACCESS_FAULTS.has(valueOf(cause)) ? BigInt.asUintN(64, value + 8n) & ~15n : value
    },
  }
}

function accessFault(field: string): Tolerance {
  return {
    field,
    why: 'QEMU 7.2 does an AMO where there is no RAM as a load and a store, and so reports a load access fault',
    normalize: value => (value === LOAD_ACCESS_FAULT ? STORE_ACCESS_FAULT : value),
  }
}
