import { JavaProblem } from '../problem.ts'
import type { Method, Ref, Value } from '../runtime/classes.ts'
import type { TraceFrame } from '../runtime/stack-traces.ts'
import { invoke, type Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

/** Modes of java.lang.StackStreamFactory. */
const [CLASSES_ONLY, SHOW_HIDDEN] = [0x2, 0x20]
const WALKERS = /^java\/lang\/(StackWalker|StackStreamFactory)\b/

/** A walk under way: the frames not handed out yet. */
interface Walk {
  readonly frames: readonly TraceFrame[]
  at: number
}
function walksOf(vm: Vm): Map<bigint, Walk> {
  const walks = (vm.state.get('stackWalks') ?? new Map()) as Map<bigint, Walk>
  vm.state.set('stackWalks', walks)
  return walks
}

/** Fills the buffer from `start` on; returns the index after the last one. */
function fill(vm: Vm, walk: Walk, mode: bigint, count: number, start: number, buffer: Ref): number {
  let index = start
  while (index < start + count && walk.at < walk.frames.length) {
    const frame = walk.frames[walk.at++] as TraceFrame
    const mirror = vm.mirrors.of(frame.method.owner)
    if (Number(mode) & CLASSES_ONLY) vm.rt.setL(buffer, index, mirror)
    else {
      const info = vm.rt.getL(buffer, index)
      const member = vm.heap.get(info, 'memberName') as Ref
      const resolved = vm.classes.boot('java/lang/invoke/ResolvedMethodName')
      vm.linker.link(resolved)
      vm.heap.set(member, 'clazz', mirror)
      vm.heap.set(member, '$method', frame.method.id)
      vm.heap.set(member, 'name', vm.heap.intern(frame.method.name))
      vm.heap.set(member, 'type', vm.heap.intern(frame.method.info.descriptor))
      vm.heap.set(member, 'flags', (frame.method.access & 0xffff) | 0x10000)
      vm.heap.set(member, 'method', vm.heap.allocate(resolved))
      vm.heap.set(info, 'bci', frame.offset)
    }
    index++
  }
  return index
}

function* callStackWalk(
  vm: Vm,
  self: Ref,
  mode: bigint,
  skip: number,
  batch: number,
  start: number,
  buffer: Ref,
): Work<Value> {
  const all = vm.traces.capture()
  const first = all.findIndex((f, i) => i > 0 && !WALKERS.test(f.method.owner.name))
  const shown = all
    .slice(first)
    .filter(
      f =>
        Number(mode) & SHOW_HIDDEN ||
        (!f.method.owner.hidden && !f.method.owner.name.startsWith('java/lang/invoke/LambdaForm')),
    )
  const walks = walksOf(vm)
  const anchor = BigInt(walks.size + 1)
  const walk = { frames: shown, at: skip }
  walks.set(anchor, walk)
  const end = fill(vm, walk, mode, batch, start, buffer)
  if (end === start) throw new JavaProblem('java/lang/InternalError', 'stack walk: no frames')
  const walker = vm.classes.boot('java/lang/StackStreamFactory$AbstractStackWalker')
  const method = walker.methods.find(m => m.name === 'doStackWalk') as Method
  try {
    return yield* invoke(method, self, anchor, skip, batch, start, end)
  } finally {
    walks.set(anchor, { frames: [], at: 0 })
  }
}

natives('java/lang/StackStreamFactory$AbstractStackWalker', {
  callStackWalk,
  fetchStackFrames: (vm: Vm, _self: Ref, mode: bigint, anchor: bigint, count: number, start: number, buffer: Ref) => {
    const walk = walksOf(vm).get(anchor)
    return walk ? fill(vm, walk, mode, count, start, buffer) : start
  },
})
natives('java/lang/StackStreamFactory', { checkStackWalkModes: () => 1 })
