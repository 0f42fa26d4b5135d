import type { Ref } from '../runtime/classes.ts'
import { command, type CommandRow } from './command.ts'
import type { Debugger } from './debugger.ts'
import { JdwpError } from './errors.ts'
import type { PacketReader } from './packet.ts'
import type { DebugThread, SeenFrame } from './threads.ts'

/** A frame’s number: its place from the bottom, above which the thread’s number stands. */
const MAX_FRAMES = 65_536

/** A thread that is not running for the debugger’s sake. */
function suspended(on: Debugger, id: number): DebugThread {
  const state = on.threads.of(on.ids.thread(id))
  if (state.suspends === 0) throw new JdwpError('THREAD_NOT_SUSPENDED')
  return state
}
function frameOf(on: Debugger, input: PacketReader): SeenFrame {
  const threadId = input.id()
  const state = suspended(on, threadId)
  const id = input.id()
  const frames = state.look(on.vm)
  const place = id % MAX_FRAMES
  const frame = Math.floor(id / MAX_FRAMES) === threadId ? frames[frames.length - 1 - place] : undefined
  if (!frame) throw new JdwpError('INVALID_FRAMEID')
  return frame
}
const textField = (on: Debugger, object: Ref, name: string): string => {
  const text = on.vm.heap.get(object, name) as Ref
  return text === null ? '' : on.vm.heap.text(text)
}
/** The group that a number names. */
function group(on: Debugger, input: PacketReader): object {
  const object = on.ids.object(input.id())
  if (on.values.tagOf(object) !== 'g') throw new JdwpError('INVALID_THREAD_GROUP')
  return object
}
/** A thread that may have ended, by its object. */
function threadObject(on: Debugger, input: PacketReader): object {
  const object = on.ids.object(input.id())
  if (!on.ids.isThread(object)) throw new JdwpError('INVALID_THREAD')
  return object
}

/** ThreadReference (11), ThreadGroupReference (12), StackFrame (16). */
export const threadCommands: readonly CommandRow[] = [
  command(11, 1, 'Name', (on, input, out) => out.string(textField(on, threadObject(on, input), 'name'))),
  command(11, 2, 'Suspend', (on, input) => on.threads.suspend(on.ids.thread(input.id()))),
  command(11, 3, 'Resume', (on, input) => on.threads.resume(on.ids.thread(input.id()))),
  command(11, 4, 'Status', (on, input, out) => {
    const thread = on.vm.threads.of(threadObject(on, input))
    if (!thread?.alive) return out.i4(0).i4(0)
    return out.i4(on.ids.status(thread)).i4(on.threads.of(thread).suspends > 0 ? 1 : 0)
  }),
  command(11, 5, 'ThreadGroup', (on, input, out) =>
    out.id(on.ids.ofObject(on.vm.heap.get(threadObject(on, input), 'group') as Ref)),
  ),
  command(11, 6, 'Frames', (on, input, out) => {
    const id = input.id()
    const frames = suspended(on, id).look(on.vm)
    const [start, length] = [input.i4(), input.i4()]
    if (start < 0 || start > frames.length || length < -1) throw new JdwpError('ILLEGAL_ARGUMENT')
    const wanted = frames.slice(start, length === -1 ? undefined : start + length)
    out.i4(wanted.length)
    wanted.forEach(({ method, offset }, i) => {
      out.id(id * MAX_FRAMES + (frames.length - 1 - start - i))
      on.writeLocation(out, { method, at: offset })
    })
  }),
  command(11, 7, 'FrameCount', (on, input, out) => out.i4(suspended(on, input.id()).look(on.vm).length)),
  command(11, 11, 'Interrupt', (on, input) => {
    const thread = on.ids.thread(input.id())
    thread.interrupted = true
    thread.wake?.()
  }),
  command(11, 12, 'SuspendCount', (on, input, out) => out.i4(on.threads.of(on.ids.thread(input.id())).suspends)),
  command(12, 1, 'Name', (on, input, out) => out.string(textField(on, group(on, input), 'name'))),
  command(12, 2, 'Parent', (on, input, out) =>
    out.id(on.ids.ofObject(on.vm.heap.get(group(on, input), 'parent') as Ref)),
  ),
  command(12, 3, 'Children', (on, input, out) => {
    const parent = group(on, input)
    const inIt = on.vm.threads.all().filter(thread => on.vm.heap.get(thread.object, 'group') === parent)
    out.list(inIt, thread => out.id(on.ids.ofObject(thread.object)))
    const groups = on.vm.heap.get(parent, 'groups') as Ref
    const below = groups === null ? [] : on.vm.heap.items(groups).filter(g => g !== null)
    out.list(below, g => out.id(on.ids.ofObject(g)))
  }),
  command(16, 1, 'GetValues', (on, input, out) => {
    const { debug } = frameOf(on, input)
    if (!debug) throw new JdwpError('ABSENT_INFORMATION')
    const wanted = input.count()
    out.i4(wanted)
    for (let i = 0; i < wanted; i++) {
      const [slot, type] = [input.i4(), String.fromCharCode(input.u1())]
      const value = debug.slots[slot]
      if (value === undefined) throw new JdwpError('INVALID_SLOT')
      const isObject = 'L[stglc'.includes(type)
      const kind = typeof value === 'bigint' ? 'J' : typeof value === 'number' ? 'N' : 'L'
      if (isObject ? kind !== 'L' : type === 'J' ? kind !== 'J' : kind !== 'N') throw new JdwpError('TYPE_MISMATCH')
      on.values.writeTagged(out, isObject ? 'L' : type, value)
    }
  }),
  command(16, 3, 'ThisObject', (on, input, out) => {
    const { method, debug } = frameOf(on, input)
    on.values.writeObject(out, method.isStatic || !debug ? null : ((debug.slots[0] ?? null) as Ref))
  }),
]
