import { setImmediate } from 'node:timers/promises'
import { type DebuggedMachine, GuestDebugger } from '@doppel/monitor'
import { physicalView } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'
import { takeDebugged } from '../run/gdb.ts'
import type { RunningMachine } from '../run/machine.ts'
import { guestNamesAndFiles } from '../run/symbols.ts'
import { openDebugFiles } from './debug-files.ts'
import { RiscvCode } from './riscv-code.ts'

/** A machine's debugger by its guest's source, and how to close the files that it reads. */
export interface OpenGuestDebugger {
  readonly target: GuestDebugger
  readonly close: () => void
}

/** The debugger of a machine that stands still, or will. Throws `elf.*` and `symbols.*`. */
export async function guestDebugger(
  options: Pick<RunOptions, 'symbols' | 'target' | 'kernel' | 'firmware'>,
  { cpu }: Pick<RunningMachine, 'cpu'>,
  machine: DebuggedMachine,
): Promise<OpenGuestDebugger> {
  const { names, files: named } = await guestNamesAndFiles(options, physicalView(cpu))
  const { files, close } = openDebugFiles(named)
  const code = new RiscvCode(cpu, names)
  return { target: new GuestDebugger({ machine, code, names, files, rest: setImmediate }), close }
}

/** The debugger of a machine that runs: it stands still from now on, unless this fails. Throws `debug.taken`, `gdb.threads`, `elf.*` and `symbols.*`. */
export async function attachGuestDebugger(
  options: RunOptions,
  running: RunningMachine,
  symbols: NonNullable<RunOptions['symbols']>,
): Promise<OpenGuestDebugger> {
  const machine = takeDebugged(running)
  await machine.pause()
  try {
    return await guestDebugger({ ...options, ...(symbols.length > 0 && { symbols }) }, running, machine)
  } catch (error) {
    machine.resume()
    machine.leave?.()
    throw error
  }
}
