import { DoppelError, type IrqLine } from '@doppel/base'
import type { MmioDevice, MmioWidth } from './bus.ts'

/** What a PLIC is built from. */
export interface PlicConfig {
  /** Highest interrupt source number; sources are 1..sources, at most 1023. */
  readonly sources: number
  /** One output per context, in context order (on the virt board: hart 0 M, hart 0 S, hart 1 M, …). */
  readonly contexts: readonly IrqLine[]
}

/** A PLIC as a snapshot has it: version 1. Bit arrays are words of 32 sources. */
export interface PlicState {
  readonly priority: Uint8Array
  readonly pending: readonly number[]
  readonly level: readonly number[]
  readonly inService: readonly number[]
  readonly enable: readonly number[]
  readonly threshold: Uint8Array
}

const MAX_SOURCES = 1023
const MAX_CONTEXTS = 15_872
/** Priorities are 0..7; the rest of a priority register is hard-wired to zero (WARL, PLIC §4). */
const PRIORITY_MASK = 7

// Register blocks, PLIC 1.0.0 §3.
const PENDING = 0x1000
const ENABLE = 0x2000
const ENABLE_STRIDE = 0x80
const CONTEXT = 0x20_0000
const CONTEXT_STRIDE = 0x1000
const THRESHOLD = 0
const CLAIM = 4

/** Platform-level interrupt controller with level-triggered gateways. RISC-V PLIC 1.0.0. */
export class Plic implements MmioDevice {
  readonly name = 'plic'
  readonly lengthBytes: number
  readonly sources: number
  readonly #contexts: readonly IrqLine[]
  readonly #words: number
  readonly #priority: Uint8Array
  readonly #pending: Uint32Array
  readonly #level: Uint32Array
  /** Sources claimed and not yet completed: their gateways are shut (PLIC §7). */
  readonly #inService: Uint32Array
  readonly #enable: Uint32Array
  readonly #threshold: Uint8Array
  readonly #output: boolean[]

  constructor({ sources, contexts }: PlicConfig) {
    if (sources < 1 || sources > MAX_SOURCES || contexts.length > MAX_CONTEXTS) {
      throw new DoppelError('plic.size', `${sources} sources and ${contexts.length} contexts: at most 1023 and 15872`, {
        sources,
        contexts: contexts.length,
      })
    }
    this.sources = sources
    this.#contexts = contexts
    this.#words = (sources >>> 5) + 1
    this.#priority = new Uint8Array(sources + 1)
    this.#pending = new Uint32Array(this.#words)
    this.#level = new Uint32Array(this.#words)
    this.#inService = new Uint32Array(this.#words)
    this.#enable = new Uint32Array(this.#words * contexts.length)
    this.#threshold = new Uint8Array(contexts.length)
    this.#output = contexts.map(() => false)
    this.lengthBytes = CONTEXT + contexts.length * CONTEXT_STRIDE
  }

  describe(offset: number): { register: string } {
    if (offset < PENDING) return { register: `priority[${offset >>> 2}]` }
    if (offset < ENABLE) return { register: `pending[${(offset - PENDING) >>> 2}]` }
    if (offset < CONTEXT) {
      const at = offset - ENABLE
      return { register: `enable[${Math.floor(at / ENABLE_STRIDE)}][${(at % ENABLE_STRIDE) >>> 2}]` }
    }
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE)
    const place = (offset - CONTEXT) % CONTEXT_STRIDE
    return { register: `${place === THRESHOLD ? 'threshold' : place === CLAIM ? 'claim' : 'reserved'}[${context}]` }
  }

  save(): PlicState {
    return {
      priority: this.#priority.slice(),
      pending: [...this.#pending],
      level: [...this.#level],
      inService: [...this.#inService],
      enable: [...this.#enable],
      threshold: this.#threshold.slice(),
    }
  }
  restore(state: PlicState): void {
    this.#priority.set(state.priority)
    this.#pending.set(state.pending)
    this.#level.set(state.level)
    this.#inService.set(state.inService)
    this.#enable.set(state.enable)
    this.#threshold.set(state.threshold)
    this.#update()
  }

  /** The wire of one source. Throws `plic.source` when the PLIC has no such source. */
  line(source: number): IrqLine {
    if (!Number.isInteger(source) || source < 1 || source > this.sources) {
      throw new DoppelError('plic.source', `no interrupt source ${source}: this PLIC has 1..${this.sources}`, {
        source,
      })
    }
    return {
      set: level => {
        assign(this.#level, source, level)
        if (level) this.#openGateway(source)
      },
    }
  }

  read(offset: number, width: MmioWidth): number {
    if (width !== 4) return 0
    if (offset < PENDING) return this.#priority[offset >>> 2] ?? 0
    if (offset < ENABLE) return this.#pending[(offset - PENDING) >>> 2] ?? 0
    if (offset < CONTEXT) {
      const at = this.#enableIndex(offset)
      return at === undefined ? 0 : (this.#enable[at] ?? 0)
    }
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE)
    const register = (offset - CONTEXT) % CONTEXT_STRIDE
    if (register === THRESHOLD) return this.#threshold[context] ?? 0
    return register === CLAIM ? this.#claim(context) : 0
  }

  write(offset: number, width: MmioWidth, value: number): void {
    if (width !== 4) return
    if (offset < PENDING) {
      const source = offset >>> 2
      if (source >= 1 && source <= this.sources) this.#priority[source] = value & PRIORITY_MASK
    } else if (offset < ENABLE) {
      return // Pending bits are read-only.
    } else if (offset < CONTEXT) {
      const at = this.#enableIndex(offset)
      if (at !== undefined) this.#enable[at] = value & this.#sourceMask(at % this.#words)
    } else {
      const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE)
      const register = (offset - CONTEXT) % CONTEXT_STRIDE
      if (register === THRESHOLD) this.#threshold[context] = value & PRIORITY_MASK
      else if (register === CLAIM) this.#complete(context, value >>> 0)
    }
    this.#update()
  }

  /** Source 0 does not exist and bits past the last source are hard-wired to zero. */
  #sourceMask(word: number): number {
    const top = this.sources - word * 32
    const mask = top >= 31 ? 0xffff_ffff : 2 ** (top + 1) - 1
    return word === 0 ? mask & ~1 : mask
  }

  #enableIndex(offset: number): number | undefined {
    const context = Math.floor((offset - ENABLE) / ENABLE_STRIDE)
    const word = ((offset - ENABLE) % ENABLE_STRIDE) >>> 2
    return context < this.#contexts.length && word < this.#words ? context * this.#words + word : undefined
  }

  /** Forwards one request; the core keeps it even when the wire falls before the claim (PLIC §2). */
  #openGateway(source: number): void {
    if (test(this.#inService, source) || test(this.#pending, source)) return
    assign(this.#pending, source, true)
    this.#update()
  }

  /** The enabled pending source of highest priority above `floor`, lowest number first; 0 when there is none. */
  #best(context: number, floor: number): number {
    let best = 0
    let bestPriority = floor
    for (let word = 0; word < this.#words; word++) {
      let bits = (this.#pending[word] ?? 0) & (this.#enable[context * this.#words + word] ?? 0)
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits)
        bits &= bits - 1
        const source = word * 32 + bit
        const priority = this.#priority[source] ?? 0
        if (priority > bestPriority) {
          best = source
          bestPriority = priority
        }
      }
    }
    return best
  }

  /** PLIC §8: claiming clears the pending bit and is not affected by the threshold. */
  #claim(context: number): number {
    const source = this.#best(context, 0)
    if (source === 0) return 0
    assign(this.#pending, source, false)
    assign(this.#inService, source, true)
    this.#update()
    return source
  }

  /** PLIC §9: a completion for a source not enabled in this context is ignored. */
  #complete(context: number, source: number): void {
    if (source < 1 || source > this.sources || !test(this.#inService, source)) return
    const enabled = this.#enable[context * this.#words + (source >>> 5)] ?? 0
    if (((enabled >>> (source & 31)) & 1) === 0) return
    assign(this.#inService, source, false)
    if (test(this.#level, source)) this.#openGateway(source)
  }

  #update(): void {
    for (let context = 0; context < this.#contexts.length; context++) {
      const level = this.#best(context, this.#threshold[context] ?? 0) !== 0
      if (level === this.#output[context]) continue
      this.#output[context] = level
      this.#contexts[context]?.set(level)
    }
  }
}

function test(bits: Uint32Array, source: number): boolean {
  return (((bits[source >>> 5] ?? 0) >>> (source & 31)) & 1) === 1
}

function assign(bits: Uint32Array, source: number, level: boolean): void {
  const word = source >>> 5
  const bit = 1 << (source & 31)
  bits[word] = level ? (bits[word] ?? 0) | bit : (bits[word] ?? 0) & ~bit
}
