import { END_RECORD, END_TAG, TRAP_RECORD, TRAP_TAG } from './layout.ts'

/** The registers before one instruction. */
export interface Step {
  readonly pc: bigint
  readonly x: readonly bigint[]
  readonly f: readonly bigint[]
}

/** What the program recorded at a trap, or at a block's end. */
export interface LogRecord {
  readonly kind: 'trap' | 'end'
  /** Index of the block it happened in. */
  readonly block: number
  readonly values: readonly bigint[]
}

/** Takes the log apart. */
export function parseLog(bytes: Uint8Array): LogRecord[] {
  const units = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: LogRecord[] = []
  let at = 0
  let block = 0
  const take = (count: number): bigint[] =>
    Array.from({ length: count }, (_, i) => units.getBigUint64(at + i * 8, true))
  while (at + 8 <= bytes.length) {
    const tag = Number(units.getBigUint64(at, true))
    if (tag !== TRAP_TAG && tag !== END_TAG) break
    const kind = tag === TRAP_TAG ? 'trap' : 'end'
    const names = kind === 'trap' ? TRAP_RECORD : END_RECORD
    if (at + names.length * 8 > bytes.length) break
    records.push({ kind, block, values: take(names.length) })
    at += names.length * 8
    if (kind === 'end') block++
  }
  return records
}
