import type { Field, JavaClass, Method, Ref, Value } from './classes.ts'
import type { Machine } from './machine.ts'
import { PRIMITIVES } from './class-table.ts'
import { JavaProblem } from '../problem.ts'
import { invoke, type Work } from './tasks.ts'
import { THREAD_STATUS } from './threads.ts'

/** Thread.NORM_PRIORITY. */
const NORMAL_PRIORITY = 5

/** Starts the library: the first objects, then the three phases of System (JDK 17’s java.lang.System). */
export function* boot(vm: Machine): Work<void> {
  const { classes, heap, linker, mirrors, threads } = vm
  const load = (name: string): JavaClass => classes.boot(`java/lang/${name}`)
  for (const name of ['Object', 'Class', 'String']) load(name)
  for (const cls of classes.all()) linker.link(cls)
  vm.booted = true
  for (const cls of classes.all().slice()) mirrors.of(cls)
  for (const letter of PRIMITIVES) if (letter !== 'V') classes.arrayOf(classes.primitive(letter))
  yield* linker.initialize(load('String'))
  // Constants that the machine fills in (jdk.internal.misc.UnsafeConstants).
  const constants = classes.boot('jdk/internal/misc/UnsafeConstants')
  yield* linker.initialize(constants)
  for (const [name, value] of Object.entries({
    ADDRESS_SIZE0: 8,
    PAGE_SIZE: 4096,
    BIG_ENDIAN: 0,
    UNALIGNED_ACCESS: 1,
  })) {
    heap.setStatic(constants.declaredField(name) as Field, value)
  }
  yield* linker.initialize(load('System'))
  yield* linker.initialize(load('Class'))

  const groupClass = load('ThreadGroup')
  yield* linker.initialize(groupClass)
  const construct = function* (cls: JavaClass, descriptor: string, ...args: Value[]): Work<Ref> {
    const object = heap.allocate(cls)
    yield* invoke(cls.declared('<init>', descriptor) as Method, object, ...args)
    return object
  }
  const system = yield* construct(groupClass, '()V')
  const main = yield* construct(groupClass, '(Ljava/lang/ThreadGroup;Ljava/lang/String;)V', system, heap.string('main'))
  const threadClass = load('Thread')
  linker.link(threadClass)
  const object = heap.allocate(threadClass)
  const thread = threads.current
  Object.assign(thread, { object })
  heap.set(object, '$thread', thread.id)
  heap.set(object, 'eetop', BigInt(thread.id))
  heap.set(object, 'priority', NORMAL_PRIORITY)
  heap.set(object, 'threadStatus', THREAD_STATUS.runnable)
  vm.rt.refs.set(0, object)
  vm.state.set('systemThreadGroup', system)
  yield* linker.initialize(threadClass)
  const init = threadClass.declared('<init>', '(Ljava/lang/ThreadGroup;Ljava/lang/String;)V') as Method
  yield* invoke(init, object, main, heap.string('main'))
  for (const name of ['Module', 'reflect/Method', 'ref/Finalizer']) yield* linker.initialize(load(name))

  const system2 = load('System')
  const phase = (name: string, descriptor: string): Method => system2.declared(name, descriptor) as Method
  yield* invoke(phase('initPhase1', '()V'))
  for (const name of [
    'invoke/MethodHandle',
    'invoke/ResolvedMethodName',
    'invoke/MemberName',
    'invoke/MethodHandleNatives',
  ]) {
    yield* linker.initialize(load(name))
  }
  const named = '(Ljava/lang/ThreadGroup;Ljava/lang/String;)V'
  vm.signals.begin(yield* construct(threadClass, named, system, heap.string('Signal Dispatcher')))
  const status = yield* invoke(phase('initPhase2', '(ZZ)I'), 1, 1)
  if (status !== 0) throw new JavaProblem('java/lang/InternalError', `System.initPhase2 returned ${Number(status)}`)
  yield* invoke(phase('initPhase3', '()V'))
  const loader = load('ClassLoader')
  yield* invoke(loader.declared('getSystemClassLoader', '()Ljava/lang/ClassLoader;') as Method)
}

/** The class to start, found as the `java` launcher does: mode 1 a class, 2 a jar, 3 a module. */
export function* mainClass(vm: Machine, mode: number, what: string): Work<JavaClass> {
  const cls = vm.classes.boot('sun/launcher/LauncherHelper')
  yield* vm.linker.initialize(cls)
  const method = cls.declared('checkAndLoadMain', '(ZILjava/lang/String;)Ljava/lang/Class;') as Method
  const mirror = (yield* invoke(method, 1, mode, vm.heap.string(what))) as Ref
  return vm.classes.ofMirror(mirror)
}

/** Runs a class’s main method with these arguments. */
export function* runMain(vm: Machine, cls: JavaClass, args: readonly string[]): Work<void> {
  const main = cls.findMethod('main', '([Ljava/lang/String;)V')
  if (!main) throw new JavaProblem('java/lang/NoSuchMethodError', 'main')
  yield* vm.linker.initialize(main.owner)
  const array = vm.heap.refArray(
    '[Ljava/lang/String;',
    args.map(a => vm.heap.string(a)),
  )
  yield* invoke(main, array)
}
