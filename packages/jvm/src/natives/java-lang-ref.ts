import type { Ref } from '../runtime/classes.ts'
import { wait } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

const refersTo = (vm: Vm, self: Ref, object: Ref): number => {
  const held = (vm.heap.get(self, 'referent') as Ref) ?? vm.references.referent(self)
  return vm.rt.same(held, object)
}

natives('java/lang/ref/Reference', {
  getAndClearReferencePendingList: (vm: Vm) => vm.references.takePending(),
  hasReferencePendingList: (vm: Vm) => (vm.references.hasPending ? 1 : 0),
  *waitForReferencePendingList(vm: Vm) {
    yield* wait(vm.references.untilPending())
  },
  refersTo0: refersTo,
  clear0: (vm: Vm, self: Ref) => vm.references.clear(self),
})
natives('java/lang/ref/PhantomReference', { refersTo0: refersTo })
natives('java/lang/ref/Finalizer', { isFinalizationEnabled: () => 0 })
