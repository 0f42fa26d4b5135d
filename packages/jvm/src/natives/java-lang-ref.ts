import type { Ref } from '../runtime/classes.ts'
import { wait } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

const refersTo = (vm: Vm, self: Ref, object: Ref): number => vm.rt.same(vm.heap.get(self, 'referent') as Ref, object)

natives('java/lang/ref/Reference', {
  getAndClearReferencePendingList: () => null,
  hasReferencePendingList: () => 0,
  // References are not cleared, so nothing is ever pending.
  *waitForReferencePendingList() {
    yield* wait(new Promise<void>(() => undefined))
  },
  refersTo0: refersTo,
  clear0: (vm: Vm, self: Ref) => vm.heap.set(self, 'referent', null),
})
natives('java/lang/ref/PhantomReference', { refersTo0: refersTo })
natives('java/lang/ref/Finalizer', { isFinalizationEnabled: () => 0 })
