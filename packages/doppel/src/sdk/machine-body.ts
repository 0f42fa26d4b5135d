import type { DoppelError, MachineBody } from '@doppel/base'
import type { MachineEnd } from '@doppel/board'
import { memoryGuard } from '../host/host-memory.ts'
import type { RunningMachine } from '../run/machine.ts'

/** A built machine as its life cycle drives it. It ends with `machine.host-memory` before it takes the host's last memory. */
export function machineBody(running: RunningMachine, close: () => Promise<void>): MachineBody<MachineEnd> {
  const { vm, cpu } = running
  let failure: DoppelError | undefined
  const unguard = memoryGuard(process.env).guard({
    heldBytes: () => cpu.engine.frames.touchedBytes,
    end: reason => {
      failure = reason
      vm.stop()
    },
  })
  return {
    run: async () => {
      const end = await vm.run()
      if (failure) throw failure
      return end
    },
    stop: () => vm.stop(),
    pause: () => vm.pause(),
    resume: () => vm.resume(),
    close: async () => {
      unguard()
      await close()
    },
  }
}
