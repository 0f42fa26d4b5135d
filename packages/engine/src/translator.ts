import type { FunctionBody } from '@doppel/wasm'
import type { CodeCache } from './code-cache.ts'
import type { Sharing } from './emitter.ts'
import type { Isa } from './engine.ts'
import { describeRegion } from './describe.ts'
import { RESUMES } from './handlers.ts'
import { RECORD_SHIFT, type RegisterFile } from './layout.ts'
import { explore, type KnownTargets, loopHead, type ReadInstruction, type Region } from './region.ts'
import { bytesWithin, isIn, packBody, type SavedRegion } from './saved-region.ts'
import { boundsOf, RegionCompiler } from './region-compiler.ts'
import type { CompiledElsewhere, RegionRequest, RemoteCompiler } from './remote-compiler.ts'
import { decodeTranslations, encodeTranslations } from './translations.ts'
import type { Usage } from './usage.ts'

/** Regions translated at once, in one module; fewer when a slice ends. */
const MAX_BATCH = 24
/** Translations kept, at some 20 KB each in V8; a guest that makes more code than this starts over. */
const MAX_REGIONS = 20_000
const INITIAL_SLOTS = 4096
/** Slots are used again, so there are never more than regions live, and those of one batch. */
export const MAX_SLOTS: number = MAX_REGIONS + MAX_BATCH + 1
/** Giving up costs as much as some hundred instructions: at this distance it may happen. */
const RARE_RESUME = 3000
/** A loop is one that is gone round if its head has this part of the arrivals that make code hot. */
const HOT_HEAD = 4
const PAGE_BYTES = 4096

/** A region about to be translated: its page's records, as they are now, its root, what it does not enter. */
interface Draft {
  readonly read: ReadInstruction
  readonly known: KnownTargets
  readonly records: number
  readonly generation: number
  readonly root: number
  readonly barrier: number
}

/** Counters for `--stats`. */
export interface TranslatorStats {
  regions: number
  regionInstructions: number
  regionBytes: number
  /** Regions translated anew because their accesses are seldom simple. */
  patient: number
  /** Regions of earlier runs that were found again. */
  reused: number
}

/** Makes regions of what is hot, puts them into the table, and keeps them for later runs. */
export class Translator<M> {
  readonly table: WebAssembly.Table = new WebAssembly.Table({ element: 'anyfunc', initial: INITIAL_SLOTS })
  readonly stats: TranslatorStats = { regions: 0, regionInstructions: 0, regionBytes: 0, patient: 0, reused: 0 }
  readonly #usages: readonly Usage[]
  readonly #files: readonly RegisterFile[]
  readonly #cache: CodeCache<M>
  readonly #memory: WebAssembly.Memory
  readonly #heatLimit: number
  #imports: Record<string, WebAssembly.ImportValue> = {}
  /** Regions of earlier runs, with the function of each once a page has been found to have one. */
  #saved: readonly SavedRegion[] = []
  #savedFunctions: Record<string, unknown> | undefined
  /** Where each begins in its page, and its first halfword. */
  #savedRoots = new Int16Array(0)
  #savedStarts = new Uint16Array(0)
  /** Instructions retired when code at a record last was said to give up often. */
  readonly #retiredAt = new Map<number, number>()
  readonly #compiler: RegionCompiler<M>
  #remote: RemoteCompiler | undefined
  /** First records of regions that are compiled elsewhere. */
  readonly #inFlight = new Set<number>()
  #pending: number[] = []
  #freeSlots: number[] = []
  #nextSlot = 1
  #live = 0

  /** `heatLimit` is the number of arrivals after which code is hot; at 1 nothing waits for company. */
  constructor(
    isa: Isa<M>,
    usages: readonly Usage[],
    cache: CodeCache<M>,
    memory: WebAssembly.Memory,
    heatLimit: number,
    sharing: Sharing,
  ) {
    this.#usages = usages
    this.#files = Object.values(isa.state.files)
    this.#cache = cache
    this.#memory = memory
    this.#heatLimit = heatLimit
    this.#compiler = new RegionCompiler(isa, usages, sharing)
  }

  /** Gives what all modules import. */
  link(imports: Record<string, WebAssembly.ImportValue>): void {
    this.#imports = imports
  }
  /** True when there is no room for more. */
  get isFull(): boolean {
    return this.#live >= MAX_REGIONS
  }

  /** Links a module. */
  instantiate(module: WebAssembly.Module): Record<string, unknown> {
    return new WebAssembly.Instance(module, { engine: this.#imports }).exports
  }

  #takeSlot(): number {
    const free = this.#freeSlots.pop()
    if (free !== undefined) return free
    if (this.#nextSlot === this.table.length) this.table.grow(this.table.length)
    return this.#nextSlot++
  }

  /** Forgets the functions of a dropped page. */
  release(slots: readonly number[]): void {
    this.#live -= slots.length
    for (const slot of slots) {
      this.table.set(slot, null)
      this.#freeSlots.push(slot)
    }
  }

  /** Code at a record is much used: it is translated with what else gets hot about now. */
  hot(record: number): void {
    this.#pending.push(record)
    // Who wants everything translated at once does not want to wait either.
    if (this.#pending.length >= MAX_BATCH || this.#heatLimit === 1) this.translatePending()
  }

  /** Translates what has become hot, all in one module. */
  translatePending(): void {
    if (this.#pending.length === 0) return
    const claimed = new Set<number>()
    const drafts = this.#pending.flatMap(record => this.#draft(record, claimed) ?? [])
    this.#pending = []
    if (drafts.length === 0) return
    if (this.#remote) return this.#send(this.#remote, drafts)
    const found = drafts.flatMap(draft => {
      const region = this.#compiler.regionAt(draft.root, draft.read, draft.barrier, draft.known)
      return region ? [{ ...draft, region }] : []
    })
    if (found.length === 0) return
    const { functions, bodies } = this.#compile(
      found.map(({ region }) => region),
      false,
    )
    found.forEach(({ records, region, root, barrier }, i) => {
      const bounds = boundsOf(region)
      this.#enter(
        records,
        { root, barrier, bounds, patient: false, ...packBody(bodies[i] as FunctionBody) },
        functions[i],
      )
      this.#count(region.instructionCount)
    })
  }
  #count(instructions: number): void {
    this.stats.regions++
    this.stats.regionInstructions += instructions
  }
  #compile(regions: readonly Region[], patient: boolean): { functions: unknown[]; bodies: readonly FunctionBody[] } {
    const { bytes, bodies } = this.#compiler.compile(regions, patient)
    this.stats.regionBytes += bytes.length
    const exported = this.instantiate(new WebAssembly.Module(bytes))
    return { functions: bodies.map((_, i) => exported[i]), bodies }
  }

  // On another thread, while the interpreter goes on

  /** Has regions compiled elsewhere from now on. */
  compileOn(remote: RemoteCompiler): void {
    this.#remote = remote
  }
  #send(remote: RemoteCompiler, drafts: readonly Draft[]): void {
    const asked = drafts.map(({ records, root, barrier }): RegionRequest => {
      const bytes = new Uint8Array(this.#memory.buffer, this.#cache.source(records)?.bytes ?? 0, PAGE_BYTES)
      return { page: bytes.slice(), root, barrier, computed: this.#cache.computedIn(records) }
    })
    const places = drafts.map(({ records, root, generation }) => ({ records, generation, root }))
    for (const { records, root } of places) this.#inFlight.add(records + (root << RECORD_SHIFT))
    void remote.compile(asked).then(compiled => {
      for (const { records, root } of places) this.#inFlight.delete(records + (root << RECORD_SHIFT))
      if (compiled) return this.#install(places, compiled)
      // It has failed: what was asked of it is done here, and all that follows.
      this.#remote = undefined
      for (const { records, root } of places) this.#pending.push(records + (root << RECORD_SHIFT))
    })
  }
  /** Enters what another thread has compiled, as far as its pages are the same; no generated code is under way. */
  #install(
    places: readonly { readonly records: number; readonly generation: number; readonly root: number }[],
    { module, byteLength, regions }: CompiledElsewhere,
  ): void {
    const exported = this.instantiate(module)
    this.stats.regionBytes += byteLength
    regions.forEach((region, i) => {
      const { records, generation, root } = places[i] as (typeof places)[number]
      if (!region || this.isFull || this.#cache.source(records)?.generation !== generation) return
      if (this.#cache.isEntered(records + (root << RECORD_SHIFT))) return
      this.#enter(records, { ...region, patient: false }, exported[region.name])
      this.#count(region.instructions)
    })
  }
  #enter(records: number, region: Omit<SavedRegion, 'guest'>, compiled: unknown): void {
    const { root, barrier, bounds, patient, code, hints } = region
    const slot = this.#takeSlot()
    this.table.set(slot, compiled)
    this.#cache.enter(records, { slot, root, barrier, bounds, patient, code, hints })
    this.#live++
  }

  /** The region for the code at a record, or rather for the loop that it is in; undefined when there is one, or will be. */
  #draft(record: number, claimed: Set<number>): Draft | undefined {
    // Full: the next page that is newly executed makes room, when no generated code is under way.
    if (this.isFull) return undefined
    const source = this.#cache.source(record)
    const taken = (at: number): boolean => this.#cache.isEntered(at) || claimed.has(at) || this.#inFlight.has(at)
    if (!source || taken(record)) return undefined
    const { read, records, offset, generation } = source
    const isHot = (at: number): boolean => {
      const place = records + (at << RECORD_SHIFT)
      return taken(place) || this.#cache.heat(place) >= this.#heatLimit / HOT_HEAD
    }
    const ahead = explore(offset, read, this.#usages)
    const head = loopHead(offset, ahead, this.#usages, isHot)
    const headRecord = records + (head << RECORD_SHIFT)
    // Where the loop has its region already, this one only leads there.
    const entered = taken(headRecord)
    const root = entered ? offset : head
    const barrier = entered && head !== offset ? head : -1
    claimed.add(records + (root << RECORD_SHIFT))
    return { read, known: this.#knownTargets(records, read), records, generation, root, barrier }
  }

  #knownTargets(records: number, read: ReadInstruction): KnownTargets {
    return this.#compiler.knownTargets(offset => this.#cache.isComputed(records + (offset << RECORD_SHIFT)), read)
  }

  /**
   * Translated code gives up at an instruction again and again, as TLB misses or accesses across pages make it: where that
   * is often, the regions that have it are translated anew, to serve such accesses themselves.
   */
  reconsider(record: number, now: number): void {
    const since = this.#retiredAt.get(record)
    this.#retiredAt.set(record, now)
    if (since === undefined || now - since > RESUMES * RARE_RESUME) return
    const source = this.#cache.source(record)
    if (!source) return
    for (const entry of this.#cache.regionsAt(record)) {
      if (entry.patient) continue
      entry.patient = true
      const known = this.#knownTargets(source.records, source.read)
      const region = this.#compiler.regionAt(entry.root, source.read, entry.barrier, known)
      if (!region) continue
      entry.bounds = boundsOf(region)
      const { functions, bodies } = this.#compile([region], true)
      this.table.set(entry.slot, functions[0])
      Object.assign(entry, packBody(bodies[0] as FunctionBody))
      this.stats.patient++
    }
  }

  /** The regions that have the instruction of a record: their instructions, as `write` has them, their blocks and their code. */
  describe(record: number, write: (word: number, offset: number) => string): string[] {
    const source = this.#cache.source(record)
    if (!source) return []
    return this.#cache.regionsAt(record).map(entry => {
      const known = this.#knownTargets(source.records, source.read)
      const region = this.#compiler.regionAt(entry.root, source.read, entry.barrier, known)
      return describeRegion(entry, region, this.#files, offset => write(source.word(offset), offset))
    })
  }

  // From run to run

  /**
   * Takes over the translations of earlier runs, to be used from now on, in pages that hold code already too; a file that is
   * damaged, or another translator's, has none. No generated code is under way.
   */
  restore(file: Uint8Array): void {
    const regions = decodeTranslations(file, this.#compiler.key)
    if (regions.length === 0) return
    const bytes = this.#compiler.moduleOf(regions)
    // Making the module is quick: its functions are compiled as they are called, or by the other thread where that is first.
    const module = new WebAssembly.Module(bytes)
    this.#remote?.warm(module)
    this.#saved = regions
    this.#savedRoots = Int16Array.from(regions, ({ root }) => root)
    this.#savedStarts = Uint16Array.from(regions, ({ guest }) => (guest[0] ?? 0) | ((guest[1] ?? 0) << 8))
    this.stats.regionBytes += bytes.length
    this.#savedFunctions = this.instantiate(module)
    for (const records of this.#cache.allRecords()) this.reuse(records)
  }

  /** Uses what earlier runs made of a page that has just been found to hold code. */
  reuse(records: number): void {
    const functions = this.#savedFunctions
    const source = functions && this.#cache.source(records)
    if (functions === undefined || !source) return
    const page = new Uint8Array(this.#memory.buffer, source.bytes, PAGE_BYTES)
    const halves = new Uint16Array(this.#memory.buffer, source.bytes, PAGE_BYTES / 2)
    const [roots, starts] = [this.#savedRoots, this.#savedStarts]
    for (let i = 0; i < roots.length; i++) {
      const root = roots[i] as number
      // Nearly all are elsewhere, which their first halfword tells.
      if (halves[root >>> 1] !== starts[i] || this.isFull) continue
      const region = this.#saved[i] as SavedRegion
      if (!isIn(region, page) || this.#cache.isEntered(records + (root << RECORD_SHIFT))) continue
      this.#enter(records, region, functions[i])
      this.stats.reused++
    }
  }

  /** The translations to keep for later runs. */
  save(): Uint8Array {
    const { key } = this.#compiler
    const used = this.#cache.pagesWithRegions().flatMap(({ frame, regions }) => {
      const page = new Uint8Array(this.#memory.buffer, frame, PAGE_BYTES)
      return regions.map((region): SavedRegion => ({ ...region, guest: bytesWithin(region.bounds, page) }))
    })
    return encodeTranslations(key, used, this.#saved)
  }
}
