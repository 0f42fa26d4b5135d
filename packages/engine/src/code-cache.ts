import { Breakpoints } from './breakpoints.ts'
import { type Decoded, type InstructionSet, newDecoded } from './insn.ts'
import { COMPUTED, Handler, handlerOf, HEAT_MASK, PAGE_RECORD_BYTES, REPLACED_SHIFT } from './handlers.ts'
import { PAGE_TAIL, RECORD, RECORD_SHIFT, type RegisterFile } from './layout.ts'
import type { SavedRegion } from './saved-region.ts'
import type { Usage } from './usage.ts'

/** A page's records and what follows them, kept 64-byte aligned. */
export const CODE_PAGE_BYTES: number = PAGE_RECORD_BYTES + PAGE_TAIL.bytes
const PAGE_BYTES = 4096
/** Decoded instructions that are remembered by their bits, and the words of a record. */
const KNOWN = 16_384
const KNOWN_WORDS = RECORD.bytes / 4
/** Records are cleared in pieces of a host's page, those that have been filled: others need no memory. */
const PIECE_SHIFT = 12

/** What instructions that just go on were decoded to last, by a hash of their bits: programs repeat themselves. */
interface KnownRecords {
  readonly bits: Int32Array
  readonly words: Int32Array
}
const known = new WeakMap<readonly Usage[], KnownRecords>()

/** All machines of a thread share them: a clone runs what its original ran. */
function knownRecords(usages: readonly Usage[]): KnownRecords {
  let records = known.get(usages)
  if (!records)
    known.set(usages, (records = { bits: new Int32Array(KNOWN), words: new Int32Array(KNOWN * KNOWN_WORDS) }))
  return records
}

/** Where instructions of these bits are remembered (Knuth's multiplicative hash, TAOCP vol. 3, §6.4). */
function knownPlace(bits: number): number {
  return (Math.imul(bits, 0x9e3779b1) >>> 18) * KNOWN_WORDS
}

interface CodePage {
  /** The RAM page whose instructions these are; -1 while free. */
  ramPage: number
  /** Host address of the bytes decoded: its frame, or a copy where other threads may write the frame. */
  frame: number
  /** Host address of its frame. */
  live: number
  /** How often there has been another page here. */
  generation: number
  /** Regions that start here. */
  regions: CachedRegion[]
  /** A bit for each piece of its records that has been filled. */
  filled: number
}

/** What reads the code of a page. */
export interface CodeSource {
  /** Host address of the page's bytes. */
  readonly bytes: number
  /** Another one for each page that has been here, and each time it was dropped. */
  readonly generation: number
  readonly records: number
  readonly offset: number
  /** Decodes; false for what is no instruction, or goes on in the next page. */
  readonly read: (offset: number, out: Decoded) => boolean
  /** The 32 bits at an offset, as far as they are in the page. */
  readonly word: (offset: number) => number
}

/** A translated region of a page. */
export interface CachedRegion extends Omit<SavedRegion, 'guest'> {
  readonly slot: number
}

/**
 * Decoded pages: for each RAM page that was executed, a record per halfword. A page whose bytes change is dropped whole,
 * with the regions translated from it.
 */
export class CodeCache<M> {
  readonly #set: InstructionSet<M>
  readonly #usages: readonly Usage[]
  readonly #halves: Uint16Array
  readonly #words: Int32Array
  readonly #base: number
  /** Those that have been in use at some time; there may be `capacity`. */
  readonly #pages: CodePage[] = []
  readonly #capacity: number
  readonly #byRamPage: Int32Array
  readonly #decoded: Decoded = newDecoded()
  readonly #replacedAt: number
  readonly #copiesAt: number | undefined
  readonly #bytes: Uint8Array
  readonly #knownBits: Int32Array
  readonly #knownWords: Int32Array
  /** Where the search for a page that may go begins. */
  #next = 0
  /** Those that are free again, longest first. */
  readonly #freed: number[] = []
  readonly breakpoints: Breakpoints = new Breakpoints(ramPage => this.drop(ramPage))
  /** Called with the slots of a dropped page and the address of its records. */
  onDrop: (slots: readonly number[], records: number) => void = () => {}

  constructor(
    memory: ArrayBufferLike,
    base: number,
    capacity: number,
    /** Where an i32 for each RAM page lies: one more than its code page's index, or 0. */
    byRamPage: Int32Array,
    set: InstructionSet<M>,
    usages: readonly Usage[],
    /** Where, for each slot of a region, what its entry has replaced is kept: handler and immediate. */
    replacedAt: number,
    /** Where copies of the pages go, which then are what is decoded; undefined where only this thread writes RAM. */
    copiesAt?: number,
  ) {
    this.#replacedAt = replacedAt
    this.#copiesAt = copiesAt
    this.#bytes = new Uint8Array(memory)
    this.#set = set
    this.#usages = usages
    this.#halves = new Uint16Array(memory)
    this.#words = new Int32Array(memory)
    this.#base = base
    this.#capacity = capacity
    this.#byRamPage = byRamPage
    const { bits, words } = knownRecords(usages)
    this.#knownBits = bits
    this.#knownWords = words
  }

  /** Whether a RAM page has decoded code, so that writes to it must be seen. */
  has(ramPage: number): boolean {
    return this.#byRamPage[ramPage] !== 0
  }

  /** The records of a RAM page, made empty when it has none yet; then another page may go. */
  records(ramPage: number, frame: number): number {
    let index = (this.#byRamPage[ramPage] as number) - 1
    if (index === -1) {
      index = this.#freePage()
      const page = this.#pages[index] as CodePage
      // A page dropped under running code may have been decoded into once more since.
      this.#clear(index)
      page.ramPage = ramPage
      page.generation++
      page.live = frame >>> 0
      page.frame = this.#copiesAt === undefined ? frame : this.#copiesAt + index * PAGE_BYTES
      if (this.#copiesAt !== undefined) this.#bytes.copyWithin(page.frame, page.live, page.live + PAGE_BYTES)
      this.#byRamPage[ramPage] = index + 1
      const end = this.#recordsOf(index) + PAGE_RECORD_BYTES
      this.#halves[(end + PAGE_TAIL.leave) >>> 1] = Handler.leavePage
      this.#halves[(end + PAGE_TAIL.after) >>> 1] = Handler.leavePage
      this.#words[(end + PAGE_TAIL.crossesInto) >>> 2] = 0
    }
    return this.#recordsOf(index)
  }
  /** A code page that is free, or has been made so. */
  #freePage(): number {
    if (this.#freed.length === 0) {
      if (this.#pages.length < this.#capacity) {
        return this.#pages.push({ ramPage: -1, frame: 0, live: 0, generation: 0, regions: [], filled: 0 }) - 1
      }
      this.#makeRoom()
    }
    return this.#freed.shift() as number
  }
  /** Drops the page that has been there longest of those that cost least to make again: without translated regions, if any is. */
  #makeRoom(): void {
    let index = this.#next
    for (let i = 0; i < this.#pages.length && this.#pages[index]?.regions.length !== 0; i++) index = this.#after(index)
    this.#next = this.#after(index)
    this.drop((this.#pages[index] as CodePage).ramPage)
  }
  #after(index: number): number {
    return index + 1 < this.#pages.length ? index + 1 : 0
  }
  #recordsOf(index: number): number {
    return this.#base + index * CODE_PAGE_BYTES
  }

  /** Forgets a page's decoded code and regions. */
  drop(ramPage: number): void {
    const index = (this.#byRamPage[ramPage] as number) - 1
    if (index === -1) return
    const page = this.#pages[index] as CodePage
    const records = this.#recordsOf(index)
    this.#byRamPage[ramPage] = 0
    page.ramPage = -1
    this.#freed.push(index)
    this.#clear(index)
    for (let i = 0; i < this.#pages.length; i++) {
      const into = (this.#recordsOf(i) + PAGE_RECORD_BYTES + PAGE_TAIL.crossesInto) >>> 2
      if (i === index || this.#words[into] === records) this.#words[into] = 0
    }
    this.onDrop(
      page.regions.map(r => r.slot),
      records,
    )
    page.regions = []
  }

  /** Drops those pages among the suspect ones that have changed since their copies were made. Says whether there were any. */
  synchronize(isSuspect: (ramPage: number) => boolean): boolean {
    let any = false
    for (let i = 0; i < this.#pages.length; i++) {
      const page = this.#pages[i] as CodePage
      if (page.ramPage === -1 || !isSuspect(page.ramPage) || this.#isCurrent(page)) continue
      this.drop(page.ramPage)
      any = true
    }
    return any
  }
  #isCurrent({ frame, live }: CodePage): boolean {
    const words = this.#words
    let [a, b] = [frame >>> 2, live >>> 2]
    for (const end = a + PAGE_BYTES / 4; a < end; a++, b++) if (words[a] !== words[b]) return false
    return true
  }

  /** Forgets everything. Not for use under running code. */
  dropAll(): void {
    for (const page of this.#pages) if (page.ramPage !== -1) this.drop(page.ramPage)
  }
  /**
   * Empties a page's records: handler and heat, their first word. Operands stay: the instruction whose write this is (an
   * atomic one) still looks up where its result goes.
   */
  #clear(index: number): void {
    const page = this.#pages[index] as CodePage
    const words = this.#words
    const piece = 1 << (PIECE_SHIFT - 2)
    const records = this.#recordsOf(index) >>> 2
    for (let at = records, filled = page.filled; filled !== 0; at += piece, filled >>>= 1) {
      if ((filled & 1) === 0) continue
      for (let record = at; record < at + piece; record += RECORD.bytes >>> 2) words[record] = 0
    }
    page.filled = 0
  }

  /** The code page and byte offset that a record stands for. */
  #locate(record: number): { page: CodePage; records: number; offset: number } {
    const index = Math.floor(((record >>> 0) - this.#base) / CODE_PAGE_BYTES)
    const records = this.#recordsOf(index)
    return { page: this.#pages[index] as CodePage, records, offset: ((record >>> 0) - records) >>> RECORD_SHIFT }
  }

  /** Decodes the instruction at an offset of a frame; false when it goes on in the next page. */
  #read(frame: number, offset: number, out: Decoded): boolean {
    const low = this.#halves[(frame + offset) >>> 1] as number
    if ((low & 3) === 3 && offset === PAGE_BYTES - 2) return false
    const high = (low & 3) === 3 ? (this.#halves[(frame + offset + 2) >>> 1] as number) : 0
    this.#set.decode(low | (high << 16), out)
    if (out.row < 0) out.imm = low | (high << 16)
    return true
  }

  /** Fills an empty record, and the ones after it up to the next jump. */
  decode(record: number): void {
    const { page, records, offset: first } = this.#locate(record)
    const decoded = this.#decoded
    for (let offset = first; offset < PAGE_BYTES; offset += decoded.lengthBytes) {
      const at = records + (offset << RECORD_SHIFT)
      if (this.#halves[(at + RECORD.handler) >>> 1] !== Handler.decode) return
      page.filled |= 1 << ((offset << RECORD_SHIFT) >>> PIECE_SHIFT)
      if (this.breakpoints.has(page.ramPage, offset)) {
        this.#halves[(at + RECORD.handler) >>> 1] = Handler.breakpoint
        return
      }
      const known = this.#copyKnown(page.frame, offset, at)
      if (known > 0) {
        decoded.lengthBytes = known as 2 | 4
        continue
      }
      if (!this.#read(page.frame, offset, decoded)) {
        this.#halves[(at + RECORD.handler) >>> 1] = Handler.outOfLine
        return
      }
      this.fill(at, decoded)
      if (decoded.row < 0 || this.#usages[decoded.row]?.flow !== 'next') return
      this.#know(page.frame, offset, at, decoded)
    }
  }
  /** The bits of the instruction at an offset of a frame; 0 for one that goes on in the next page. */
  #bits(frame: number, offset: number): number {
    const low = this.#halves[(frame + offset) >>> 1] as number
    if ((low & 3) !== 3) return low
    return offset === PAGE_BYTES - 2 ? 0 : low | ((this.#halves[(frame + offset + 2) >>> 1] as number) << 16)
  }
  /** Fills a record with what these bits were decoded to last, if that is known; returns the instruction's length, or 0. */
  #copyKnown(frame: number, offset: number, record: number): number {
    const bits = this.#bits(frame, offset)
    const known = knownPlace(bits)
    if (bits === 0 || this.#knownBits[known / KNOWN_WORDS] !== bits) return 0
    const at = record >>> 2
    for (let i = 1; i < KNOWN_WORDS; i++) this.#words[at + i] = this.#knownWords[known + i] as number
    this.#halves[record >>> 1] = this.#knownWords[known] as number
    return (bits & 3) === 3 ? 4 : 2
  }
  #know(frame: number, offset: number, record: number, decoded: Decoded): void {
    const bits = this.#bits(frame, offset)
    const known = knownPlace(bits)
    this.#knownBits[known / KNOWN_WORDS] = bits
    for (let i = 1; i < KNOWN_WORDS; i++) this.#knownWords[known + i] = this.#words[(record >>> 2) + i] as number
    this.#knownWords[known] = handlerOf(decoded.row, decoded.lengthBytes)
  }

  /** Writes a decoded instruction into a record. */
  fill(record: number, d: Decoded): void {
    const halves = this.#halves
    const at = record >>> 1
    const usage = this.#usages[d.row]
    const sink = (file: RegisterFile): number => (d.rd === file.zero ? file.count : d.rd)
    // Writes to the zero register go to the file's spare slot.
    const written = usage?.writes.find(w => w.slot === 'rd')
    halves[at + (RECORD.rd >>> 1)] = (written ? sink(written.file) : d.rd) * 8
    halves[at + (RECORD.rs1 >>> 1)] = d.rs1 * 8
    halves[at + (RECORD.rs2 >>> 1)] = d.rs2 * 8
    halves[at + (RECORD.rs3 >>> 1)] = d.uimm !== 0 ? d.uimm : d.rs3 * 8
    this.#words[(record + RECORD.imm) >>> 2] = d.imm
    halves[at + (RECORD.handler >>> 1)] = handlerOf(d.row, d.lengthBytes)
  }

  /** Whether a translated region starts at a record. */
  isEntered(record: number): boolean {
    return this.#halves[(record + RECORD.handler) >>> 1] === Handler.enter
  }
  /** How often a record was jumped to, or given up at. */
  heat(record: number): number {
    return (this.#halves[(record + RECORD.heat) >>> 1] as number) & HEAT_MASK
  }
  /** Whether a computed jump has landed at a record. */
  isComputed(record: number): boolean {
    return ((this.#halves[(record + RECORD.heat) >>> 1] as number) & COMPUTED) !== 0
  }
  /** The offsets in a page at which computed jumps have landed. */
  computedIn(records: number): Int16Array {
    const halves = this.#halves
    const offsets: number[] = []
    let at = (records + RECORD.heat) >>> 1
    for (let offset = 0; offset < PAGE_BYTES; offset += 2, at += RECORD.bytes / 2) {
      if (((halves[at] as number) & COMPUTED) !== 0) offsets.push(offset)
    }
    return Int16Array.from(offsets)
  }
  /** The records of every page that has some. */
  *allRecords(): Generator<number> {
    for (let i = 0; i < this.#pages.length; i++) if (this.#pages[i]?.ramPage !== -1) yield this.#recordsOf(i)
  }
  /** The pages that have translated regions: where their frames are, and those regions. */
  pagesWithRegions(): readonly { readonly frame: number; readonly regions: readonly CachedRegion[] }[] {
    return this.#pages.filter(page => page.ramPage !== -1 && page.regions.length > 0)
  }
  /** The translated regions that have the instruction of a record. */
  regionsAt(record: number): CachedRegion[] {
    const { page, offset } = this.#locate(record)
    const has = ({ bounds }: CachedRegion): boolean =>
      bounds.some((first, i) => i % 2 === 0 && first <= offset && offset < (bounds[i + 1] as number))
    return page.regions.filter(has)
  }

  /** What a translation of the code at a record needs; undefined for a page that is gone, or has breakpoints. */
  source(record: number): CodeSource | undefined {
    const { page, records, offset } = this.#locate(record)
    if (page.ramPage === -1 || this.breakpoints.areIn(page.ramPage)) return undefined
    return {
      bytes: page.frame,
      generation: page.generation,
      records,
      offset,
      read: (at, out) => this.#read(page.frame, at, out) && out.row >= 0,
      word: at => {
        const half = (place: number): number => this.#halves[(page.frame + place) >>> 1] as number
        return half(at) | (at < PAGE_BYTES - 2 ? half(at + 2) << 16 : 0)
      },
    }
  }

  /** Keeps the instruction that begins in the last halfword of a page and goes on in another, whose records are given too. */
  keepCrossing(ramPage: number, next: number): void {
    const [here, there] = [ramPage, next].map(page => (this.#byRamPage[page] as number) - 1) as [number, number]
    if (here < 0 || there < 0) return
    const decoded = this.#decoded
    const low = this.#halves[((this.#pages[here] as CodePage).frame + PAGE_BYTES - 2) >>> 1] as number
    const high = this.#halves[(this.#pages[there] as CodePage).frame >>> 1] as number
    this.#set.decode(low | (high << 16), decoded)
    if (decoded.row < 0 || decoded.lengthBytes !== 4) return
    const end = this.#recordsOf(here) + PAGE_RECORD_BYTES
    this.fill(end + PAGE_TAIL.crossing, decoded)
    this.#words[(end + PAGE_TAIL.crossesInto) >>> 2] = this.#recordsOf(there)
  }

  /** Makes a record the entry of a translated region. */
  enter(records: number, region: CachedRegion): void {
    const record = records + (region.root << RECORD_SHIFT)
    const { slot } = region
    this.#locate(record).page.regions.push(region)
    if (this.#halves[(record + RECORD.handler) >>> 1] === Handler.decode) this.decode(record)
    const kept = (this.#replacedAt + (slot << REPLACED_SHIFT)) >>> 2
    this.#words[kept] = this.#halves[(record + RECORD.handler) >>> 1] as number
    this.#words[kept + 1] = this.#words[(record + RECORD.imm) >>> 2] as number
    this.#words[(record + RECORD.imm) >>> 2] = slot
    this.#halves[(record + RECORD.handler) >>> 1] = Handler.enter
  }
}
