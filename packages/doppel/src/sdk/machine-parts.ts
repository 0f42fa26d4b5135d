import { DoppelError } from '@doppel/base'
import type { RestoredBoot } from '@doppel/board'
import { type CommandStarter, Console } from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'
import { hasAgent, type MachineParts, type RunningMachine, runningMachine } from '../run/machine.ts'
import type { MachineSource } from './image.ts'

/** The console of a guest that is an image's own is its first virtio console; any other's is its UART. */
export function portsFor(options: RunOptions, terminal: Console): Pick<MachineParts, 'uart' | 'consoles'> {
  return hasAgent(options) ? { uart: new Console(), consoles: [terminal] } : { uart: terminal, consoles: [] }
}

/** For a machine that nothing runs commands in. */
export const NO_AGENT: CommandStarter = {
  start: () =>
    Promise.reject(
      new DoppelError(
        'agent.none',
        'nothing in this machine runs commands: its program is its own, or its run deterministic; attach to it',
      ),
    ),
}

/** Builds a machine that goes on from a frozen one; gives the hold on that back when it fails. */
export async function restoredMachine(
  frozen: MachineSource,
  boot: RestoredBoot,
  terminal: Console,
  parts: Pick<MachineParts, 'governor' | 'isStart' | 'moved'>,
): Promise<RunningMachine> {
  try {
    const disks = await frozen.disks()
    return await runningMachine(frozen.options, boot, { ...portsFor(frozen.options, terminal), ...parts, disks })
  } catch (error) {
    await frozen.release()
    throw error
  }
}
