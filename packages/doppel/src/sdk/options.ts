import { DoppelError } from '@doppel/base'
import type { DiskRate, NetworkPolicy } from '@doppel/monitor'
import type { Isolation } from '../control/isolation.ts'
import { Network } from '../run/network.ts'
import { imageNames } from '../run/images.ts'
import {
  readableFile,
  readCpus,
  readDisk,
  readMemory,
  readSmp,
  readVolume,
  type RunOptions,
} from '../cli/run-options.ts'

/** What a machine is made with. Sizes and paths are as on the command line. */
export interface MachineOptions {
  /** Harts, 1 to 8; 1 when not given. */
  readonly cpus?: number
  /** RAM: `'512M'`, or bytes; 256 MiB when not given. */
  readonly memory?: string | number
  /** A kernel and initial RAM disk in place of the image's own. */
  readonly kernel?: string
  readonly initrd?: string
  /** Words for the kernel's command line. */
  readonly append?: string
  /** `FILE`, `FILE:ro`, `FILE:overlay`. */
  readonly disks?: readonly string[]
  /** What each disk may be asked for: bytes and requests a second. */
  readonly diskRate?: DiskRate
  /** `HOST:GUEST`, `NAME:GUEST` or `HOST:GUEST:ro`. */
  readonly volumes?: readonly string[]
  /** What the guest may reach, anything public when not given; or the network it shares with others; or none. */
  readonly network?: NetworkPolicy | Network | 'none'
  /** Weight against the other machines of this process; 100 when not given. */
  readonly share?: number
  /** The most it may have of the processor's time: 0.5 is a half; no cap when not given. */
  readonly cap?: number
  readonly engine?: 'interpreter' | 'translator'
  /** `'parallel'`: each hart on a thread of its own; in turn on one when not given. */
  readonly smp?: 'parallel' | 'round-robin'
  /** Keeps it apart from this program: in a thread, in a process, or in one that reaches no files but its own. */
  readonly isolation?: Isolation
  /** How long the guest may take until its agent answers; 120 000 when not given. */
  readonly readyTimeoutMs?: number
}

/** Options of a machine that does not run in this program's own thread. */
export interface IsolatedOptions extends MachineOptions {
  readonly isolation: Isolation
}

/** Checks a machine's options. Throws `machine.image`, `cli.flag-value`, `run.file`, `run.volume`. */
export async function runOptionsOf(image: string, options: MachineOptions): Promise<RunOptions> {
  const names = await imageNames(process.env)
  if (!names.includes(image)) {
    throw new DoppelError('machine.image', `'${image}' is no image doppel knows; expected ${names.join(', ')}`, {
      image,
    })
  }
  const { memory } = options
  const smp = readSmp(options.smp)
  return {
    target: { kind: 'image', name: image },
    memoryBytes: readMemory(typeof memory === 'number' ? `${memory}B` : memory),
    cpus: readCpus(options.cpus === undefined ? undefined : String(options.cpus)),
    ...(options.kernel === undefined ? {} : { kernel: await readableFile(options.kernel, 'kernel') }),
    ...(options.initrd === undefined ? {} : { initrd: await readableFile(options.initrd, 'initrd') }),
    ...(options.append === undefined ? {} : { append: options.append }),
    disks: await Promise.all((options.disks ?? []).map(readDisk)),
    volumes: await Promise.all((options.volumes ?? []).map(text => readVolume(text))),
    ...(options.diskRate && { diskRate: options.diskRate }),
    network: networkOf(options.network),
    engine: options.engine ?? 'translator',
    ...(smp && { smp }),
    stats: false,
    verbose: false,
    env: process.env,
  }
}

function networkOf(network: MachineOptions['network']): RunOptions['network'] {
  if (network === 'none') return { mode: 'none', publish: [], policy: {} }
  // A clone gets a network of its own, with the same rules: its guest has the address of the one it was made from.
  return { mode: 'nat', publish: [], policy: network instanceof Network ? network.policy : (network ?? {}) }
}
