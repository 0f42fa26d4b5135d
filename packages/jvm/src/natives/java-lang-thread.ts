import { JavaProblem } from '../problem.ts'
import type { Ref } from '../runtime/classes.ts'
import { THREAD_STATUS } from '../runtime/threads.ts'
import { wait, type Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { stackTraceElements } from './java-lang-throwable.ts'
import { natives } from './table.ts'

function* pause(vm: Vm): Work<void> {
  yield* wait(new Promise<void>(resolve => setTimeout(resolve, 0)))
  void vm
}

natives('java/lang/Thread', {
  currentThread: (vm: Vm) => vm.threads.current.object,
  *yield(vm: Vm) {
    yield* pause(vm)
  },
  *sleep(vm: Vm, ms: bigint) {
    const thread = vm.threads.current
    const check = (): void => {
      if (!thread.interrupted) return
      thread.interrupted = false
      vm.heap.set(thread.object, 'interrupted', 0)
      throw new JavaProblem('java/lang/InterruptedException', 'sleep interrupted')
    }
    if (ms < 0n) throw new JavaProblem('java/lang/IllegalArgumentException', 'timeout value is negative')
    check()
    yield* vm.threads.suspend(THREAD_STATUS.sleeping, Number(ms))
    check()
  },
  start0: (vm: Vm, self: Ref) => {
    const thread = vm.threads.create(self)
    thread.daemon = vm.heap.get(self, 'daemon') === 1
    vm.heap.set(self, 'threadStatus', THREAD_STATUS.runnable)
    vm.threads.start(thread)
  },
  holdsLock: (vm: Vm, object: Ref) => {
    if (object === null) throw new JavaProblem('java/lang/NullPointerException')
    return vm.monitors.holds(object, vm.threads.current) ? 1 : 0
  },
  setPriority0: () => undefined,
  setNativeName: () => undefined,
  interrupt0: (vm: Vm, self: Ref) => {
    const thread = vm.threads.of(self)
    if (!thread) return
    thread.interrupted = true
    thread.wake?.()
  },
  clearInterruptEvent: (vm: Vm) => {
    vm.threads.current.interrupted = false
  },
  getThreads: (vm: Vm) =>
    vm.heap.refArray(
      '[Ljava/lang/Thread;',
      vm.threads.all().map(t => t.object),
    ),
  *dumpThreads(vm: Vm, threads: Ref) {
    const dumps: Ref[] = []
    for (const object of vm.heap.items(threads)) {
      // Only the running thread's stack can be read.
      const frames = vm.threads.current.object === object ? vm.traces.capture().slice(1) : []
      dumps.push(yield* stackTraceElements(vm, frames))
    }
    return vm.heap.refArray('[[Ljava/lang/StackTraceElement;', dumps)
  },
  stop0: (_vm: Vm) => {
    throw new JavaProblem('java/lang/UnsupportedOperationException', 'Thread.stop')
  },
})
