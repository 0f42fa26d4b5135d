import type { GuestMemory } from '@doppel/base'
import type { RiscvCpu } from './cpu.ts'
import type { Hart } from './hart.ts'
import { parseSatp } from './paging.ts'
import { STATE } from './state.ts'

const PAGE_BYTES = 4096
const PAGE_OFFSET = BigInt(PAGE_BYTES - 1)
/** Page-table entry bits and fields (Priv. §"Sv39"). */
const PTE_V = 1n
const PTE_LEAF = 2n | 8n
const PTE_N = 1n << 63n
const PPN_SHIFT = 10n
const PPN_MASK = (1n << 44n) - 1n
const VPN_MASK = 0x1ffn
const NAPOT_MASK = 15n

/** One step of a walk through page tables: the entry's guest-physical address, and what it held. */
export interface WalkStep {
  readonly level: number
  readonly address: bigint
  readonly entry: bigint
}

/** RAM as it is, looked at from outside: pages that nobody has touched yet stay so, and nothing can be written. */
export function physicalView({ engine: { frames } }: RiscvCpu): GuestMemory {
  const page = new Uint8Array(PAGE_BYTES)
  return {
    ranges: frames.ranges,
    contains: (gpa, lengthBytes) => frames.contains(gpa, lengthBytes),
    write: () => false,
    read: (gpa, into) => {
      if (!frames.contains(gpa, into.length)) return false
      for (let done = 0; done < into.length; ) {
        const from = (gpa + done) % PAGE_BYTES
        const length = Math.min(PAGE_BYTES - from, into.length - done)
        const number = frames.page(gpa + done)
        if (frames.isTouched(number)) frames.read(gpa + done, into.subarray(done, done + length))
        else {
          frames.copyPage(number, page)
          into.set(page.subarray(from, from + length), done)
        }
        done += length
      }
      return true
    },
  }
}

/**
 * A hart's memory as its page tables have it, looked at from outside: nothing of the guest changes, no A bit either. For one
 * moment: what it has found out of page tables it remembers.
 */
export class HartView {
  readonly hart: Hart
  readonly physical: GuestMemory
  readonly #pages = new Map<bigint, number>()

  constructor(cpu: RiscvCpu, hart: Hart) {
    this.hart = hart
    this.physical = physicalView(cpu)
  }
  /** The walk of an address by the tables in force, whichever mode may use it (Priv. §"Virtual Address Translation Process"). */
  walk(address: bigint): { readonly steps: readonly WalkStep[]; readonly gpa: number | undefined } {
    const { levels, root } = parseSatp(this.hart.long(STATE.fields.satp)) ?? { levels: 0, root: 0 }
    const steps: WalkStep[] = []
    if (levels === 0 || this.hart.privilege > 1) return { steps, gpa: Number(address) }
    let table = BigInt(root)
    for (let level = levels - 1; level >= 0; level--) {
      const shift = BigInt(12 + 9 * level)
      const at = table + ((address >> shift) & VPN_MASK) * 8n
      const entry = this.#physicalLong(at)
      if (entry === undefined) break
      steps.push({ level, address: at, entry })
      if ((entry & PTE_V) === 0n) break
      const ppn = (entry >> PPN_SHIFT) & PPN_MASK
      if ((entry & PTE_LEAF) === 0n) {
        table = ppn << 12n
        continue
      }
      const napot = level === 0 && (entry & PTE_N) !== 0n ? NAPOT_MASK : 0n
      const frame = (ppn & ~napot) | ((address >> 12n) & napot)
      const mask = (1n << shift) - 1n
      return { steps, gpa: Number(((frame << 12n) & ~mask) | (address & mask)) }
    }
    return { steps, gpa: undefined }
  }
  #physicalLong(gpa: bigint): bigint | undefined {
    const bytes = new Uint8Array(8)
    return this.physical.read(Number(gpa), bytes) ? new DataView(bytes.buffer).getBigUint64(0, true) : undefined
  }

  /** Walks, remembered page by page: stacks are read word by word. */
  #physicalOf(address: bigint): number | undefined {
    const page = address & ~PAGE_OFFSET
    let base = this.#pages.get(page)
    if (base === undefined) this.#pages.set(page, (base = this.walk(page).gpa ?? -1))
    return base < 0 ? undefined : base + Number(address & PAGE_OFFSET)
  }
  /** As many bytes as are mapped to RAM from an address on. */
  read(address: bigint, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes)
    let done = 0
    while (done < lengthBytes) {
      const at = BigInt.asUintN(64, address + BigInt(done))
      const length = Math.min(PAGE_BYTES - Number(at & PAGE_OFFSET), lengthBytes - done)
      const gpa = this.#physicalOf(at)
      if (gpa === undefined || !this.physical.read(gpa, bytes.subarray(done, done + length))) break
      done += length
    }
    return bytes.subarray(0, done)
  }
  /** Eight bytes, or undefined where they are not all there. */
  long(address: bigint): bigint | undefined {
    const bytes = this.read(address, 8)
    return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) : undefined
  }
  /** The instruction at an address, a short one in the low half; undefined where there is no RAM. */
  instruction(address: bigint): number | undefined {
    const bytes = this.read(address, 4)
    const low = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)
    if (bytes.length < 2 || ((low & 3) === 3 && bytes.length < 4)) return undefined
    return (low & 3) === 3 ? low | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 24) : low
  }
}
