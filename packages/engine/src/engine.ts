import { type FunctionType, I32, ModuleBuilder } from '@doppel/wasm'
import { compiledOnce, generatedOnce } from './compiled.ts'
import { CODE_PAGE_BYTES, CodeCache } from './code-cache.ts'
import type { Emitter, Sharing } from './emitter.ts'
import { Exit } from './exits.ts'
import { Frames, takeMarked } from './frames.ts'
import { importCalls } from './generated-module.ts'
import { allocate, CODE_PAGES, type EnginePlace, FRAME_LOCK, mapMemory, type MemoryMap } from './memory-map.ts'
import { isShared } from './memory-limits.ts'
import type { Decoded, InstructionSet, Operands } from './insn.ts'
import { Handler, START_RECORDS } from './handlers.ts'
import { type InterpreterCalls, InterpreterEmitter } from './interpreter.ts'
import { decodeUsages, encodeUsages } from './saved-usage.ts'
import { RECORD, RECORD_SHIFT, type StateLayout } from './layout.ts'
import { Tlb, tlbBytesFor } from './tlb.ts'
import type { RemoteCompiler } from './remote-compiler.ts'
import { linkServices, type PhysicalLayout, type SystemWriter, type TranslateWriter } from './services.ts'
import { MAX_SLOTS, Translator, type TranslatorStats } from './translator.ts'
import { type Usage, usageOf } from './usage.ts'
import { WriteRecord, writeNotes } from './write-record.ts'

/** An instruction set, as the engine needs it. */
export interface Isa<M> {
  readonly name: string
  readonly set: InstructionSet<M>
  readonly state: StateLayout<string, string>
  /** Translation contexts per hart: one for each combination of access rules kept apart in the TLB. */
  readonly contexts: number
  /** The machine that rows are written against. */
  readonly wrap: (emitter: Emitter) => M
  /** What an undecodable instruction does; its bits are the immediate. */
  readonly illegal: (m: M, f: Readonly<Operands>) => void
  /** Whether a computed jump goes back to where a call came from, as a rule. */
  readonly isReturn: (decoded: Decoded) => boolean
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
  /** Where other threads run harts of the same machine: which part this engine has. */
  readonly place?: EnginePlace | undefined
}

export type { EnginePlace }

/** Dropping a page of code, and decoding what comes next, takes microseconds: so many are a millisecond or two. */
const DROPS_TOLD = 256
const INTERPRETER_TYPES = {
  decode: { kind: 'func', params: [I32, I32], results: [] },
  hot: { kind: 'func', params: [I32, I32], results: [] },
  unsuited: { kind: 'func', params: [I32, I32], results: [] },
  outOfLine: { kind: 'func', params: [I32], results: [I32] },
} as const

/** Counters for `--stats`. */
export interface EngineStats extends Readonly<TranslatorStats> {
  readonly droppedPages: number
}

/** One machine's memory, generated code and harts' state. */
export class Engine<M> {
  readonly memory: WebAssembly.Memory
  readonly frames: Frames
  readonly cache: CodeCache<M>
  readonly tlbs: readonly Tlb[]
  readonly #isa: Isa<M>
  readonly #options: EngineOptions
  readonly #map: MemoryMap
  readonly #writes: WriteRecord | undefined
  readonly #sharing: Sharing
  readonly #translator: Translator<M>
  readonly #usages: readonly Usage[]
  /** Those of harts that this engine runs. */
  readonly #ownTlbs: readonly Tlb[]
  readonly #run: (state: number, outOfLineFirst: number) => number
  /** A byte for each RAM page: 1 where it may have got an entry to be fetched by. */
  readonly #fetched: Uint8Array
  #droppedPages = 0
  /** Called each time so many pages of code have been dropped that it has taken a while. */
  onDrops: () => void = () => {}
  /** Called when the interpreter has come to a basic block for the first time since its page was decoded; pc is stored. */
  onDecode: ((state: number) => void) | undefined

  constructor(isa: Isa<M>, options: EngineOptions, services: Services) {
    this.#isa = isa
    this.#options = options
    const { place } = options
    this.#sharing = place?.sharing ?? 'alone'
    const tlbBytes = tlbBytesFor(isa.contexts)
    const ramPages = options.ramBytes / 4096
    const map = mapMemory({ ...options, stateBytes: isa.state.bytes, tlbBytes, slots: MAX_SLOTS, place })
    this.#map = map
    const physical: PhysicalLayout = {
      ramBase: options.ramBase,
      ramPages,
      frameTable: map.frameTable,
      codeTable: map.codeTable,
      dirty: map.dirty,
      fetched: map.fetched,
      codeBase: map.code,
      codeBytes: CODE_PAGE_BYTES,
      writeNotes: place && writeNotes(map.writeNotes, place.index),
    }
    this.memory = allocate(map.wasmPages, place)
    const buffer = this.memory.buffer
    const { ramBase, ramBytes } = options
    this.frames = new Frames(buffer, ramBase, ramBytes, map.frames, map.frameTable, FRAME_LOCK, map.dirty)
    this.#fetched = new Uint8Array(buffer, map.fetched, ramPages)
    this.tlbs = Array.from({ length: options.harts }, (_, i) => new Tlb(buffer, map.tlbs + i * tlbBytes, isa.contexts))
    this.#ownTlbs = place?.hart === undefined ? this.tlbs : this.tlbs.slice(place.hart, place.hart + 1)
    this.#usages = knownUsages(isa)
    this.cache = new CodeCache(
      buffer,
      map.code,
      CODE_PAGES,
      new Int32Array(buffer, map.codeTable, ramPages),
      isa.set,
      this.#usages,
      map.replaced,
      map.copies,
    )
    const { translateAfter } = options
    this.#translator = new Translator(isa, this.#usages, this.cache, this.memory, translateAfter, this.#sharing)
    this.cache.onDrop = (slots, records) => this.#dropped(slots, records)
    this.frames.onWrite = page => this.willWrite(page)
    if (place) {
      const record = new WriteRecord(buffer, map.writeNotes, place.index)
      this.#writes = record
      this.frames.onWritten = page => record.note(page)
      for (const tlb of this.#ownTlbs) tlb.onFlush = () => record.flushed()
    }
    this.#translator.link({
      memory: this.memory,
      table: this.#translator.table,
      ...isa.linkRuntime(this.memory),
      ...linkServices(isa.state.common, physical, isa, this.memory, {
        hostLoad: services.slowLoad.bind(services),
        hostStore: services.slowStore.bind(services),
        hostAtomic: services.slowAtomic.bind(services),
        hostSystem: services.system.bind(services),
        hostFrame: (page: number) => this.frames.frame(page),
      }),
      outOfLine: services.outOfLine.bind(services),
      decode: (state: number, record: number) => {
        this.cache.decode(record)
        this.onDecode?.(state)
      },
      unsuited: (state: number, record: number) =>
        this.#translator.reconsider(record >>> 0, services.retired(this.hartAt(state))),
      hot: (_state: number, record: number) => this.#translator.hot(record >>> 0),
    })
    const start = new Uint16Array(buffer, START_RECORDS, RECORD.bytes)
    start[0] = Handler.leavePage
    start[RECORD.bytes / 2] = Handler.outOfLine
    for (let hart = 0; hart < options.harts; hart++) {
      // The ways on from an instruction run out of line, short or long.
      const records = new Uint16Array(buffer, this.state(hart) + isa.state.common.outOfLine, (3 * RECORD.bytes) / 2)
      records[RECORD.bytes / 2] = records[RECORD.bytes] = Handler.leavePage
    }
    this.#run = this.#linkInterpreter(map.replaced)
  }

  get stats(): EngineStats {
    return { ...this.#translator.stats, droppedPages: this.#droppedPages }
  }
  /** Takes over the translations that an earlier run saved; those of another version are left alone. */
  restoreTranslations(file: Uint8Array): void {
    this.#translator.restore(file)
  }
  /** The translations to keep, as a file for later runs. */
  saveTranslations(): Uint8Array {
    return this.#translator.save()
  }

  /** Has regions compiled on another thread from now on, while the interpreter goes on. Not for engines with a place. */
  compileOn(remote: RemoteCompiler): void {
    this.#translator.compileOn(remote)
  }

  /** How the instruction of a row goes on. */
  flowOf(row: number): Usage['flow'] {
    return this.#usages[row]?.flow ?? 'stop'
  }
  /** The address of a hart's state. */
  state(hart: number): number {
    return this.#map.states + hart * this.#isa.state.bytes
  }
  /** The hart whose state is at an address. */
  hartAt(state: number): number {
    return (state - this.#map.states) / this.#isa.state.bytes
  }

  /** Runs a hart's code until an exit; with `outOfLineFirst` the instruction at pc is run out of line to begin with. */
  run(hart: number, outOfLineFirst: boolean): number {
    this.tlbs[hart]?.prepare()
    let exit = this.#run(this.state(hart), outOfLineFirst ? 1 : 0)
    while (exit === Exit.refetch) exit = this.#run(this.state(hart), 0)
    if (exit === Exit.budget) this.#translator.translatePending()
    return exit
  }

  /** Puts one instruction into a hart's out-of-line records, followed by the way back. */
  placeOutOfLine(state: number, decoded: Decoded): void {
    this.cache.fill(state + this.#isa.state.common.outOfLine, decoded)
  }
  /** Keeps an instruction that begins in one RAM page and goes on in the next of its address space, another RAM page. */
  keepCrossing(ramPage: number, next: number): void {
    if (!this.cache.has(ramPage)) return
    this.codeRecords(next)
    this.cache.keepCrossing(ramPage, next)
  }

  /** The regions that have the instruction at an offset of a RAM page, as text: see `Translator.describe`. */
  describeRegions(ramPage: number, offset: number, write: (word: number, offset: number) => string): string[] {
    if (!this.cache.has(ramPage)) return []
    const records = this.cache.records(ramPage, this.frames.frame(ramPage))
    return this.#translator.describe(records + (offset << RECORD_SHIFT), write)
  }

  /** Gives a run of whole RAM pages back: they read as zeros from now on. Only between slices, and inside RAM. */
  releasePages(firstPage: number, count: number): void {
    for (let page = firstPage; page < firstPage + count; page++) {
      this.cache.drop(page)
      this.frames.release(page)
    }
    // Harts go on filling the contexts that they are in.
    for (const tlb of this.tlbs) tlb.flush(-1)
  }
  /**
   * The RAM pages that guest, devices or loaders may have written since this was last called (dirty logging), in ascending
   * order. Only between slices, all harts at home: write entries of TLBs are emptied, so that the next write is seen.
   */
  takeDirty(): number[] {
    for (const tlb of this.tlbs) tlb.flush(-1)
    return this.frames.takeDirty()
  }

  /**
   * The RAM pages whose code may have been run since this was last called, in ascending order. None is left out if `takeDirty`
   * was called right before, both times: it empties the TLBs.
   */
  takeFetched(): number[] {
    return takeMarked(this.#fetched)
  }

  /** The decoded records of a RAM page; from now on writes to it are seen. */
  codeRecords(ramPage: number): number {
    this.#fetched[ramPage] = 1
    if (this.#translator.isFull) this.cache.dropAll()
    const frame = this.frames.frame(ramPage)
    if (this.cache.has(ramPage)) return this.cache.records(ramPage, frame)
    for (const tlb of this.#ownTlbs) tlb.revokeWrites(frame)
    const records = this.cache.records(ramPage, frame)
    if (this.#options.translateAfter > 0) this.#translator.reuse(records)
    return records
  }

  /** FENCE.I: what other threads have written is executed from now on. Says whether any code was dropped. */
  synchronizeCode(): boolean {
    let any = false
    this.#writes?.fence(isSuspect => (any = this.cache.synchronize(isSuspect)))
    return any
  }
  /** Says that this thread is about to write a page, or will have a TLB entry to write it by. */
  willWrite(ramPage: number): void {
    this.frames.markDirty(ramPage)
    this.cache.drop(ramPage)
    this.#writes?.note(ramPage)
  }

  #dropped(slots: readonly number[], records: number): void {
    this.#droppedPages++
    if (this.#droppedPages % DROPS_TOLD === 0) this.onDrops()
    this.#translator.release(slots)
    for (const tlb of this.#ownTlbs) tlb.revokeFetches(records)
  }

  #linkInterpreter(replaced: number): (state: number, outOfLineFirst: number) => number {
    const { set, name } = this.#isa
    const key = `interpreter ${this.#options.translateAfter} ${replaced} ${this.#sharing}`
    const module = compiledOnce(set, name, key, () => this.#encodeInterpreter(replaced))
    return this.#translator.instantiate(module).run as (state: number, outOfLineFirst: number) => number
  }
  #encodeInterpreter(replaced: number): Uint8Array<ArrayBuffer> {
    const isa = this.#isa
    const module = new ModuleBuilder()
    const { calls, regionType } = importCalls(module, isa.runtime, isShared(this.memory))
    const extra = Object.entries(INTERPRETER_TYPES).map(([name, type]) => [
      name,
      module.importFunction('engine', name, type),
    ])
    const emitter = new InterpreterEmitter(
      isa.state.common,
      { ...calls, ...Object.fromEntries(extra) } as InterpreterCalls,
      this.#sharing,
      this.#options.translateAfter,
      replaced,
    )
    const run = module.declare('run', { kind: 'func', params: [I32, I32], results: [I32] })
    const fn = module.build(run)
    const short = new Set(isa.set.compressed.map(c => isa.set.index(c.expandsTo)))
    emitter.generate(fn, isa.set.rows, row => short.has(row), isa.wrap(emitter), isa.illegal, regionType)
    module.finish(fn)
    module.export('run', 'func', run.index)
    return module.encode()
  }
}

const usages = new WeakMap<object, readonly Usage[]>()

/** `isaUsage`, found out once for each instruction set. */
function knownUsages<M>(isa: Isa<M>): readonly Usage[] {
  let known = usages.get(isa.set)
  if (!known) {
    const { files } = isa.state
    const saved = generatedOnce(`${isa.name} usage`, () => encodeUsages(isaUsage(isa), files))
    usages.set(isa.set, (known = decodeUsages(saved, files)))
  }
  return known
}

/** What each row of an instruction set uses, in the rows' order. */
export function isaUsage<M>(isa: Isa<M>): Usage[] {
  const { calls } = importCalls(new ModuleBuilder(), isa.runtime, false)
  return usageOf(isa.set.rows, isa.state.common, calls, isa.wrap)
}
