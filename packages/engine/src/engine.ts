import { DoppelError, MIB } from '@doppel/base'
import { Arena, type FunctionType, I32, ModuleBuilder } from '@doppel/wasm'
import { CODE_PAGE_BYTES, CodeCache } from './code-cache.ts'
import type { Emitter, HostCalls } from './emitter.ts'
import { Exit } from './exits.ts'
import { Frames } from './frames.ts'
import type { Decoded, InstructionSet, Operands } from './insn.ts'
import { Handler, type InterpreterCalls, InterpreterEmitter, RESUMES, START_RECORDS } from './interpreter.ts'
import { RECORD, RECORD_SHIFT, type RegisterFile, type StateLayout } from './layout.ts'
import { discoverRegion, loopHead, type Region } from './region.ts'
import { CONTEXT_BYTES, Tlb } from './tlb.ts'
import {
  linkServices,
  type PhysicalLayout,
  SERVICE_TYPES,
  type SystemWriter,
  type TranslateWriter,
} from './services.ts'
import { RegionEmitter } from './translate.ts'
import { type Usage, usageOf } from './usage.ts'

/** An instruction set, as the engine needs it. */
export interface Isa<M> {
  readonly set: InstructionSet<M>
  readonly state: StateLayout<string, string>
  /** Translation contexts per hart: one for each combination of access rules kept apart in the TLB. */
  readonly contexts: number
  /** The machine that rows are written against. */
  readonly wrap: (emitter: Emitter) => M
  /** What an undecodable instruction does; its bits are the immediate. */
  readonly illegal: (m: M, f: Readonly<Operands>) => void
  /** Writes the walk from guest-virtual to guest-physical addresses. */
  readonly writeTranslate: TranslateWriter
  /** Writes what system instructions can do without the host. */
  readonly writeSystem: SystemWriter
  /** Functions of the run-time module, which `linkRuntime` makes for a memory. */
  readonly runtime: Readonly<Record<string, FunctionType>>
  readonly linkRuntime: (memory: WebAssembly.Memory) => Record<string, WebAssembly.ImportValue>
}

/** What generated code asks of the host. `state` is the hart's address; see `HostCalls` and `InterpreterCalls`. */
export interface Services {
  slowLoad(state: number, low: number, high: number, bytes: number): number
  slowStore(state: number, low: number, high: number, bytes: number, valueLow: number, valueHigh: number): number
  slowAtomic(state: number, low: number, high: number, bytes: number): number
  system(state: number, what: number, a: bigint, b: bigint): bigint
  outOfLine(state: number): number
  /** Instructions that a hart has retired, about. */
  retired(hart: number): number
}

/** How an engine is made. */
export interface EngineOptions {
  readonly harts: number
  readonly ramBase: number
  readonly ramBytes: number
  /** Arrivals at a jump target after which the code there is translated; 0 leaves everything to the interpreter. */
  readonly translateAfter: number
}

/** Address 0 must stay unused: slow paths answer 0 for an exception. */
const GUARD_BYTES = 4096
/** Decoded pages kept: 64 MiB of records at most, committed as they are used. */
const CODE_PAGES = 2000
/** Translations kept, at some 20 KB each in V8; a guest that makes more code than this starts over. */
const MAX_REGIONS = 20_000
const WASM_PAGE_BYTES = 65_536
/** Frames and engine state share one 32-bit memory. */
const MAX_WASM_PAGES = 65_536
/** Giving up costs as much as some hundred instructions: at this distance it may happen. */
const RARE_RESUME = 3000
/** Regions translated at once, in one module; fewer when a slice ends. */
const MAX_BATCH = 24
const INITIAL_SLOTS = 4096

const INTERPRETER_TYPES = {
  decode: { kind: 'func', params: [I32, I32], results: [] },
  hot: { kind: 'func', params: [I32, I32], results: [] },
  unsuited: { kind: 'func', params: [I32, I32], results: [] },
  outOfLine: { kind: 'func', params: [I32], results: [I32] },
} as const
const REGION_TYPE: FunctionType = { kind: 'func', params: [I32], results: [I32] }

/** Counters for `--stats`. */
export interface EngineStats {
  regions: number
  regionInstructions: number
  regionBytes: number
  /** Regions translated anew because their accesses are seldom simple. */
  patient: number
  droppedPages: number
}

/** One machine's memory, generated code and harts' state. */
export class Engine<M> {
  readonly memory: WebAssembly.Memory
  readonly frames: Frames
  readonly cache: CodeCache<M>
  readonly tlbs: readonly Tlb[]
  readonly stats: EngineStats = { regions: 0, regionInstructions: 0, regionBytes: 0, patient: 0, droppedPages: 0 }
  readonly #isa: Isa<M>
  readonly #options: EngineOptions
  readonly #services: Services
  readonly #table: WebAssembly.Table
  readonly #imports: Record<string, WebAssembly.ImportValue>
  readonly #usages: readonly Usage[]
  readonly #files: readonly RegisterFile[]
  readonly #arena = new Arena()
  readonly #run: (state: number, outOfLineFirst: number) => number
  /** Instructions retired when code at a record last was said to give up often. */
  readonly #retiredAt = new Map<number, number>()
  #pending: number[] = []
  #freeSlots: number[] = []
  #nextSlot = 1
  #liveRegions = 0

  constructor(isa: Isa<M>, options: EngineOptions, services: Services) {
    this.#isa = isa
    this.#options = options
    this.#services = services
    this.#files = Object.values(isa.state.files)
    const tlbBase = align(GUARD_BYTES + options.harts * isa.state.bytes, 64)
    const codeBase = align(tlbBase + options.harts * isa.contexts * CONTEXT_BYTES, 64)
    const frameTable = align(codeBase + CODE_PAGES * CODE_PAGE_BYTES, 64)
    const ramPages = options.ramBytes / 4096
    const codeTable = frameTable + ramPages * 4
    const frameBase = align(codeTable + ramPages * 4, WASM_PAGE_BYTES)
    const physical: PhysicalLayout = {
      ramBase: options.ramBase,
      ramPages,
      frameTable,
      codeTable,
      codeBase,
      codeBytes: CODE_PAGE_BYTES,
    }
    const pages = Math.ceil((frameBase + options.ramBytes) / WASM_PAGE_BYTES)
    if (pages > MAX_WASM_PAGES) {
      const most = (MAX_WASM_PAGES * WASM_PAGE_BYTES - frameBase) / MIB
      throw new DoppelError(
        'engine.memory',
        `${options.ramBytes / MIB} MiB of RAM; at most ${Math.floor(most)} MiB fit`,
      )
    }
    this.memory = allocate(pages)
    const buffer = this.memory.buffer
    this.frames = new Frames(buffer, options.ramBase, options.ramBytes, frameBase, frameTable)
    this.tlbs = Array.from(
      { length: options.harts },
      (_, i) => new Tlb(buffer, tlbBase + i * isa.contexts * CONTEXT_BYTES, isa.contexts),
    )
    this.#table = new WebAssembly.Table({ element: 'anyfunc', initial: INITIAL_SLOTS })
    this.#usages = isaUsage(isa)
    this.cache = new CodeCache(
      buffer,
      codeBase,
      CODE_PAGES,
      new Int32Array(buffer, codeTable, ramPages),
      isa.set,
      this.#usages,
    )
    this.cache.onDrop = (slots, records) => this.#dropped(slots, records)
    this.frames.onWrite = page => this.cache.drop(page)
    this.#imports = {
      memory: this.memory,
      table: this.#table,
      ...isa.linkRuntime(this.memory),
      ...linkServices(isa.state.common, physical, isa, this.memory, {
        hostLoad: services.slowLoad.bind(services),
        hostStore: services.slowStore.bind(services),
        hostAtomic: services.slowAtomic.bind(services),
        hostSystem: services.system.bind(services),
      }),
      outOfLine: services.outOfLine.bind(services),
      decode: (_state: number, record: number) => this.cache.decode(record),
      unsuited: (state: number, record: number) => this.#reconsider(state, record >>> 0),
      hot: (_state: number, record: number) => this.#hot(record >>> 0),
    }
    const start = new Uint16Array(buffer, START_RECORDS, RECORD.bytes)
    start[0] = Handler.leavePage
    start[RECORD.bytes / 2] = Handler.outOfLine
    this.#run = this.#linkInterpreter()
  }

  /** The address of a hart's state. */
  state(hart: number): number {
    return GUARD_BYTES + hart * this.#isa.state.bytes
  }
  /** The hart whose state is at an address. */
  hartAt(state: number): number {
    return (state - GUARD_BYTES) / this.#isa.state.bytes
  }

  /** Runs a hart's code until an exit; with `outOfLineFirst` the instruction at pc is run out of line to begin with. */
  run(hart: number, outOfLineFirst: boolean): number {
    const exit = this.#run(this.state(hart), outOfLineFirst ? 1 : 0)
    if (exit === Exit.budget) this.translatePending()
    return exit
  }

  /** Puts one instruction into a hart's out-of-line records, followed by the way back. */
  placeOutOfLine(state: number, decoded: Decoded): void {
    const record = state + this.#isa.state.common.outOfLine
    const halves = new Uint16Array(this.memory.buffer, record, 24)
    halves.fill(0)
    halves[8] = halves[16] = Handler.leavePage
    this.cache.fill(record, decoded)
  }

  /** The decoded records of a RAM page; from now on writes to it are seen. */
  codeRecords(ramPage: number): number {
    if (this.#liveRegions >= MAX_REGIONS) this.cache.dropAll()
    const frame = this.frames.frame(ramPage)
    if (!this.cache.has(ramPage)) for (const tlb of this.tlbs) tlb.revokeWrites(frame)
    return this.cache.records(ramPage, frame)
  }

  #dropped(slots: readonly number[], records: number): void {
    this.stats.droppedPages++
    this.#liveRegions -= slots.length
    for (const slot of slots) {
      this.#table.set(slot, null)
      this.#freeSlots.push(slot)
    }
    for (const tlb of this.tlbs) tlb.revokeFetches(records)
  }

  #takeSlot(): number {
    const free = this.#freeSlots.pop()
    if (free !== undefined) return free
    if (this.#nextSlot === this.#table.length) this.#table.grow(this.#table.length)
    return this.#nextSlot++
  }

  #linkInterpreter(): (state: number, outOfLineFirst: number) => number {
    const isa = this.#isa
    const module = new ModuleBuilder()
    const { calls, regionType } = importCalls(module, isa.runtime)
    const extra = Object.entries(INTERPRETER_TYPES).map(([name, type]) => [
      name,
      module.importFunction('engine', name, type),
    ])
    const emitter = new InterpreterEmitter(
      isa.state.common,
      { ...calls, ...Object.fromEntries(extra) } as InterpreterCalls,
      this.#options.translateAfter,
    )
    const run = module.declare('run', { kind: 'func', params: [I32, I32], results: [I32] })
    const fn = module.build(run)
    const short = new Set(isa.set.compressed.map(c => isa.set.index(c.expandsTo)))
    emitter.generate(fn, isa.set.rows, row => short.has(row), isa.wrap(emitter), isa.illegal, regionType)
    module.finish(fn)
    module.export('run', 'func', run.index)
    return this.#instantiate(module).run as (state: number, outOfLineFirst: number) => number
  }

  #instantiate(module: ModuleBuilder): Record<string, unknown> {
    const bytes = module.encode()
    this.stats.regionBytes += bytes.length
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { engine: this.#imports }).exports
  }

  /** Code at a record is much used: it is translated with what else gets hot about now. */
  #hot(record: number): void {
    this.#pending.push(record)
    // Who wants everything translated at once does not want to wait either.
    if (this.#pending.length >= MAX_BATCH || this.#options.translateAfter === 1) this.translatePending()
  }

  /** Translates what has become hot, all in one module. */
  translatePending(): void {
    if (this.#pending.length === 0) return
    const claimed = new Set<number>()
    const drafts = this.#pending.flatMap(record => this.#draft(record, claimed) ?? [])
    this.#pending = []
    if (drafts.length === 0) return
    const functions = this.#compile(drafts, false)
    drafts.forEach((draft, i) => {
      const { records, region, root, barrier } = draft
      const slot = this.#takeSlot()
      this.#table.set(slot, functions[i])
      const bounds = Int16Array.from(region.blocks.flatMap(b => [b.offset, b.end]))
      this.cache.enter(records, { slot, root, barrier, bounds, patient: false })
      this.#liveRegions++
      this.stats.regions++
      this.stats.regionInstructions += region.instructionCount
    })
  }

  /** The region for the code at a record, or rather for the loop that it is in; undefined when there is one, or will be. */
  #draft(record: number, claimed: Set<number>): Draft | undefined {
    // Full: the next page that is newly executed makes room, when no generated code is under way.
    if (this.#liveRegions >= MAX_REGIONS) return undefined
    const source = this.cache.source(record)
    const taken = (at: number): boolean => this.cache.isEntered(at) || claimed.has(at)
    if (!source || taken(record)) return undefined
    const { read, records, offset } = source
    const head = loopHead(offset, read, this.#usages)
    const headRecord = records + (head << RECORD_SHIFT)
    // Where the loop has its region already, this one only leads there.
    const entered = taken(headRecord)
    const root = entered ? offset : head
    const barrier = entered && head !== offset ? head : -1
    const region = discoverRegion(root, read, this.#usages, this.#files, barrier)
    if (!region) return undefined
    claimed.add(records + (root << RECORD_SHIFT))
    return { region, records, root, barrier }
  }

  #compile(drafts: readonly Draft[], patient: boolean): unknown[] {
    const isa = this.#isa
    const module = new ModuleBuilder()
    const { calls, regionType } = importCalls(module, drafts.some(d => d.region.usesRuntime) ? isa.runtime : {})
    const emitter = new RegionEmitter(isa.state.common, calls, this.#files, this.#usages, regionType)
    const machine = isa.wrap(emitter)
    drafts.forEach(({ region, records }, i) => {
      const declared = module.declare('region', REGION_TYPE)
      const fn = module.build(declared, this.#arena)
      emitter.translate(fn, region, records, isa.set.rows, machine, patient)
      module.finish(fn)
      module.export(String(i), 'func', declared.index)
    })
    const exported = this.#instantiate(module)
    return drafts.map((_, i) => exported[i])
  }

  /**
   * Translated code gives up at an instruction again and again, as TLB misses or accesses across pages make it: where that
   * is often, the regions that have it are translated anew, to serve such accesses themselves.
   */
  #reconsider(state: number, record: number): void {
    const since = this.#retiredAt.get(record)
    const now = this.#services.retired(this.hartAt(state))
    this.#retiredAt.set(record, now)
    if (since === undefined || now - since > RESUMES * RARE_RESUME) return
    const source = this.cache.source(record)
    if (!source) return
    for (const entry of this.cache.regionsAt(record)) {
      if (entry.patient) continue
      entry.patient = true
      const region = discoverRegion(entry.root, source.read, this.#usages, this.#files, entry.barrier)
      if (!region) continue
      const { root, barrier } = entry
      this.#table.set(entry.slot, this.#compile([{ region, records: source.records, root, barrier }], true)[0])
      this.stats.patient++
    }
  }
}

/** A region about to be translated, and where it belongs: its page's records, its root, what it does not enter. */
interface Draft {
  readonly region: Region
  readonly records: number
  readonly root: number
  readonly barrier: number
}

/** What each row of an instruction set uses, in the rows' order. */
export function isaUsage<M>(isa: Isa<M>): Usage[] {
  const { calls } = importCalls(new ModuleBuilder(), isa.runtime)
  return usageOf(isa.set.rows, isa.state.common, calls, isa.wrap)
}

/** Declares what all generated code imports, in one order, so that function indices are the same in every module. */
function importCalls(
  module: ModuleBuilder,
  runtime: Readonly<Record<string, FunctionType>>,
): { calls: HostCalls; regionType: number } {
  const services = Object.entries(SERVICE_TYPES).map(([name, type]) => [
    name,
    module.importFunction('engine', name, type),
  ])
  const functions = Object.entries(runtime).map(([name, type]) => [name, module.importFunction('engine', name, type)])
  module.importMemory('engine', 'memory', { min: 1 })
  module.importTable('engine', 'table', { min: 1 })
  const calls = { ...Object.fromEntries(services), runtime: Object.fromEntries(functions) } as unknown as HostCalls
  return { calls, regionType: module.type(REGION_TYPE) }
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

/** Throws `engine.memory` when the host has no room for so many WebAssembly pages. */
function allocate(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages })
  } catch (error) {
    const size = `${(pages * WASM_PAGE_BYTES) / MIB} MiB`
    throw new DoppelError(
      'engine.memory',
      `this host has no room for ${size} of memory; give the machine less`,
      {},
      error,
    )
  }
}
