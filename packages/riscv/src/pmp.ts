/** Physical memory protection (Priv. §3.7). Addresses are numbers; entries reach beyond what numbers hold only as "all". */

/** Entries implemented; the other pmpcfg and pmpaddr registers read as zero. */
export const PMP_ENTRIES = 16
const ENTRY_LOCKED = 0x80
const MODE_OFF = 0
const MODE_TOR = 1
const MODE_NA4 = 2
const PAGE_BYTES = 4096
/** pmpaddr holds address bits 55:2. */
const ADDRESS_MASK = (1n << 54n) - 1n

/** Kinds of access, by their permission bits in pmpcfg. */
export const Access = { read: 1, write: 2, execute: 4 } as const

/** A range of guest-physical addresses whose accesses of some kinds a debugger is to see. */
export interface WatchedRange {
  readonly gpa: number
  readonly lengthBytes: number
  /** Kinds of access, added up. */
  readonly access: number
}

interface Range {
  readonly first: number
  /** Exclusive. */
  readonly end: number
  readonly config: number
}

/** One hart's protection entries. */
export class Pmp {
  readonly #config: Uint8Array = new Uint8Array(PMP_ENTRIES)
  readonly #address: bigint[] = Array<bigint>(PMP_ENTRIES).fill(0n)
  #ranges: Range[] = []
  /** Ranges that are watched: what is asked about here is asked about each access where nothing is cached. */
  watched: readonly WatchedRange[] = []

  /** pmpcfg register `index` (even; eight entries each). */
  readConfig(index: number): bigint {
    let value = 0n
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(this.#config[index * 4 + i] ?? 0)
    return value
  }
  writeConfig(index: number, value: bigint): void {
    for (let i = 0; i < 8; i++) {
      const entry = index * 4 + i
      if (entry >= PMP_ENTRIES || (this.#config[entry] as number) & ENTRY_LOCKED) continue
      let config = Number((value >> BigInt(8 * i)) & 0x9fn)
      // W without R is reserved: keep such an entry from granting anything.
      if ((config & 3) === Access.write) config &= ~Access.write
      this.#config[entry] = config
    }
    this.#update()
  }
  readAddress(entry: number): bigint {
    return this.#address[entry] as bigint
  }
  writeAddress(entry: number, value: bigint): void {
    const next = this.#config[entry + 1] ?? 0
    const lockedByNext = (next & ENTRY_LOCKED) !== 0 && ((next >> 3) & 3) === MODE_TOR
    if ((this.#config[entry] as number) & ENTRY_LOCKED || lockedByNext) return
    this.#address[entry] = value & ADDRESS_MASK
    this.#update()
  }

  /** As it was made; locked entries too. What is watched stays so. */
  reset(): void {
    this.#config.fill(0)
    this.#address.fill(0n)
    this.#update()
  }

  #update(): void {
    this.#ranges = []
    for (let i = 0; i < PMP_ENTRIES; i++) {
      const config = this.#config[i] as number
      const mode = (config >> 3) & 3
      if (mode === MODE_OFF) continue
      const address = this.#address[i] as bigint
      let first = address << 2n
      let end = first + 4n
      if (mode === MODE_TOR) {
        first = i === 0 ? 0n : (this.#address[i - 1] as bigint) << 2n
        end = address << 2n
      } else if (mode !== MODE_NA4) {
        // Trailing ones give the size: NAPOT.
        const ones = address ^ (address + 1n)
        first = (address & ~ones) << 2n
        end = first + ((ones + 1n) << 2n)
      }
      this.#ranges.push({ first: Number(first), end: Number(end), config })
    }
  }

  /** True when the first entry lets everyone do everything everywhere, as firmware for a kernel sets it. */
  get isOpen(): boolean {
    const first = this.#ranges[0]
    if (this.watched.length > 0) return false
    return first !== undefined && first.first === 0 && first.end >= 2 ** 56 && (first.config & 7) === 7
  }

  /** Whether `[gpa, gpa + bytes)` may be accessed so at a privilege. The lowest-numbered entry that touches it decides. */
  allows(gpa: number, bytes: number, access: number, privilege: number): boolean {
    for (const { first, end, config } of this.#ranges) {
      if (gpa + bytes <= first || gpa >= end) continue
      if (gpa < first || gpa + bytes > end) return false
      return (privilege === 3 && (config & ENTRY_LOCKED) === 0) || (config & access) !== 0
    }
    return privilege === 3
  }

  /** Whether an access of a kind touches what is watched. */
  isWatched(gpa: number, bytes: number, access: number): boolean {
    if (this.watched.length === 0) return false
    return this.watched.some(w => (w.access & access) !== 0 && gpa < w.gpa + w.lengthBytes && w.gpa < gpa + bytes)
  }

  /** Whether one answer holds for the whole page around an address, so that it may be cached. */
  isUniform(gpa: number): boolean {
    const page = gpa - (gpa % PAGE_BYTES)
    if (this.isWatched(page, PAGE_BYTES, Access.read | Access.write)) return false
    for (const { first, end } of this.#ranges) {
      if (page + PAGE_BYTES <= first || page >= end) continue
      return page >= first && page + PAGE_BYTES <= end
    }
    return true
  }
}
