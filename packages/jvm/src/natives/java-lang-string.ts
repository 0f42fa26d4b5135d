import type { Ref } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

natives('java/lang/String', {
  intern: (vm: Vm, self: Ref) => vm.heap.internString(self),
})
natives('java/lang/StringUTF16', { isBigEndian: () => 0 })
natives('java/lang/StringCoding', { err: () => undefined })
