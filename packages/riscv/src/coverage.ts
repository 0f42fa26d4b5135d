import { newDecoded } from '@doppel/engine'
import type { RiscvCpu } from './cpu.ts'
import type { Hart } from './hart.ts'
import { rv64gc } from './insn/rv64gc.ts'
import type { HartObserver } from './observers.ts'
import { HartView } from './view.ts'

const PAGE_BYTES = 4096
/** More than any kernel has; what comes after is not counted. */
const MAX_BLOCKS = 4_000_000

/**
 * Which basic blocks have run: from where code was jumped to, or went on behind a branch, up to the next jump. The interpreter
 * decodes each when it first comes to it, and that is all that is looked at; so it is to be the only tier. A page of RAM
 * that has several addresses is counted by the one that ran first.
 */
export class Coverage {
  /** Where blocks begin, and how many bytes they have. */
  readonly blocks: Map<bigint, number> = new Map()
  readonly #cpu: RiscvCpu
  readonly #counts: (hart: Hart) => boolean
  readonly #end: () => void

  /** Begins; only while no hart runs. `counts` says whether what a hart runs now is of interest. */
  constructor(cpu: RiscvCpu, counts: (hart: Hart) => boolean = () => true) {
    this.#cpu = cpu
    this.#counts = counts
    const observer: HartObserver = { decoded: hart => this.#decoded(hart) }
    this.#end = cpu.observers.add(observer)
  }
  /** Ends; only while no hart runs. */
  end(): void {
    this.#end()
  }
  #decoded(hart: Hart): void {
    if (this.blocks.has(hart.pc) || this.blocks.size === MAX_BLOCKS || !this.#counts(hart)) return
    const start = hart.pc
    const room = PAGE_BYTES - Number(start & BigInt(PAGE_BYTES - 1))
    // An instruction may go on in the next page.
    const bytes = new HartView(this.#cpu, hart).read(start, room + 2)
    const decoded = newDecoded()
    let at = 0
    while (at < room && at + 2 <= bytes.length) {
      const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
      const high = (low & 3) === 3 ? (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8) : 0
      rv64gc.decode(low | (high << 16), decoded)
      // What is no instruction has run as far as to trap.
      at += decoded.row < 0 ? 2 : decoded.lengthBytes
      if (decoded.row < 0 || this.#cpu.engine.flowOf(decoded.row) !== 'next') break
    }
    this.blocks.set(start, at)
  }
}
