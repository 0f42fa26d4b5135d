import type { RiscvCpu } from './cpu.ts'
import type { Hart } from './hart.ts'
import { HartView } from './view.ts'

const PAGE_BYTES = 4096n

/** Guest-virtual code, from `start` to before `end`. */
export interface CodeRange {
  readonly start: bigint
  readonly end: bigint
}

/**
 * Code whose every instruction is told of before it runs. It is decoded to the handler that breakpoints have, in the RAM that
 * its addresses lead to, so that no other code is slower.
 */
export class WatchedCode {
  readonly ranges: readonly CodeRange[]
  readonly #tell: (hart: Hart) => void
  #cpu: RiscvCpu | undefined

  constructor(ranges: readonly CodeRange[], tell: (hart: Hart) => void) {
    this.ranges = ranges
    this.#tell = tell
  }
  has(address: bigint): boolean {
    return this.ranges.some(({ start, end }) => address >= start && address < end)
  }
  reached(hart: Hart): void {
    if (this.has(hart.pc)) this.#tell(hart)
  }

  /** Begins with the pages that are mapped now. */
  begin(cpu: RiscvCpu): void {
    this.#cpu = cpu
    const views = cpu.harts.filter(hart => hart.running).map(hart => new HartView(cpu, hart))
    for (const { start, end } of this.ranges) {
      for (let page = start & ~(PAGE_BYTES - 1n); page < end; page += PAGE_BYTES) {
        for (const view of views) {
          const { gpa } = view.walk(page)
          const ramPage = gpa === undefined ? -1 : cpu.engine.frames.page(gpa)
          if (ramPage >= 0) this.found(page, ramPage)
        }
      }
    }
  }
  /** A page of addresses leads to a page of RAM. */
  found(page: bigint, ramPage: number): void {
    for (const { start, end } of this.ranges) {
      const from = start > page ? start - page : 0n
      const to = end < page + PAGE_BYTES ? end - page : PAGE_BYTES
      if (from < to) this.#cpu?.engine.cache.breakpoints.watch(ramPage, Number(from), Number(to))
    }
  }
}
