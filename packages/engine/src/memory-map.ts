import { DoppelError, MIB } from '@doppel/base'
import type { Sharing } from './emitter.ts'
import { CODE_PAGE_BYTES } from './code-cache.ts'
import { REPLACED_SHIFT } from './handlers.ts'
import { isShared, MAX_WASM_PAGES } from './memory-limits.ts'

/** One of several engines, on threads of their own, that run one machine's harts in one memory. */
export interface EnginePlace {
  /** Which engine this is, from 0, and how many there are. */
  readonly index: number
  readonly count: number
  /** The only hart that it runs; without one it runs any. */
  readonly hart?: number
  /** The memory, which the first engine makes. */
  readonly memory?: WebAssembly.Memory
  /** How the host's processor orders what threads do. */
  readonly sharing: Exclude<Sharing, 'alone'>
}

/** Decoded pages kept: 64 MiB of records at most, committed as they are used. */
export const CODE_PAGES = 2000
/** Address 0 must stay unused: slow paths answer 0 for an exception. */
const GUARD_BYTES = 4096
/** In the guard page: a lock for giving out frames and how many have been, both i32; the rest is for whoever runs the threads. */
export const FRAME_LOCK = 1024
/** Host address from which on `THREAD_SPACE_BYTES` are free for what threads of one machine tell one another. */
export const THREAD_SPACE = 2048
export const THREAD_SPACE_BYTES: number = GUARD_BYTES - THREAD_SPACE

const WASM_PAGE_BYTES = 65_536
const RAM_PAGE_BYTES = 4096

/** Host addresses of what one engine's memory holds. */
export interface MemoryMap {
  readonly states: number
  readonly tlbs: number
  /** An engine's own: decoded pages, what region entries replaced, copies of decoded pages, its table of RAM pages. */
  readonly code: number
  readonly replaced: number
  readonly copies: number | undefined
  readonly codeTable: number
  /** Where each engine notes what it may have written; none where there is one engine. */
  readonly writeNotes: readonly number[]
  readonly frameTable: number
  /** A byte for each page of RAM, see `Frames.markDirty`. */
  readonly dirty: number
  /** A byte for each page of RAM: 1 where code may have been run since somebody last asked. */
  readonly fetched: number
  readonly frames: number
  readonly wasmPages: number
}

/** Lays out an engine's memory. Throws `engine.memory` for more than a 32-bit memory holds. */
export function mapMemory(sizes: {
  readonly harts: number
  readonly stateBytes: number
  readonly tlbBytes: number
  readonly slots: number
  readonly ramBytes: number
  readonly place: EnginePlace | undefined
}): MemoryMap {
  const { harts, stateBytes, tlbBytes, slots, ramBytes, place } = sizes
  let at = GUARD_BYTES
  const take = (bytes: number): number => {
    const start = at
    at = align(at + bytes, 64)
    return start
  }
  const tableBytes = (ramBytes / RAM_PAGE_BYTES) * 4
  const states = take(harts * stateBytes)
  const tlbs = take(harts * tlbBytes)
  const places = Array.from({ length: place?.count ?? 1 }, () => ({
    code: take(CODE_PAGES * CODE_PAGE_BYTES),
    replaced: take(slots << REPLACED_SHIFT),
    copies: place ? take(CODE_PAGES * RAM_PAGE_BYTES) : undefined,
    codeTable: take(tableBytes),
    notes: place ? [take(tableBytes)] : [],
  }))
  const frameTable = take(tableBytes)
  const [dirty, fetched] = [take(ramBytes / RAM_PAGE_BYTES), take(ramBytes / RAM_PAGE_BYTES)]
  const frames = align(at, WASM_PAGE_BYTES)
  const wasmPages = Math.ceil((frames + ramBytes) / WASM_PAGE_BYTES)
  if (wasmPages > MAX_WASM_PAGES) {
    const most = (MAX_WASM_PAGES * WASM_PAGE_BYTES - frames) / MIB
    throw new DoppelError('engine.memory', `${ramBytes / MIB} MiB of RAM; at most ${Math.floor(most)} MiB fit`)
  }
  const { notes: _own, ...own } = places[place?.index ?? 0] as (typeof places)[number]
  return {
    states,
    tlbs,
    ...own,
    writeNotes: places.flatMap(({ notes }) => notes),
    frameTable,
    dirty,
    fetched,
    frames,
    wasmPages,
  }
}

/** The memory of a map. Throws `engine.memory` when the host has no room for it. */
export function allocate(pages: number, place: EnginePlace | undefined): WebAssembly.Memory {
  if (place?.memory) return place.memory
  try {
    // V8 counts the initial size as garbage to come, and would collect for each machine that is made, though hardly any
    // of it has been touched. What is grown it does not count.
    const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, ...(place && { shared: true }) })
    memory.grow(pages - 1)
    if (place && !isShared(memory)) throw new TypeError('memory is not shared')
    return memory
  } catch (error) {
    const size = `${(pages * WASM_PAGE_BYTES) / MIB} MiB`
    const what = place ? ' that threads share' : ''
    throw new DoppelError(
      'engine.memory',
      `this host has no room for ${size} of memory${what}; give the machine less`,
      {},
      error,
    )
  }
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to
}
