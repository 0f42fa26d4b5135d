import { DoppelError } from '@doppel/base'
import { type CpuLimits, cpuLimits, type DiskRate, type NetworkPolicy } from '@doppel/monitor'
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
export interface MachineOptions extends CpuLimits {
  /** Harts, 1 to 8; 1 when not given. */
  readonly cpus?: number
  /** RAM: `'512M'`, or bytes; 256 MiB when not given. */
  readonly memory?: string | number
  /** A kernel and initial RAM disk in place of the image's own. */
  readonly kernel?: string
  /** A bare-metal ELF program, entered in M-mode, in place of an image. */
  readonly program?: string
  /** M-mode firmware in place of the built-in SBI. */
  readonly firmware?: string
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
  /** Where virtio devices are attached; PCI when not given. */
  readonly transport?: 'pci' | 'mmio'
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

/**
 * Checks a machine's options; without an image there must be a program, a kernel or firmware. Throws `machine.image`,
 * `cli.flag-value`, `run.file`, `run.volume`.
 */
export async function runOptionsOf(image: string | undefined, options: MachineOptions): Promise<RunOptions> {
  const { memory } = options
  const smp = readSmp(options.smp)
  const file = async (what: 'kernel' | 'initrd' | 'firmware'): Promise<Partial<RunOptions>> => {
    const path = options[what]
    return path === undefined ? {} : { [what]: await readableFile(path, what) }
  }
  return {
    ...(await targetOf(image, options)),
    memoryBytes: readMemory(typeof memory === 'number' ? `${memory}B` : memory),
    cpus: readCpus(options.cpus === undefined ? undefined : String(options.cpus)),
    ...(await file('kernel')),
    ...(await file('initrd')),
    ...(await file('firmware')),
    ...(options.append === undefined ? {} : { append: options.append }),
    disks: await Promise.all((options.disks ?? []).map(readDisk)),
    volumes: await Promise.all((options.volumes ?? []).map(text => readVolume(text))),
    ...(options.diskRate && { diskRate: options.diskRate }),
    ...(options.transport && { transport: options.transport }),
    ...cpuLimits(options),
    network: networkOf(options.network),
    engine: options.engine ?? 'translator',
    ...(smp && { smp }),
    stats: false,
    verbose: false,
    env: process.env,
  }
}

async function targetOf(image: string | undefined, options: MachineOptions): Promise<Pick<RunOptions, 'target'>> {
  const { program, kernel, firmware } = options
  const names = await imageNames(process.env)
  if (image === undefined) {
    if (program !== undefined) return { target: { kind: 'elf', path: await readableFile(program, 'program') } }
    if (kernel !== undefined || firmware !== undefined) return {}
    throw new DoppelError('machine.image', `nothing to run; expected a program, a kernel, or ${names.join(', ')}`)
  }
  if (names.includes(image)) return { target: { kind: 'image', name: image } }
  throw new DoppelError('machine.image', `'${image}' is no image doppel knows; expected ${names.join(', ')}`, { image })
}

function networkOf(network: MachineOptions['network']): RunOptions['network'] {
  if (network === 'none') return { mode: 'none', publish: [], policy: {} }
  // A clone gets a network of its own, with the same rules: its guest has the address of the one it was made from.
  return { mode: 'nat', publish: [], policy: network instanceof Network ? network.policy : (network ?? {}) }
}
