import { MachineExit } from '../runtime/exit.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

natives('java/lang/Shutdown', {
  beforeHalt: () => undefined,
  halt0: (_vm: Vm, status: number) => {
    throw new MachineExit(status)
  },
})
