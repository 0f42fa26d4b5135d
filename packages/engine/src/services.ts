import { compiledOnce } from './compiled.ts'
import {
  Arena,
  type FunctionBuilder,
  type FunctionRef,
  type FunctionType,
  I32,
  I64,
  type Local,
  ModuleBuilder,
  type Node,
  Op,
} from '@doppel/wasm'
import { memoryLimits } from './memory-limits.ts'
import type { CommonState } from './layout.ts'
import type { WriteNotes } from './write-record.ts'
import { DATA_MASK, ENTRY_VALUE, FETCH, FETCH_MASK, INDEX_SHIFT, READ, WRITE, writeFillNote } from './tlb.ts'

/** Where guest-physical memory is found: constants that generated code may know. */
export interface PhysicalLayout {
  readonly ramBase: number
  readonly ramPages: number
  /** Host address of an i32 for each RAM page: its frame, 0 while it has none. */
  readonly frameTable: number
  /** Host address of an i32 for each RAM page: one more than its decoded page's number, or 0. */
  readonly codeTable: number
  /** Host address of a byte for each RAM page: 1 where it may have been written since somebody last asked. */
  readonly dirty: number
  /** A byte for each RAM page: 1 where a TLB may have got an entry to fetch it by. */
  readonly fetched: number
  /** Host address of the decoded pages' records, and bytes between two pages'. */
  readonly codeBase: number
  readonly codeBytes: number
  /** Where this thread notes the pages that it may write; undefined where it is the only one that runs harts in this memory. */
  readonly writeNotes: WriteNotes | undefined
}

/** Kinds of access, as the walk is told. */
export const WALK = { read: 0, write: 1, execute: 2 } as const

/** Writes `system` (see `HostCalls`) for what needs no host; `host` does the rest. */
export type SystemWriter = (fn: FunctionBuilder, host: FunctionRef, physical: PhysicalLayout) => void
/** Writes `(state, guest-virtual address, one of WALK) → guest-physical address`, or -1 where the host must look. */
export type TranslateWriter = (fn: FunctionBuilder, physical: PhysicalLayout) => void

const TRANSLATE: FunctionType = { kind: 'func', params: [I32, I64, I32], results: [I64] }
const PROBE: FunctionType = { kind: 'func', params: [I32, I64, I32, I32], results: [I32] }
const FETCH_TYPE: FunctionType = { kind: 'func', params: [I32, I64], results: [I32] }
const LOOKUP: FunctionType = { kind: 'func', params: [I32, I64, I32], results: [I32] }
const STORE: FunctionType = { kind: 'func', params: [I32, I64, I32, I64], results: [I32] }

const SYSTEM: FunctionType = { kind: 'func', params: [I32, I32, I64, I64], results: [I64] }

type ServiceName = 'slowLoad' | 'slowStore' | 'slowAtomic' | 'probe' | 'system' | 'fetch'
/** The functions that serve TLB misses and system instructions, by their names in `HostCalls`: (state, address, …). */
export const SERVICE_TYPES: Readonly<Record<ServiceName, FunctionType>> = {
  slowLoad: LOOKUP,
  slowStore: STORE,
  slowAtomic: LOOKUP,
  probe: PROBE,
  system: SYSTEM,
  fetch: FETCH_TYPE,
}

type HostName = 'hostLoad' | 'hostStore' | 'hostAtomic' | 'hostSystem' | 'hostFrame'
/** What the host serves: device accesses, faults, pages without frames. Addresses are split in halves. */
const HOST_TYPES: Readonly<Record<HostName, FunctionType>> = {
  hostLoad: { kind: 'func', params: [I32, I32, I32, I32], results: [I32] },
  hostStore: { kind: 'func', params: [I32, I32, I32, I32, I32, I32], results: [I32] },
  hostAtomic: { kind: 'func', params: [I32, I32, I32, I32], results: [I32] },
  hostSystem: SYSTEM,
  /** (RAM page) → its frame, given out if it had none. */
  hostFrame: { kind: 'func', params: [I32], results: [I32] },
}

const PAGE_OFFSET = 0xfff
const PAGE_BYTES = 4096
const STATE: Local = 0
const ADDRESS: Local = 1
const BYTES: Local = 2
const VALUE: Local = 3

/** The RAM page number of a guest-physical address, from 0; anything outside RAM is a number too high. */
export function ramPageOf(fn: FunctionBuilder, gpa: Node, physical: PhysicalLayout): Node {
  const high = physical.ramBase > 0xffff_ffff ? Math.floor(physical.ramBase / 2 ** 32) : 0
  return fn.op(Op.i64ShrU, fn.op(Op.i64Sub, gpa, fn.i64(physical.ramBase | 0, high)), fn.i64(12))
}

/** Reads an entry of one of the tables of RAM pages. */
export function tableEntry(fn: FunctionBuilder, table: number, page: Node): Node {
  return fn.load(Op.i32Load, fn.op(Op.i32Shl, fn.op(Op.i32WrapI64, page), fn.i32(2)), table)
}

/** Makes the functions that do the usual thing in WebAssembly, refilling the TLB above all, and ask the host for the rest. */
export function linkServices(
  common: CommonState,
  physical: PhysicalLayout,
  isa: {
    readonly name: string
    readonly contexts: number
    readonly writeTranslate: TranslateWriter
    readonly writeSystem: SystemWriter
  },
  memory: WebAssembly.Memory,
  host: Readonly<Record<HostName, WebAssembly.ImportValue>>,
): Record<ServiceName, WebAssembly.ImportValue> {
  // Machines of one shape, clones above all, share the code.
  const compiled = compiledOnce(
    isa.writeTranslate,
    `${isa.name} services`,
    JSON.stringify([physical, isa.writeSystem.name]),
    () => encodeServices(common, physical, isa),
  )
  return new WebAssembly.Instance(compiled, { host: { ...host, memory } }).exports as Record<
    ServiceName,
    WebAssembly.ImportValue
  >
}

function encodeServices(
  common: CommonState,
  physical: PhysicalLayout,
  isa: { readonly contexts: number; readonly writeTranslate: TranslateWriter; readonly writeSystem: SystemWriter },
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const arena = new Arena()
  const imported = Object.fromEntries(
    Object.entries(HOST_TYPES).map(([name, type]) => [name, module.importFunction('host', name, type)]),
  ) as Record<HostName, FunctionRef>
  module.importMemory('host', 'memory', memoryLimits(physical.writeNotes !== undefined))
  const define = (name: string, type: FunctionType, write: (fn: FunctionBuilder) => void): FunctionRef => {
    const declared = module.declare(name, type)
    const fn = module.build(declared, arena)
    write(fn)
    module.finish(fn)
    module.export(name, 'func', declared.index)
    return declared
  }
  const walk = define('translate', TRANSLATE, fn => isa.writeTranslate(fn, physical))
  define('system', SYSTEM, fn => isa.writeSystem(fn, imported.hostSystem, physical))
  const probe = define('probe', PROBE, fn => writeProbe(fn, common, physical, walk, imported.hostFrame, isa.contexts))
  define('fetch', FETCH_TYPE, fn => writeFetch(fn, common, physical, walk, isa.contexts))
  const find = (fn: FunctionBuilder, array: number): Local =>
    fn.let(fn.call(probe, [fn.get(STATE), fn.get(ADDRESS), fn.get(BYTES), fn.i32(array)]))
  const low = (fn: FunctionBuilder, local: Local): Node => fn.op(Op.i32WrapI64, fn.get(local))
  const high = (fn: FunctionBuilder, local: Local): Node =>
    fn.op(Op.i32WrapI64, fn.op(Op.i64ShrU, fn.get(local), fn.i64(32)))
  const lookup = (fn: FunctionBuilder, array: number, slow: FunctionRef): void => {
    const addend = find(fn, array)
    fn.if(fn.get(addend), 'likely')
    fn.return(fn.op(Op.i32Add, low(fn, ADDRESS), fn.get(addend)))
    fn.end()
    fn.return(fn.call(slow, [fn.get(STATE), low(fn, ADDRESS), high(fn, ADDRESS), fn.get(BYTES)]))
  }
  define('slowLoad', LOOKUP, fn => lookup(fn, READ, imported.hostLoad))
  define('slowAtomic', LOOKUP, fn => lookup(fn, WRITE, imported.hostAtomic))
  define('slowStore', STORE, fn => {
    const addend = find(fn, WRITE)
    fn.if(fn.get(addend), 'likely')
    const at = fn.let(fn.op(Op.i32Add, low(fn, ADDRESS), fn.get(addend)))
    const narrow = [Op.i64Store8, Op.i64Store16, Op.i64Store32] as const
    narrow.forEach((op, i) => {
      fn.if(fn.op(Op.i32Eq, fn.get(BYTES), fn.i32(1 << i)))
      fn.store(op, fn.get(at), fn.get(VALUE))
      fn.return(fn.i32(0))
      fn.end()
    })
    fn.store(Op.i64Store, fn.get(at), fn.get(VALUE))
    fn.return(fn.i32(0))
    fn.end()
    const args = [fn.get(STATE), low(fn, ADDRESS), high(fn, ADDRESS), fn.get(BYTES), low(fn, VALUE), high(fn, VALUE)]
    fn.return(fn.call(imported.hostStore, args))
  })
  return module.encode()
}

/** (state, address, span, array) → what to add to addresses of the span, which lies in one page; 0 when the host must look. */
function writeProbe(
  fn: FunctionBuilder,
  common: CommonState,
  physical: PhysicalLayout,
  walk: FunctionRef,
  hostFrame: FunctionRef,
  contexts: number,
): void {
  const ARRAY: Local = VALUE
  const fail = (cond: Node): void => {
    fn.if(cond, 'unlikely')
    fn.return(fn.i32(0))
    fn.end()
  }
  const low = fn.let(fn.op(Op.i32WrapI64, fn.get(ADDRESS)))
  const inPage = fn.op(Op.i32And, fn.get(low), fn.i32(PAGE_OFFSET))
  fail(fn.op(Op.i32GtU, fn.op(Op.i32Add, inPage, fn.get(BYTES)), fn.i32(PAGE_BYTES)))
  const page = fn.let(fn.op(Op.i64And, fn.get(ADDRESS), fn.i64(~PAGE_OFFSET)))
  const tag = fn.let(fn.op(Op.i64Sub, fn.get(page), fn.i64(1)))
  const index = fn.op(Op.i32And, fn.op(Op.i32ShrU, fn.get(low), fn.i32(INDEX_SHIFT)), fn.i32(DATA_MASK))
  const context = fn.load(Op.i32Load, fn.get(STATE), common.context)
  const entry = fn.let(fn.op(Op.i32Add, fn.op(Op.i32Add, context, fn.get(ARRAY)), index))
  fn.if(fn.op(Op.i64Eq, fn.load(Op.i64Load, fn.get(entry)), fn.get(tag)))
  fn.return(fn.load(Op.i32Load, fn.get(entry), ENTRY_VALUE))
  fn.end()
  const misses = fn.op(Op.i32Add, fn.load(Op.i32Load, fn.get(STATE), common.misses), fn.i32(1))
  fn.store(Op.i32Store, fn.get(STATE), misses, common.misses)
  // READ is the first array: anything but zero is a write.
  const write = fn.let(fn.op(Op.i32Ne, fn.get(ARRAY), fn.i32(READ)))
  const gpa = fn.call(walk, [fn.get(STATE), fn.get(ADDRESS), fn.get(write)])
  const ramPage = fn.let(ramPageOf(fn, gpa, physical))
  fail(fn.op(Op.i64GeU, fn.get(ramPage), fn.i64(physical.ramPages)))
  const frame = fn.let(tableEntry(fn, physical.frameTable, fn.get(ramPage)))
  fn.if(fn.op(Op.i32Eqz, fn.get(frame)), 'unlikely')
  fn.set(frame, fn.call(hostFrame, [fn.op(Op.i32WrapI64, fn.get(ramPage))]))
  fn.end()
  fn.if(fn.get(write))
  fail(tableEntry(fn, physical.codeTable, fn.get(ramPage)))
  fn.store(Op.i32Store8, fn.op(Op.i32WrapI64, fn.get(ramPage)), fn.i32(1), physical.dirty)
  if (physical.writeNotes) {
    const { count, notes } = physical.writeNotes
    const note = fn.op(Op.i32Shl, fn.op(Op.i32WrapI64, fn.get(ramPage)), fn.i32(2))
    fn.store(Op.i32Store, note, fn.load(Op.i32Load, fn.i32(count)), notes)
  }
  fn.end()
  const addend = fn.let(fn.op(Op.i32Sub, fn.get(frame), fn.op(Op.i32WrapI64, fn.get(page))))
  // An addend that happens to be 0 would read as a failure: the host serves that page each time.
  fail(fn.op(Op.i32Eqz, fn.get(addend)))
  fn.store(Op.i64Store, fn.get(entry), fn.get(tag))
  fn.store(Op.i32Store, fn.get(entry), fn.get(addend), ENTRY_VALUE)
  writeFillNote(fn, contexts, fn.load(Op.i32Load, fn.get(STATE), common.tlb), fn.get(entry))
  fn.return(fn.get(addend))
}

/** (state, address) → true once the address's page has a fetch entry; false when the host must look. */
function writeFetch(
  fn: FunctionBuilder,
  common: CommonState,
  physical: PhysicalLayout,
  walk: FunctionRef,
  contexts: number,
): void {
  const fail = (cond: Node): void => {
    fn.if(cond, 'unlikely')
    fn.return(fn.i32(0))
    fn.end()
  }
  const gpa = fn.call(walk, [fn.get(STATE), fn.get(ADDRESS), fn.i32(WALK.execute)])
  const ramPage = fn.let(ramPageOf(fn, gpa, physical))
  fail(fn.op(Op.i64GeU, fn.get(ramPage), fn.i64(physical.ramPages)))
  const page = fn.let(tableEntry(fn, physical.codeTable, fn.get(ramPage)))
  fail(fn.op(Op.i32Eqz, fn.get(page)))
  const index = fn.op(Op.i32ShrU, fn.op(Op.i32WrapI64, fn.get(ADDRESS)), fn.i32(INDEX_SHIFT))
  const context = fn.load(Op.i32Load, fn.get(STATE), common.context)
  const entry = fn.let(fn.op(Op.i32Add, context, fn.op(Op.i32And, index, fn.i32(FETCH_MASK))))
  const number = fn.op(Op.i32Sub, fn.get(page), fn.i32(1))
  const records = fn.op(Op.i32Mul, number, fn.i32(physical.codeBytes))
  const first = fn.op(Op.i64And, fn.get(ADDRESS), fn.i64(~PAGE_OFFSET))
  fn.store(Op.i64Store, fn.get(entry), fn.op(Op.i64Sub, first, fn.i64(1)), FETCH)
  fn.store(Op.i32Store, fn.get(entry), fn.op(Op.i32Add, fn.i32(physical.codeBase), records), FETCH + ENTRY_VALUE)
  fn.store(Op.i32Store8, fn.op(Op.i32WrapI64, fn.get(ramPage)), fn.i32(1), physical.fetched)
  const place = fn.op(Op.i32Add, fn.get(entry), fn.i32(FETCH))
  writeFillNote(fn, contexts, fn.load(Op.i32Load, fn.get(STATE), common.tlb), place)
  fn.return(fn.i32(1))
}
