import { DoppelError, seededEntropy } from '@doppel/base'
import type { FaultEvent } from '@doppel/board'
import { Console, type GuestDebugger } from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'
import { imageName } from '../control/entries.ts'
import { bootFiles } from '../run/boot-files.ts'
import { takeDebugged } from '../run/gdb.ts'
import { prepareImage } from '../run/images.ts'
import { type RunningMachine, runningMachine } from '../run/machine.ts'
import { freshNonce } from '../run/nonce.ts'
import { stuck } from '../run/stuck.ts'
import { diskDigests } from '../run/disk-digest.ts'
import { tapeFor, type Taping } from '../run/taping.ts'
import { refuseWrittenFiles } from '../run/time-travel.ts'
import { CpuPlace } from '../sdk/cpu-place.ts'
import { Machine } from '../sdk/machine.ts'
import { guestDebugger } from './guest-debugger.ts'

/** A machine that was started to be debugged by its guest's source; it stands still before its first instruction. */
export interface DebuggedGuest {
  readonly target: GuestDebugger
  readonly console: Console
  /** Resolves once the machine has ended, with what there is to say about it. */
  readonly ended: Promise<string>
  /** Ends it. */
  kill(): void
}

/** Builds a machine and its debugger. Throws what `runMachine` throws, `gdb.threads`, `elf.*` and `symbols.*`. */
export async function debugGuest(
  asked: RunOptions,
  onFault: (event: FaultEvent) => void,
  taping?: Taping,
): Promise<DebuggedGuest> {
  const options = await prepareImage(asked, () => undefined)
  if (options.command !== undefined) {
    throw new DoppelError(
      'debug.command',
      'a debugged machine runs no command; leave it out, and type it on the console',
    )
  }
  const nonce = freshNonce(options.deterministic && seededEntropy(BigInt(options.deterministic.seed)))
  const boot = await bootFiles(options, nonce, () => undefined)
  const terminal = new Console()
  const place = new CpuPlace(options, options.smp)
  const isOwnImage = options.target?.kind === 'image' && options.kernel === undefined
  const ports = isOwnImage
    ? { uart: { write: () => undefined, onInput: () => undefined }, consoles: [terminal] }
    : { uart: terminal, consoles: [] }
  const disks = taping ? await diskDigests(options) : {}
  const tape = tapeFor(options, taping?.begin({ options: asked, isScript: false, boot, disks }), true)
  if (tape.timeline) refuseWrittenFiles(options)
  const running = await runningMachine(options, boot, { ...ports, governor: place.join, waits: true, onFault, ...tape })
  try {
    return await begin(options, running, { terminal, place, taping })
  } catch (error) {
    await running.close()
    throw error
  }
}

async function begin(
  options: RunOptions,
  running: RunningMachine,
  {
    terminal,
    place,
    taping,
  }: { readonly terminal: Console; readonly place: CpuPlace; readonly taping: Taping | undefined },
): Promise<DebuggedGuest> {
  const { timeline, vm } = running
  const machine = takeDebugged(running)
  const own = Machine.around(imageName(options), options, running, terminal, place)
  const { target, close } = await guestDebugger(options, running, machine)
  if (timeline) timeline.onEnd = () => target.reachedEnd()
  await vm.pause()
  own.start()
  const ended = own.wait().then(
    end => {
      close()
      target.ended(end.kind === 'failure' ? end.code : end.kind === 'stuck' || end.kind === 'halted' ? 1 : 0)
      if (end.kind === 'stuck') return `${stuck(end.trap).message} [run.stuck]`
      return end.kind === 'stopped' ? '' : (taping?.end(vm) ?? '')
    },
    (error: unknown) => {
      close()
      target.ended(1)
      throw error
    },
  )
  return { target, console: terminal, ended, kill: () => machine.kill() }
}
