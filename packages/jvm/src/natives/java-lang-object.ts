import { JavaProblem } from '../problem.ts'
import { dotted } from '../runtime/class-table.ts'
import type { Ref } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

natives('java/lang/Object', {
  getClass: (vm: Vm, self: Ref) => vm.rt.getMirror(self),
  hashCode: (vm: Vm, self: Ref) => vm.rt.identityHash(self),
  clone: (vm: Vm, self: Ref) => {
    const cls = vm.heap.classOf(self)
    if (!cls.isSubtypeOf(vm.classes.boot('java/lang/Cloneable'))) {
      throw new JavaProblem('java/lang/CloneNotSupportedException', dotted(cls.name))
    }
    return vm.heap.copy(self)
  },
  notify: (vm: Vm, self: Ref) => vm.monitors.notify(self, false),
  notifyAll: (vm: Vm, self: Ref) => vm.monitors.notify(self, true),
  *wait(vm: Vm, self: Ref, ms: bigint) {
    if (ms < 0n) throw new JavaProblem('java/lang/IllegalArgumentException', 'timeout value is negative')
    yield* vm.monitors.wait(self, Number(ms))
  },
})
