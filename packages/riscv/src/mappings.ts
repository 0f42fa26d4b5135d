import type { Hart } from './hart.ts'
import type { RiscvCpu } from './cpu.ts'

const PAGE_BYTES = 4096
const ENTRIES = 512
const VALID = 1n
const READ_OR_EXECUTE = 0xan
/** Of V, R, W, X, U, G, A and D, in the entry's order (Priv. §"Sv39"). */
const LETTERS = 'vrwxugad'
const PPN_SHIFT = 10n
const PPN_MASK = (1n << 44n) - 1n
/** Page tables looked at, and ranges told of: a guest may have any number of either. */
const MAX_TABLES = 4096
const MAX_RANGES = 1000

/** Guest-virtual addresses that follow one another and lead to guest-physical ones that do, by entries of the same bits. */
export interface MappedRange {
  readonly gva: bigint
  readonly gpa: bigint
  readonly lengthBytes: bigint
  /** R, W, X, U, G, A and D of the entries, as letters or `-`. */
  readonly flags: string
}

/** What a hart's page tables map, by ascending address, as far as the limits go; undefined where paging is off. */
export function mappedRanges(cpu: RiscvCpu, hart: Hart): readonly MappedRange[] | undefined {
  const { levels, root } = hart.walker.satp
  if (levels === 0) return undefined
  const ranges: MappedRange[] = []
  let tables = 0
  const add = (range: MappedRange): void => {
    const last = ranges.at(-1)
    const isNext =
      last?.gva === range.gva - (last?.lengthBytes ?? 0n) &&
      last.gpa === range.gpa - last.lengthBytes &&
      last.flags === range.flags
    if (isNext) ranges[ranges.length - 1] = { ...last, lengthBytes: last.lengthBytes + range.lengthBytes }
    else ranges.push(range)
  }
  const walk = (table: number, level: number, base: bigint): void => {
    const bytes = new Uint8Array(PAGE_BYTES)
    if (++tables > MAX_TABLES || !cpu.memory.read(table, bytes)) return
    const view = new DataView(bytes.buffer)
    const lengthBytes = BigInt(PAGE_BYTES) << BigInt(9 * level)
    for (let i = 0; i < ENTRIES && ranges.length < MAX_RANGES; i++) {
      const entry = view.getBigUint64(8 * i, true)
      if ((entry & VALID) === 0n) continue
      const gpa = ((entry >> PPN_SHIFT) & PPN_MASK) * BigInt(PAGE_BYTES)
      const gva = base + BigInt(i) * lengthBytes
      if ((entry & READ_OR_EXECUTE) === 0n) {
        if (level > 0) walk(Number(gpa), level - 1, gva)
      } else add({ gva: signed(gva, levels), gpa, lengthBytes, flags: letters(entry) })
    }
  }
  walk(root, levels - 1, 0n)
  return ranges
}

/** All bits above the translated ones equal the topmost of these. */
function signed(gva: bigint, levels: number): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(12 + 9 * levels, gva))
}
function letters(entry: bigint): string {
  return Array.from(LETTERS, (letter, bit) => ((entry >> BigInt(bit)) & 1n ? letter : '-'))
    .slice(1)
    .join('')
}
