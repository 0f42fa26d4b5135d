import { type FunctionRef, type FunctionType, I32, type ModuleBuilder, Op } from '@doppel/wasm'
import {
  FREE,
  GRAIN_BYTES,
  HEADER_BYTES,
  HEAP_LIST,
  HEAP_STATE,
  keptBlocks,
  LIVE,
  MAX_SMALL_BYTES,
} from '../machine/heap.ts'
import type { Layout } from '../machine/layout.ts'
import { type Program, UNDEFINED_WORD } from '../program/program.ts'

const ALLOCATE: FunctionType = { kind: 'func', params: [I32], results: [I32] }
const RELEASE: FunctionType = { kind: 'func', params: [I32], results: [] }

/** `new` and `dispose` as generated code calls them: the usual case here, all else by the host's `Heap`. */
export interface HeapFunctions {
  readonly allocate: FunctionRef
  readonly release: FunctionRef
}
/** Declares them. */
export function declareHeapFunctions(module: ModuleBuilder): HeapFunctions {
  return { allocate: module.declare('allocate', ALLOCATE), release: module.declare('release', RELEASE) }
}

/** Writes them; `host` are the host's own. */
export function writeHeapFunctions(
  module: ModuleBuilder,
  functions: HeapFunctions,
  host: HeapFunctions,
  program: Program,
  layout: Layout,
): void {
  writeAllocate(module, functions.allocate, host.allocate, program, layout.heapState)
  writeRelease(module, functions.release, host.release, layout.heapState)
}

/** Words of a list, beyond the state's address, are `size` times this from the lists' beginning. */
const LIST_FACTOR = HEAP_STATE.listBytes / GRAIN_BYTES

function writeAllocate(
  module: ModuleBuilder,
  declared: FunctionRef,
  host: FunctionRef,
  program: Program,
  state: number,
): void {
  const fn = module.build(declared)
  const bytes = 0
  const [size, list, block, count, at] = [fn.local(I32), fn.local(I32), fn.local(I32), fn.local(I32), fn.local(I32)]
  const word = (address: number, offset = 0) => fn.load(Op.i32Load, fn.get(address), offset)
  const own = (offset: number) => fn.load(Op.i32Load, fn.i32(0), state + offset)
  const [small, reused, fresh, taken, slow, found] = [
    fn.block(),
    fn.block(),
    fn.block(),
    fn.block(),
    fn.block(),
    fn.block(),
  ]
  const [loop, fill, done] = [fn.block(), fn.block(), fn.block()]
  const isSmall = fn.op(Op.i32LtU, fn.op(Op.i32Sub, fn.get(bytes), fn.i32(1)), fn.i32(MAX_SMALL_BYTES))
  fn.branch(isSmall, small, slow, 'likely')

  fn.at(small)
  fn.set(size, fn.op(Op.i32And, fn.op(Op.i32Add, fn.get(bytes), fn.i32(GRAIN_BYTES - 1)), fn.i32(-GRAIN_BYTES)))
  fn.set(list, fn.op(Op.i32Mul, fn.get(size), fn.i32(LIST_FACTOR)))
  const lists = state + HEAP_STATE.lists
  fn.set(count, word(list, lists + HEAP_LIST.count))
  fn.branch(fn.op(Op.i32GtS, fn.get(count), fn.i32(keptBlocks(program.undefined))), reused, fresh)

  fn.at(reused)
  fn.set(block, word(list, lists + HEAP_LIST.first))
  fn.store(Op.i32Store, fn.get(list), word(block, HEADER_BYTES), lists + HEAP_LIST.first)
  fn.store(Op.i32Store, fn.get(list), fn.op(Op.i32Sub, fn.get(count), fn.i32(1)), lists + HEAP_LIST.count)
  fn.jump(found)

  fn.at(fresh)
  fn.set(block, own(HEAP_STATE.top))
  fn.set(at, fn.op(Op.i32Add, fn.op(Op.i32Add, fn.get(block), fn.get(size)), fn.i32(HEADER_BYTES)))
  fn.branch(fn.op(Op.i32GtU, fn.get(at), own(HEAP_STATE.end)), slow, taken, 'unlikely')
  fn.at(taken)
  fn.store(Op.i32Store, fn.i32(0), fn.get(at), state + HEAP_STATE.top)
  fn.store(Op.i32Store, fn.get(block), fn.get(size), 0)
  fn.jump(found)

  fn.at(found)
  fn.store(Op.i32Store, fn.get(block), fn.i32(LIVE), 4)
  fn.store(
    Op.i32Store,
    fn.i32(0),
    fn.op(Op.i32Add, own(HEAP_STATE.liveBlocks), fn.i32(1)),
    state + HEAP_STATE.liveBlocks,
  )
  fn.store(
    Op.i32Store,
    fn.i32(0),
    fn.op(Op.i32Add, own(HEAP_STATE.liveBytes), fn.get(size)),
    state + HEAP_STATE.liveBytes,
  )
  fn.set(at, fn.op(Op.i32Add, fn.get(block), fn.get(size)))
  fn.jump(loop)
  fn.at(loop)
  fn.branch(fn.op(Op.i32GtU, fn.get(at), fn.get(block)), fill, done)
  fn.at(fill)
  const pattern = program.undefined ? UNDEFINED_WORD : 0
  fn.store(Op.i64Store, fn.get(at), fn.i64(pattern, pattern), 0)
  fn.set(at, fn.op(Op.i32Sub, fn.get(at), fn.i32(GRAIN_BYTES)))
  fn.jump(loop)
  fn.at(done)
  fn.return(fn.op(Op.i32Add, fn.get(block), fn.i32(HEADER_BYTES)))

  fn.at(slow)
  fn.return(fn.call(host, [fn.get(bytes)]))
  module.finish(fn)
}

function writeRelease(module: ModuleBuilder, declared: FunctionRef, host: FunctionRef, state: number): void {
  const fn = module.build(declared)
  const pointer = 0
  const [size, list, count, block] = [fn.local(I32), fn.local(I32), fn.local(I32), fn.local(I32)]
  const word = (address: number, offset = 0) => fn.load(Op.i32Load, fn.get(address), offset)
  const own = (offset: number) => fn.load(Op.i32Load, fn.i32(0), state + offset)
  const [inside, live, small, first, later, linked, slow] = Array.from({ length: 7 }, () => fn.block())
  const lists = state + HEAP_STATE.lists
  // Whatever is not plainly a small live block is the host's to judge.
  const offset = fn.op(Op.i32Sub, fn.get(pointer), fn.i32(state))
  const room = fn.op(Op.i32Sub, own(HEAP_STATE.top), fn.i32(state))
  fn.branch(fn.op(Op.i32LtU, offset, room), inside as number, slow as number, 'likely')
  fn.at(inside as number)
  fn.set(block, fn.op(Op.i32Sub, fn.get(pointer), fn.i32(HEADER_BYTES)))
  fn.set(size, word(block))
  fn.branch(fn.op(Op.i32Eq, word(block, 4), fn.i32(LIVE)), live as number, slow as number, 'likely')
  fn.at(live as number)
  const odd = fn.op(Op.i32And, fn.get(size), fn.i32(GRAIN_BYTES - 1))
  const large = fn.op(Op.i32GtU, fn.op(Op.i32Sub, fn.get(size), fn.i32(1)), fn.i32(MAX_SMALL_BYTES - 1))
  fn.branch(fn.op(Op.i32Or, odd, large), slow as number, small as number, 'unlikely')

  fn.at(small as number)
  fn.store(Op.i32Store, fn.get(block), fn.i32(FREE), 4)
  fn.store(Op.i32Store, fn.get(pointer), fn.i32(0), 0)
  fn.store(
    Op.i32Store,
    fn.i32(0),
    fn.op(Op.i32Sub, own(HEAP_STATE.liveBlocks), fn.i32(1)),
    state + HEAP_STATE.liveBlocks,
  )
  fn.store(
    Op.i32Store,
    fn.i32(0),
    fn.op(Op.i32Sub, own(HEAP_STATE.liveBytes), fn.get(size)),
    state + HEAP_STATE.liveBytes,
  )
  fn.set(list, fn.op(Op.i32Mul, fn.get(size), fn.i32(LIST_FACTOR)))
  fn.set(count, word(list, lists + HEAP_LIST.count))
  fn.branch(fn.op(Op.i32Eqz, fn.get(count)), first as number, later as number)
  fn.at(first as number)
  fn.store(Op.i32Store, fn.get(list), fn.get(block), lists + HEAP_LIST.first)
  fn.jump(linked as number)
  fn.at(later as number)
  fn.store(Op.i32Store, word(list, lists + HEAP_LIST.last), fn.get(block), HEADER_BYTES)
  fn.jump(linked as number)
  fn.at(linked as number)
  fn.store(Op.i32Store, fn.get(list), fn.get(block), lists + HEAP_LIST.last)
  fn.store(Op.i32Store, fn.get(list), fn.op(Op.i32Add, fn.get(count), fn.i32(1)), lists + HEAP_LIST.count)
  fn.return()

  fn.at(slow as number)
  fn.effect(fn.call(host, [fn.get(pointer)]))
  fn.return()
  module.finish(fn)
}
