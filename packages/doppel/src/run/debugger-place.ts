import { DoppelError } from '@doppel/base'
import type { DebuggedMachine } from '@doppel/monitor'

/** Where a machine's debugger is. There is one place: two debuggers would take each other's stops. */
export class DebuggerPlace {
  #machine: DebuggedMachine | undefined
  #isTaken = false

  /** The machine as debuggers drive it, made by the first who asks. Throws what `make` throws. */
  prepare(make: () => DebuggedMachine): DebuggedMachine {
    return (this.#machine ??= make())
  }
  /** The same for a debugger that is there from now on, until it leaves. Throws `debug.taken` while another is, and what `make` throws. */
  take(make: () => DebuggedMachine): DebuggedMachine {
    if (this.#isTaken) {
      throw new DoppelError(
        'debug.taken',
        'another debugger, GDB or an editor, has this machine; expected it to go first',
      )
    }
    const machine = this.prepare(make)
    this.#isTaken = true
    let isHere = true
    const leave = (): void => {
      if (isHere) this.#isTaken = false
      isHere = false
    }
    return { ...machine, leave }
  }
}
