import { type FunctionBuilder, type Local, type Node, Op } from '@doppel/wasm'

/**
 * The software TLB: per translation context (privilege and access rules), direct-mapped arrays of entries for reading,
 * writing and fetching. An entry is { tag: i64, value: i32 } in 16 bytes. The tag is the last address before its guest-virtual
 * page (see `missesTag`). The value of a data entry is what to add to the guest-virtual address, that of a fetch entry is the
 * address of the page's decoded records.
 */
export const DATA_ENTRIES = 4096
export const FETCH_ENTRIES = 256
export const ENTRY_BYTES = 16
export const ENTRY_VALUE = 8

/** Offsets of the arrays in a context. */
export const READ = 0
export const WRITE: number = DATA_ENTRIES * ENTRY_BYTES
export const FETCH: number = 2 * DATA_ENTRIES * ENTRY_BYTES
export const CONTEXT_BYTES: number = FETCH + FETCH_ENTRIES * ENTRY_BYTES

/**
 * The tag of an entry that holds nothing. It stands before page 0, which only the first entry could be asked for: that one has
 * the tag of page 1, which it is never asked for.
 */
const EMPTY = -1
const EMPTY_FIRST = 0xfff

/** `(address >>> INDEX_SHIFT) & mask` is an entry's offset: the page number times the entry size. */
export const INDEX_SHIFT = 8
export const DATA_MASK: number = (DATA_ENTRIES - 1) * ENTRY_BYTES
export const FETCH_MASK: number = (FETCH_ENTRIES - 1) * ENTRY_BYTES
export const PAGE_MASK_LOW: number = ~0xfff
const PAGE_BYTES = 4096

/**
 * After the contexts, a byte for each 2 MiB of guest-virtual addresses and one for each 1 GiB, by a hash: 1 where an entry may
 * come from a page larger than 4 KiB. Flushing one address of such a page must flush all of it.
 */
const LARGE_HASHED = 2048
const MEGAPAGE_SHIFT = 21
const GIGAPAGE_SHIFT = 30

/**
 * After these, how many entries have been filled since the last flush of everything, and where the first so many are: emptying
 * those is cheaper than emptying all, and address spaces often change before many are filled.
 */
const LOG_ENTRIES = 512
const LOG_BYTES = 4 * (1 + LOG_ENTRIES)
const logAt = (contexts: number): number => contexts * CONTEXT_BYTES + 2 * LARGE_HASHED

/** What a hart's TLB takes of memory. */
export function tlbBytesFor(contexts: number): number {
  return (logAt(contexts) + LOG_BYTES + 63) & ~63
}

/** Writes the note that the entry at an address is filled, where the hart's TLB starts at `tlb`. */
export function writeFillNote(fn: FunctionBuilder, contexts: number, tlb: Node, entry: Node): void {
  const log = fn.let(fn.op(Op.i32Add, tlb, fn.i32(logAt(contexts))))
  const count = fn.let(fn.load(Op.i32Load, fn.get(log)))
  fn.if(fn.op(Op.i32LtU, fn.get(count), fn.i32(LOG_ENTRIES)), 'likely')
  const place = fn.op(Op.i32Add, fn.get(log), fn.op(Op.i32Shl, fn.get(count), fn.i32(2)))
  fn.store(Op.i32Store, place, entry, 4)
  fn.end()
  fn.store(Op.i32Store, fn.get(log), fn.op(Op.i32Add, fn.get(count), fn.i32(1)))
}

/** Writes, where the hart's TLB starts at `tlb`: the address of the byte for an address's 2 MiB, or 1 GiB. */
export function largePageByte(fn: FunctionBuilder, contexts: number, tlb: Node, address: Node, giga: boolean): Node {
  const shifted = fn.op(Op.i64ShrU, address, fn.i64(giga ? GIGAPAGE_SHIFT : MEGAPAGE_SHIFT))
  const index = fn.op(Op.i32And, fn.op(Op.i32WrapI64, shifted), fn.i32(LARGE_HASHED - 1))
  const base = contexts * CONTEXT_BYTES + (giga ? LARGE_HASHED : 0)
  return fn.op(Op.i32Add, fn.op(Op.i32Add, tlb, fn.i32(base)), index)
}

/**
 * Writes whether `bytes` at an address are not all in the page of an entry's tag: one comparison for the first and the last.
 * V8 would load the tag twice if it were compared itself, or taken from something: it folds such a load into the instruction
 * and keeps the load as well, since it may trap.
 */
export function missesTag(fn: FunctionBuilder, tag: Node, address: Node, bytes: number): Node {
  return fn.op(Op.i64LtU, fn.op(Op.i64Sub, tag, address), fn.i64(bytes - PAGE_BYTES - 1))
}

/** Writes the flush of one guest-virtual address, in every context. */
export function writeFlushPage(fn: FunctionBuilder, contexts: number, tlb: Local, address: Local): void {
  const low = fn.let(fn.op(Op.i32ShrU, fn.op(Op.i32WrapI64, fn.get(address)), fn.i32(INDEX_SHIFT)))
  const entry = (mask: number): Local =>
    fn.let(fn.op(Op.i32Add, fn.get(tlb), fn.op(Op.i32And, fn.get(low), fn.i32(mask))))
  const [data, fetch] = [entry(DATA_MASK), entry(FETCH_MASK)]
  const empty = (of: Local): Local =>
    fn.let(fn.select(fn.op(Op.i32Eq, fn.get(of), fn.get(tlb)), fn.i64(EMPTY_FIRST), fn.i64(EMPTY)))
  const [emptyData, emptyFetch] = [empty(data), empty(fetch)]
  for (let i = 0; i < contexts; i++) {
    const at = i * CONTEXT_BYTES
    fn.store(Op.i64Store, fn.get(data), fn.get(emptyData), at + READ)
    fn.store(Op.i64Store, fn.get(data), fn.get(emptyData), at + WRITE)
    fn.store(Op.i64Store, fn.get(fetch), fn.get(emptyFetch), at + FETCH)
  }
}

/** One hart's translation contexts, in the engine's memory. Addresses are split into 32-bit halves. */
export class Tlb {
  readonly #words: Int32Array
  readonly #large: Uint8Array
  readonly #base: number
  readonly #contexts: number
  /** Told when everything has been flushed. */
  onFlush: () => void = () => {}
  /** Contexts filled since they were last emptied: flushing the others is free. */
  #used: number

  constructor(memory: ArrayBufferLike, base: number, contexts: number) {
    this.#words = new Int32Array(memory)
    this.#large = new Uint8Array(memory, base + contexts * CONTEXT_BYTES, 2 * LARGE_HASHED)
    this.#base = base
    this.#contexts = contexts
    this.#used = -1
    this.#words[(base + logAt(contexts)) >>> 2] = LOG_ENTRIES + 1
    this.flush()
  }

  /** The address of a context's arrays. */
  context(index: number): number {
    return this.#base + index * CONTEXT_BYTES
  }

  /** The number of the context at an address. */
  indexOf(context: number): number {
    return (context - this.#base) / CONTEXT_BYTES
  }
  /** Says that generated code may fill contexts, a mask, from now on. */
  use(contexts: number): void {
    this.#used |= contexts
  }
  fillData(context: number, array: number, low: number, high: number, host: number): void {
    const page = low & PAGE_MASK_LOW
    this.#fill(context, array + ((low >>> INDEX_SHIFT) & DATA_MASK), page, high, (host & PAGE_MASK_LOW) - page)
  }
  fillFetch(context: number, low: number, high: number, records: number): void {
    this.#fill(context, FETCH + ((low >>> INDEX_SHIFT) & FETCH_MASK), low & PAGE_MASK_LOW, high, records)
  }
  #fill(context: number, offset: number, pageLow: number, pageHigh: number, value: number): void {
    const at = (this.context(context) + offset) >>> 2
    const log = (this.#base + logAt(this.#contexts)) >>> 2
    const count = this.#words[log] as number
    if (count >>> 0 < LOG_ENTRIES) this.#words[log + 1 + count] = at << 2
    this.#words[log] = count + 1
    this.#words[at] = pageLow - 1
    this.#words[at + 1] = pageLow === 0 ? pageHigh - 1 : pageHigh
    this.#words[at + 2] = value
    this.#used |= 1 << context
  }

  /** Says that a page larger than 4 KiB is about to be cached. */
  noteLarge(low: number, high: number): void {
    this.#large[(low >>> MEGAPAGE_SHIFT) & (LARGE_HASHED - 1)] = 1
    this.#large[LARGE_HASHED + (gigabyte(low, high) & (LARGE_HASHED - 1))] = 1
  }
  /** Whether an address may be in such a page. */
  isLarge(low: number, high: number): boolean {
    return (
      this.#large[(low >>> MEGAPAGE_SHIFT) & (LARGE_HASHED - 1)] === 1 ||
      this.#large[LARGE_HASHED + (gigabyte(low, high) & (LARGE_HASHED - 1))] === 1
    )
  }
  /** Empties every context; those of the mask `inForce` go on being filled. */
  flush(inForce = 0): void {
    const log = (this.#base + logAt(this.#contexts)) >>> 2
    const filled = (this.#words[log] as number) >>> 0
    if (filled <= LOG_ENTRIES) {
      for (let i = 1; i <= filled; i++) {
        this.#empty((this.#words[log + i] as number) >>> 2)
      }
    } else {
      for (let i = 0; i < this.#contexts; i++) {
        if ((this.#used & (1 << i)) === 0) continue
        const at = this.context(i) >>> 2
        this.#words.fill(EMPTY, at, at + CONTEXT_BYTES / 4)
        for (const array of [READ, WRITE, FETCH]) this.#empty(at + array / 4)
      }
    }
    this.#words[log] = 0
    this.#used = inForce
    this.#large.fill(0)
    this.onFlush()
  }

  /** Empties what the page of one guest-virtual address could occupy; everything where that is a large page. */
  flushPage(low: number, high: number, inForce: number): void {
    if (this.isLarge(low, high)) return this.flush(inForce)
    for (let i = 0; i < this.#contexts; i++) {
      const data = (low >>> INDEX_SHIFT) & DATA_MASK
      for (const offset of [READ + data, WRITE + data, FETCH + ((low >>> INDEX_SHIFT) & FETCH_MASK)]) {
        this.#empty((this.context(i) + offset) >>> 2)
      }
    }
  }
  /** Empties the entry at an index of words. */
  #empty(at: number): void {
    const offset = (at * 4 - this.#base) % CONTEXT_BYTES
    const isFirst = offset === READ || offset === WRITE || offset === FETCH
    this.#words[at] = isFirst ? EMPTY_FIRST : EMPTY
    this.#words[at + 1] = isFirst ? 0 : EMPTY
  }

  /** Empties write entries that lead to the frame at `host`: it has come to hold translated code. */
  revokeWrites(host: number): void {
    const words = this.#words
    const revoke = (first: number, end: number): void => {
      for (let at = first; at < end; at += 4) {
        if ((((words[at] as number) + 1 + (words[at + 2] as number)) | 0) === (host | 0)) this.#empty(at)
      }
    }
    this.#eachFilled(WRITE, DATA_ENTRIES, revoke)
  }

  /** Empties fetch entries that lead to the records at `records`. */
  revokeFetches(records: number): void {
    const revoke = (first: number, end: number): void => {
      for (let at = first; at < end; at += 4) if (this.#words[at + 2] === records) this.#empty(at)
    }
    this.#eachFilled(FETCH, FETCH_ENTRIES, revoke)
  }

  /** Runs of words that hold all of an array's entries filled since the last flush, in every context. */
  #eachFilled(array: number, entries: number, each: (first: number, end: number) => void): void {
    const log = (this.#base + logAt(this.#contexts)) >>> 2
    const filled = (this.#words[log] as number) >>> 0
    const length = entries * ENTRY_BYTES
    if (filled > LOG_ENTRIES) {
      for (let i = 0; i < this.#contexts; i++) {
        const first = (this.context(i) + array) >>> 2
        if ((this.#used & (1 << i)) !== 0) each(first, first + length / 4)
      }
      return
    }
    for (let i = 1; i <= filled; i++) {
      const entry = (this.#words[log + i] as number) >>> 0
      const offset = (entry - this.#base) % CONTEXT_BYTES
      if (offset >= array && offset < array + length) each(entry >>> 2, (entry >>> 2) + 4)
    }
  }
}

function gigabyte(low: number, high: number): number {
  return (low >>> GIGAPAGE_SHIFT) | (high << (32 - GIGAPAGE_SHIFT))
}
