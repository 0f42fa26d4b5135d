import { setTimeout as sleep } from 'node:timers/promises'
import { DoppelError, hostEntropy, MIB } from '@doppel/base'
import type { ImageConfig, Progress } from '@doppel/images'
import { Console, GuestCommands } from '@doppel/monitor'
import type { DiskOption, RunOptions, VolumeOption } from '../cli/run-options.ts'
import { bootFiles } from './boot-files.ts'
import { runningMachine } from './machine.ts'
import type { NetworkOption } from './network.ts'
import { freshNonce } from './nonce.ts'
import { POWER_OFF } from './power-off.ts'

/** A machine to build in. */
export interface BuildMachine {
  /** What it runs; the `linux` image when absent. The root disk of another one is the first of `disks`. */
  readonly image?: { readonly name: string; readonly root: ImageConfig }
  readonly disks: readonly DiskOption[]
  readonly volumes?: readonly VolumeOption[]
  /** What it may reach; nothing when absent. */
  readonly network?: NetworkOption
  readonly memoryBytes?: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly progress: Progress
}

/** Does something while the machine stands still and its disks are as they were at that moment. */
export type WhileStill = (act: () => Promise<void>) => Promise<void>

const MEMORY_BYTES = 512 * MIB
const READY_TIMEOUT_MS = 120_000
const POWER_OFF_TIMEOUT_MS = 60_000
/** Output kept for the message when a script fails. */
const KEPT_CHARACTERS = 2000

/**
 * Runs `work` in a machine, then lets that power itself off, so that its disks are whole. Throws what `work` throws, and
 * `image.build` where the guest does not end.
 */
export async function inBuildMachine(
  asked: BuildMachine,
  work: (commands: GuestCommands, whileStill: WhileStill) => Promise<void>,
): Promise<void> {
  const { image, disks, volumes = [], network, memoryBytes = MEMORY_BYTES, env, progress } = asked
  const options: RunOptions = {
    target: { kind: 'image', name: image?.name ?? 'linux' },
    ...(image && { root: image.root }),
    memoryBytes,
    cpus: 1,
    disks,
    volumes,
    network: network ?? { mode: 'none', publish: [], policy: {} },
    engine: 'translator',
    stats: false,
    verbose: false,
    env,
  }
  const boot = await bootFiles(options, freshNonce(), progress)
  const machine = await runningMachine(options, boot, { uart: new Console(), consoles: [new Console()] })
  const ended = machine.vm.run()
  try {
    await machine.agent.ready(READY_TIMEOUT_MS)
    const commands = new GuestCommands(machine.agent)
    await work(commands, async act => {
      await machine.vm.pause()
      try {
        // What is under way ends first.
        for (const disk of machine.disks) await disk.flush()
        await act()
      } finally {
        machine.vm.resume()
      }
    })
    const asking = commands.run(POWER_OFF, { background: true })
    // The machine's end is what is waited for.
    asking.catch(() => undefined)
    const late = sleep(POWER_OFF_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new DoppelError('image.build', `the machine has not ended after ${POWER_OFF_TIMEOUT_MS} ms`)
    })
    await Promise.race([ended, late])
  } finally {
    machine.vm.stop()
    await ended
    await machine.close()
  }
}

/** Runs a command of a build; its output goes to `show`. Throws `image.build` with the end of it where it fails. */
export async function buildCommand(
  commands: GuestCommands,
  command: string | readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly cwd?: string
    readonly user?: string | undefined
    readonly show?: ((text: string) => void) | undefined
  } = {},
): Promise<void> {
  const { show, ...rest } = options
  let shown = ''
  const decoder = new TextDecoder()
  const output = (bytes: Uint8Array): void => {
    const text = decoder.decode(bytes, { stream: true })
    shown = (shown + text).slice(-KEPT_CHARACTERS)
    show?.(text)
  }
  const running = await commands.run(command, { ...rest, background: true, onStdout: output, onStderr: output })
  const { exitCode } = await running.wait()
  if (exitCode === 0) return
  const what = typeof command === 'string' ? command.trim().split('\n')[0] : command.join(' ')
  // Whoever has seen the output need not see it again.
  const why = show ? '' : `: ${shown.trim()}`
  throw new DoppelError('image.build', `'${what}' ended with status ${exitCode}${why}`, { exitCode })
}

/** Sixteen random bytes. */
export function freshUuid(): Uint8Array {
  const bytes = new Uint8Array(16)
  hostEntropy.fill(bytes)
  // Version 4, variant 1 (RFC 9562 §5.4).
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes
}
