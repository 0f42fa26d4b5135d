import type { JavaClass, Method, Ref, Value } from '../runtime/classes.ts'
import { invoke, Thrown, type Work } from '../runtime/tasks.ts'
import { command, type CommandRow, errand } from './command.ts'
import { typeTag } from './class-info.ts'
import type { Debugger } from './debugger.ts'
import { JdwpError } from './errors.ts'
import { MAX_ITEMS, type PacketReader, type PacketWriter } from './packet.ts'
import type { DebugThread } from './threads.ts'

/** A call that a debugger has a thread make. */
interface Call {
  readonly state: DebugThread
  readonly method: Method
  readonly args: readonly Value[]
}
/** Reads thread, class, method and arguments; the thread must wait at an event (JDWP, InvokeMethod). */
function readCall(on: Debugger, threadId: number, clsId: number, input: PacketReader, self: readonly Value[]): Call {
  const state = on.threads.of(on.ids.thread(threadId))
  if (!state.atEvent) throw new JdwpError('THREAD_NOT_SUSPENDED')
  if (state.errand) throw new JdwpError('ALREADY_INVOKING')
  const cls = on.ids.cls(clsId)
  const method = on.ids.method(input.id())
  if (!cls.isSubtypeOf(method.owner)) throw new JdwpError('INVALID_METHODID')
  const { params: types } = method.descriptor
  const count = input.count()
  if (count !== types.length) throw new JdwpError('ILLEGAL_ARGUMENT')
  const args = types.map(type => on.values.readTagged(input, type, method.owner))
  return { state, method, args: [...self, ...args] }
}
/** Makes the call and writes what it returns and throws. `result` is what a constructor has made. */
function makeCall(on: Debugger, out: PacketWriter, { state, method, args }: Call, result?: Ref): Promise<number> {
  return new Promise<number>(resolve => {
    state.errand = function* (): Work<void> {
      on.threads.invocations++
      for (const other of on.threads.all()) if (other !== state) other.wakeUp()
      let error = 0
      try {
        const { result: resultType } = method.descriptor
        let [value, thrown]: [Value, Ref] = [0, null]
        try {
          yield* on.vm.linker.initialize(method.owner)
          value = yield* invoke(method, ...args)
        } catch (caught) {
          if (!(caught instanceof Thrown)) throw caught
          thrown = caught.object
        }
        if (result !== undefined) on.values.writeObject(out, thrown === null ? result : null)
        else if (thrown !== null) on.values.writeTagged(out, resultType[0] as string, zeroOf(resultType[0] as string))
        else on.values.writeTagged(out, resultType[0] as string, value)
        on.values.writeObject(out, thrown)
      } catch (failure) {
        if (!(failure instanceof JdwpError)) throw failure
        error = failure.code
      } finally {
        on.threads.invocations--
        resolve(error)
      }
    }
    state.wakeUp()
  })
}
const zeroOf = (type: string): Value => (type === 'J' ? 0n : type === 'L' || type === '[' ? null : 0)

/** ObjectReference (9) and what is told of objects of special classes; calls of methods. */
export const objectCommands: readonly CommandRow[] = [
  errand(3, 3, 'InvokeMethod', (on, input, out) => {
    const [cls, thread] = [input.id(), input.id()]
    const call = readCall(on, thread, cls, input, [])
    if (!call.method.isStatic) throw new JdwpError('INVALID_METHODID')
    return makeCall(on, out, call)
  }),
  errand(3, 4, 'NewInstance', (on, input, out) => {
    const [clsId, thread] = [input.id(), input.id()]
    const cls = on.ids.cls(clsId)
    if (cls.isInterface || cls.isArray || (cls.access & 0x400) !== 0 || !cls.ready) throw new JdwpError('INVALID_CLASS')
    const object = on.vm.heap.allocate(cls)
    const call = readCall(on, thread, clsId, input, [object])
    if (call.method.name !== '<init>' || call.method.owner !== cls) throw new JdwpError('INVALID_METHODID')
    return makeCall(on, out, call, object)
  }),
  errand(9, 6, 'InvokeMethod', (on, input, out) => {
    const object = on.ids.object(input.id())
    const [thread, cls] = [input.id(), input.id()]
    const call = readCall(on, thread, cls, input, [object])
    const { method } = call
    const own = on.vm.heap.classOf(object)
    if (method.isStatic || method.name === '<init>' || !own.isSubtypeOf(method.owner)) {
      throw new JdwpError('INVALID_METHODID')
    }
    // INVOKE_NONVIRTUAL (2) asks for the very method.
    const selected = (input.i4() & 2) === 0 ? own.select(method) : method
    if (selected.isAbstract) throw new JdwpError('INVALID_METHODID')
    return makeCall(on, out, { ...call, method: selected })
  }),
  command(9, 1, 'ReferenceType', (on, input, out) => {
    const cls = on.vm.heap.classOf(on.ids.object(input.id()))
    out.u1(typeTag(cls)).id(on.ids.ofClass(cls))
  }),
  command(9, 2, 'GetValues', (on, input, out) => {
    const object = on.ids.object(input.id())
    const wanted = Array.from({ length: input.count() }, () => on.ids.field(input.id()))
    out.list(wanted, field =>
      on.values.writeTagged(out, field.descriptor[0] as string, on.values.readField(object, field)),
    )
  }),
  command(9, 3, 'SetValues', (on, input) => {
    const object = on.ids.object(input.id())
    for (let count = input.count(); count > 0; count--) on.values.setField(input, object, on.ids.field(input.id()))
  }),
  command(9, 7, 'DisableCollection', (on, input) => on.ids.object(input.id())),
  command(9, 8, 'EnableCollection', () => undefined),
  command(9, 9, 'IsCollected', (on, input, out) => {
    on.ids.object(input.id())
    out.boolean(false)
  }),
  command(10, 1, 'Value', (on, input, out) => {
    const object = on.ids.object(input.id())
    if (on.values.tagOf(object) !== 's') throw new JdwpError('INVALID_STRING')
    out.string(on.vm.heap.text(object))
  }),
  command(13, 1, 'Length', (on, input, out) => {
    const array = on.ids.object(input.id())
    on.values.elementType(array)
    out.i4(on.vm.rt.arrayLength(array))
  }),
  command(13, 2, 'GetValues', (on, input, out) => {
    const array = on.ids.object(input.id())
    const type = on.values.elementType(array)
    const [first, count] = range(on, array, input.i4(), input.i4())
    out.u1(type.charCodeAt(0)).i4(count)
    for (let i = 0; i < count; i++) {
      const value = on.values.element(array, first + i)
      if (type === 'L' || type === '[') on.values.writeObject(out, value as Ref)
      else on.values.write(out, type, value)
    }
  }),
  command(13, 3, 'SetValues', (on, input) => {
    const array = on.ids.object(input.id())
    const type = on.values.elementType(array)
    const [first, count] = range(on, array, input.i4(), input.i4())
    for (let i = 0; i < count; i++) on.values.setElement(array, first + i, on.values.read(input, type))
  }),
  command(14, 1, 'VisibleClasses', (on, input, out) => {
    const loader = on.vm.classes.loaderOf(on.ids.objectOrNull(input.id()) as object)
    const visible = new Set<JavaClass>([...loader.classes.values()].filter(cls => !cls.primitive))
    out.list([...visible], cls => out.u1(typeTag(cls)).id(on.ids.ofClass(cls)))
  }),
  command(17, 1, 'ReflectedType', (on, input, out) => {
    const mirror = on.ids.object(input.id())
    if (on.values.tagOf(mirror) !== 'c') throw new JdwpError('INVALID_OBJECT')
    const cls = on.vm.classes.ofMirror(mirror)
    if (cls.primitive) throw new JdwpError('INVALID_OBJECT')
    out.u1(typeTag(cls)).id(on.ids.ofClass(cls))
  }),
]

/** A stretch of an array that is there. */
function range(on: Debugger, array: object, first: number, count: number): readonly [first: number, count: number] {
  const length = on.vm.rt.arrayLength(array)
  if (first < 0 || count < 0 || count > MAX_ITEMS || first + count > length) throw new JdwpError('INVALID_LENGTH')
  return [first, count]
}
