import { NIL, UNDEFINED_WORD } from '../program/program.ts'
import type { MachineMemory } from './memory.ts'
import { Problem } from './problem.ts'

/** Before each variable stand its block's size and what the block is. */
export const HEADER_BYTES = 8
/** Marks a block in use; read by generated code right before the variable. */
export const LIVE = 0x600d_b10c
const FREE = 0x0bad_b10c
const GRAIN_BYTES = 8
/** Blocks up to this size are kept by size when they are free; larger ones in one list. */
const MAX_SMALL_BYTES = 1024
/** So many bytes are disposed of before the first of them is used again: until then a dangling pointer is noticed. */
const QUARANTINE_BYTES = 1 << 20

/** What `new` and `dispose` work on (ISO 7185 6.6.5.3): blocks above the stack, growing until the limit. */
export class Heap {
  readonly #memory: MachineMemory
  readonly #base: number
  readonly #limit: number
  readonly #undefined: boolean
  #top: number
  /** Free blocks by size in grains, then all larger ones. */
  readonly #small: number[][] = Array.from({ length: MAX_SMALL_BYTES / GRAIN_BYTES + 1 }, () => [])
  readonly #large: number[] = []
  #quarantine: number[] = []
  #quarantineFrom = 0
  #quarantineBytes = 0
  /** Blocks in use and their bytes. */
  liveBlocks = 0
  liveBytes = 0

  constructor(memory: MachineMemory, base: number, limit: number, undefinedWords: boolean) {
    this.#memory = memory
    this.#base = base
    this.#limit = limit
    this.#undefined = undefinedWords
    this.#top = base
  }

  /** A new variable's address. */
  allocate(bytes: number): number {
    if (bytes < 0 || bytes > this.#limit) throw new Problem('heap')
    const size = Math.max(GRAIN_BYTES, (bytes + GRAIN_BYTES - 1) & -GRAIN_BYTES)
    const block = this.#reused(size) ?? this.#fresh(size)
    this.#memory.setWord(block + 4, LIVE)
    const address = block + HEADER_BYTES
    this.#memory.fill(address, size, this.#undefined ? UNDEFINED_WORD : 0)
    this.liveBlocks++
    this.liveBytes += size
    return address
  }
  #reused(size: number): number | undefined {
    if (size <= MAX_SMALL_BYTES) return this.#small[size / GRAIN_BYTES]?.pop()
    const at = this.#large.findIndex(block => this.#memory.word(block) >= size)
    return at < 0 ? undefined : this.#large.splice(at, 1)[0]
  }
  #fresh(size: number): number {
    const block = this.#top
    const end = block + HEADER_BYTES + size
    if (end > this.#limit || !this.#memory.growTo(end)) throw new Problem('heap')
    this.#top = end
    this.#memory.setWord(block, size)
    return block
  }

  /** Ends a variable; traps for what is not one. */
  free(address: number): void {
    if (address === NIL) throw new Problem('disposeNil')
    const state = this.state(address)
    if (state === 'freed') throw new Problem('dangling')
    if (state !== 'live') throw new Problem('disposeBad')
    const block = address - HEADER_BYTES
    const size = this.#memory.word(block)
    this.#memory.setWord(block + 4, FREE)
    this.liveBlocks--
    this.liveBytes -= size
    this.#quarantine.push(block)
    this.#quarantineBytes += size
    while (this.#quarantineBytes > QUARANTINE_BYTES) this.#release()
  }
  #release(): void {
    const block = this.#quarantine[this.#quarantineFrom++] as number
    const size = this.#memory.word(block)
    this.#quarantineBytes -= size
    if (size <= MAX_SMALL_BYTES) this.#small[size / GRAIN_BYTES]?.push(block)
    else this.#large.push(block)
    if (this.#quarantineFrom > 1024 && this.#quarantineFrom * 2 > this.#quarantine.length) {
      this.#quarantine = this.#quarantine.slice(this.#quarantineFrom)
      this.#quarantineFrom = 0
    }
  }

  /** What an address is that should be a pointer's value. */
  state(address: number): 'nil' | 'live' | 'freed' | 'none' {
    if (address === NIL) return 'nil'
    const at = address >>> 0
    if (at < this.#base + HEADER_BYTES || at >= this.#top || at % GRAIN_BYTES !== this.#base % GRAIN_BYTES)
      return 'none'
    const mark = this.#memory.word(at - 4)
    return mark === LIVE ? 'live' : mark === FREE ? 'freed' : 'none'
  }
  /** The size of a live variable's block. */
  size(address: number): number {
    return this.#memory.word(address - HEADER_BYTES)
  }
}
