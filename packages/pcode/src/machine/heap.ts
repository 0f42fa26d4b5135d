import { NIL, UNDEFINED_WORD } from '../program/program.ts'
import type { MachineMemory } from './memory.ts'
import { Problem } from './problem.ts'

/** Before each variable stand its block's size and what the block is. */
export const HEADER_BYTES = 8
/** Marks a block in use; read by generated code right before the variable. */
export const LIVE = 0x600d_b10c
/** Marks a block that was disposed of. */
export const FREE = 0x0bad_b10c
/** Blocks are multiples of this. */
export const GRAIN_BYTES = 8
/** Blocks up to this size are kept in a list for each size when they are free; larger ones together. */
export const MAX_SMALL_BYTES = 1024

/** What the heap knows of itself, in words of the program's memory before its first block; generated code works on it too. */
export const HEAP_STATE = { top: 0, end: 4, liveBlocks: 8, liveBytes: 12, lists: 16, listBytes: 16 } as const
/** Where in a list's words its first and last free block and their number are. */
export const HEAP_LIST = { first: 0, last: 4, count: 8 } as const
/** Bytes of that state. */
export const HEAP_STATE_BYTES: number = HEAP_STATE.lists + (MAX_SMALL_BYTES / GRAIN_BYTES + 1) * HEAP_STATE.listBytes
/** Large free blocks of which the last so many are not used again yet. */
const KEPT_LARGE_BLOCKS = 16

/** How many free blocks of a size there must be before the oldest is used again: until then dangling pointers are noticed. */
export function keptBlocks(checked: boolean): number {
  return checked ? 1024 : 0
}

/** What `new` and `dispose` work on (ISO 7185 6.6.5.3): blocks above the stack, growing until the limit. */
export class Heap {
  readonly #memory: MachineMemory
  readonly #state: number
  readonly #base: number
  readonly #limit: number
  readonly #undefined: boolean
  readonly #large: number[] = []

  constructor(memory: MachineMemory, state: number, limit: number, undefinedWords: boolean) {
    this.#memory = memory
    this.#state = state
    this.#base = state + HEAP_STATE_BYTES
    this.#limit = limit
    this.#undefined = undefinedWords
    this.#set(HEAP_STATE.top, this.#base)
    this.#set(HEAP_STATE.end, Math.min(memory.bytes.length, limit))
  }
  #get(word: number): number {
    return this.#memory.word(this.#state + word)
  }
  #set(word: number, value: number): void {
    this.#memory.setWord(this.#state + word, value)
  }
  #list(size: number): number {
    return HEAP_STATE.lists + (size / GRAIN_BYTES) * HEAP_STATE.listBytes
  }
  /** Blocks in use, and their bytes. */
  get liveBlocks(): number {
    return this.#get(HEAP_STATE.liveBlocks)
  }
  get liveBytes(): number {
    return this.#get(HEAP_STATE.liveBytes)
  }
  #count(blocks: number, bytes: number): void {
    this.#set(HEAP_STATE.liveBlocks, this.liveBlocks + blocks)
    this.#set(HEAP_STATE.liveBytes, this.liveBytes + bytes)
  }

  /** Bytes that were never in use, up to the memory’s limit. */
  get roomBytes(): number {
    return this.#limit - this.#get(HEAP_STATE.top)
  }

  /** A new variable's address. */
  allocate(bytes: number): number {
    if (bytes < 0 || bytes > this.#limit) throw new Problem('heap')
    const wanted = Math.max(GRAIN_BYTES, (bytes + GRAIN_BYTES - 1) & -GRAIN_BYTES)
    const block = (wanted <= MAX_SMALL_BYTES ? this.#small(wanted) : this.#reusedLarge(wanted)) ?? this.#fresh(wanted)
    const size = this.#memory.word(block)
    this.#memory.setWord(block + 4, LIVE)
    const address = block + HEADER_BYTES
    this.#memory.fill(address, size, this.#undefined ? UNDEFINED_WORD : 0)
    this.#count(1, size)
    return address
  }
  #small(size: number): number | undefined {
    const list = this.#list(size)
    const count = this.#get(list + HEAP_LIST.count)
    if (count <= keptBlocks(this.#undefined)) return undefined
    const block = this.#get(list + HEAP_LIST.first)
    this.#set(list + HEAP_LIST.first, this.#memory.word(block + HEADER_BYTES))
    this.#set(list + HEAP_LIST.count, count - 1)
    return block
  }
  #reusedLarge(size: number): number | undefined {
    const reusable = this.#large.length - (this.#undefined ? KEPT_LARGE_BLOCKS : 0)
    const at = this.#large.findIndex((block, i) => i < reusable && this.#memory.word(block) >= size)
    return at < 0 ? undefined : this.#large.splice(at, 1)[0]
  }
  #fresh(size: number): number {
    const block = this.#get(HEAP_STATE.top)
    const end = block + HEADER_BYTES + size
    if (end > this.#limit || !this.#memory.growTo(end)) throw new Problem('heap')
    this.#set(HEAP_STATE.end, Math.min(this.#memory.bytes.length, this.#limit))
    this.#set(HEAP_STATE.top, end)
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
    this.#count(-1, -size)
    // A program that writes over a size must not lead outside the lists.
    if (size < GRAIN_BYTES || size > MAX_SMALL_BYTES || size % GRAIN_BYTES !== 0) {
      if (size > MAX_SMALL_BYTES) this.#large.push(block)
      return
    }
    const list = this.#list(size)
    const count = this.#get(list + HEAP_LIST.count)
    this.#memory.setWord(address, 0)
    if (count === 0) this.#set(list + HEAP_LIST.first, block)
    else this.#memory.setWord(this.#get(list + HEAP_LIST.last) + HEADER_BYTES, block)
    this.#set(list + HEAP_LIST.last, block)
    this.#set(list + HEAP_LIST.count, count + 1)
  }

  /** What an address is that should be a pointer's value. */
  state(address: number): 'nil' | 'live' | 'freed' | 'none' {
    if (address === NIL) return 'nil'
    const at = address >>> 0
    const isInside = at >= this.#base + HEADER_BYTES && at < this.#get(HEAP_STATE.top)
    if (!isInside || at % GRAIN_BYTES !== this.#base % GRAIN_BYTES) return 'none'
    const mark = this.#memory.word(at - 4)
    return mark === LIVE ? 'live' : mark === FREE ? 'freed' : 'none'
  }
  /** The size of a live variable's block. */
  size(address: number): number {
    return this.#memory.word(address - HEADER_BYTES)
  }
}
