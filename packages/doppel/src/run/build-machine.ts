import { DoppelError, hostEntropy, MIB } from '@doppel/base'
import type { Progress } from '@doppel/images'
import { Console, GuestCommands } from '@doppel/monitor'
import type { DiskOption, RunOptions, VolumeOption } from '../cli/run-options.ts'
import { bootFiles } from './boot-files.ts'
import { runningMachine } from './machine.ts'
import type { NetworkOption } from './network.ts'
import { freshNonce } from './nonce.ts'

/** Work for a machine of its own, on the `linux` image. */
export interface BuildWork {
  /** Shell code, run as root. */
  readonly script: string
  readonly disks: readonly DiskOption[]
  readonly volumes?: readonly VolumeOption[]
  /** What it may reach; nothing when absent. */
  readonly network?: NetworkOption
  readonly env: Readonly<Record<string, string | undefined>>
  readonly progress: Progress
  /** Gets the script's output as it comes. */
  readonly onOutput?: (text: string) => void
}

const MEMORY_BYTES = 512 * MIB
const READY_TIMEOUT_MS = 120_000
/** Output kept for the message when the script fails. */
const KEPT_CHARACTERS = 2000

/** Runs a script in a machine until it has ended and its disks are whole. Throws `image.build` where it fails. */
export async function buildInMachine(work: BuildWork): Promise<void> {
  const options: RunOptions = {
    target: { kind: 'image', name: 'linux' },
    memoryBytes: MEMORY_BYTES,
    cpus: 1,
    disks: work.disks,
    volumes: work.volumes ?? [],
    network: work.network ?? { mode: 'none', publish: [], policy: {} },
    engine: 'translator',
    stats: false,
    verbose: false,
    env: work.env,
  }
  const boot = await bootFiles(options, freshNonce(), work.progress)
  const machine = await runningMachine(options, boot, { uart: new Console(), consoles: [new Console()] })
  let shown = ''
  const decoder = new TextDecoder()
  const show = (bytes: Uint8Array): void => {
    const text = decoder.decode(bytes, { stream: true })
    shown = (shown + text).slice(-KEPT_CHARACTERS)
    work.onOutput?.(text)
  }
  const ended = machine.vm.run()
  try {
    await machine.agent.ready(READY_TIMEOUT_MS)
    const commands = new GuestCommands(machine.agent)
    const running = await commands.run(work.script, { background: true, onStdout: show, onStderr: show })
    const { exitCode } = await running.wait()
    if (exitCode !== 0) {
      throw new DoppelError('image.build', `the build's script ended with status ${exitCode}: ${shown.trim()}`, {
        exitCode,
      })
    }
  } finally {
    machine.vm.stop()
    await ended
    await machine.close()
  }
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
