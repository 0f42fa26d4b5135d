import {
  type CharPort,
  DoppelError,
  type Governor,
  hostClock,
  hostEntropy,
  PAGE_BYTES,
  seededEntropy,
} from '@doppel/base'
import { type FaultEvent, type VirtBoot, VirtMachine } from '@doppel/board'
import {
  Balloon,
  type VirtioDevice,
  virtioBalloon,
  virtioBlk,
  virtioChannels,
  virtioConsole,
  virtioFs,
  virtioNet,
  virtioRng,
} from '@doppel/devices'
import {
  DEAF_PLUG,
  type DiskRate,
  type FrozenDisk,
  GuestAgent,
  type LoggedDisk,
  loggedDisk,
  OverlayDisk,
  rateLimitedDisk,
  type Tape,
  tapedPlug,
  type Timeline,
} from '@doppel/monitor'
import { createRiscvCpu, RISCV_ISA, type RiscvCpu, ThreadedCpu } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'
import { keepGeneratedFor } from '../host/generated-store.ts'
import { hartThreads, translatorOnDemand, translatorThread } from '../host/threads.ts'
import { nodeTimers } from '../host/net/node-network.ts'
import { HostFolder } from '../host/host-folder.ts'
import { joinNetwork } from '../network/join.ts'
import { discardBytes, volumeTag } from './boot-files.ts'
import { DebuggerPlace } from './debugger-place.ts'
import { diskOver, openMachineDisk } from './disks.ts'
import { type Network, type NetworkPlug, openPlug } from './network.ts'
import type { RunMoment } from './time-travel.ts'
import { keepTranslations, restoreTranslations } from './translations.ts'

/** The address of a deterministic machine's card, which has its network for itself. */
const REPEATED_MAC = '52:54:00:00:00:01'

/** What a session plugs into the machine. */
export interface MachineParts {
  readonly uart: CharPort
  /** Virtio consoles, hvc0 first. */
  readonly consoles: readonly CharPort[]
  /** What all input of a deterministic machine passes. */
  readonly tape?: Tape
  /** The same, where the run can be gone back in. */
  readonly timeline?: Timeline<RunMoment>
  /** It is recorded, or a replay. */
  readonly isRecorded?: boolean
  /** A deterministic machine's waits take the host's time too: somebody may type. */
  readonly waits?: boolean
  /** Told of each fault that has struck. */
  readonly onFault?: (event: FaultEvent) => void
  /** A network that it shares with other machines; one of its own when absent. */
  readonly network?: Network | undefined
  /** A restored machine that is for work still to come: it gets the translations of earlier ones, as a booting one does. */
  readonly isStart?: boolean
  /** What the disks of a restored machine go on from, in the order of the options. */
  readonly disks?: readonly (FrozenDisk | undefined)[]
  /** A machine that moved here: the process that still holds its disks, its card's address, the command it is for. */
  readonly moved?:
    | { readonly holder: number; readonly mac: string | undefined; readonly main: number | undefined }
    | undefined
  /** Shares the thread with other machines; makes its place once the CPU is there. */
  readonly governor?: (retired: () => bigint) => Governor
}

/** A machine with what has to be given back when it has ended. */
export interface RunningMachine {
  readonly vm: VirtMachine
  /** Where harts have threads of their own, what they are at home. */
  readonly cpu: RiscvCpu
  readonly threads: ThreadedCpu | undefined
  /** Its turns are counted. */
  readonly isDeterministic: boolean
  /** It is recorded, or a replay: nothing but what its tape says may come from outside. */
  readonly isRecorded: boolean
  /** Its past, where that is kept; see `travelling`. */
  readonly timeline: Timeline<RunMoment> | undefined
  /** Speaks with the guest's half, where the guest runs one. */
  readonly agent: GuestAgent
  readonly disks: readonly LoggedDisk[]
  /** Those of them whose changes are in memory. */
  readonly overlays: readonly OverlayDisk[]
  /** What each disk may be asked for; read at each request. */
  readonly rates: { disk: DiskRate }
  /** Takes memory from the guest, where that has a driver for it; undefined for a bare-metal program. */
  readonly balloon: Balloon | undefined
  /** Undefined for a machine without one. */
  readonly network: NetworkPlug | undefined
  readonly debuggers: DebuggerPlace
  /** Host nanoseconds since it was made. */
  readonly elapsedNs: () => number
  close(): Promise<void>
}

/** Builds the machine with its disks and folders open; what it boots is gone afterwards. Throws what they throw, with nothing left open. */
export async function runningMachine(
  options: RunOptions,
  boot: VirtBoot,
  parts: MachineParts,
): Promise<RunningMachine> {
  const opened: { close(): void | Promise<void> }[] = []
  let agent: GuestAgent | undefined
  let network: NetworkPlug | undefined
  const disks: LoggedDisk[] = []
  const overlays: OverlayDisk[] = []
  const rates = { disk: options.diskRate ?? {} }
  const close = async (): Promise<void> => {
    agent?.close(new DoppelError('machine.ended', 'the machine has ended'))
    for (const each of opened.splice(0).reverse()) await each.close()
    if (cpu && !kept) await keepTranslations(threads ?? cpu, options.env)
    kept = true
    threads?.close()
  }
  let cpu: RiscvCpu | undefined
  let threads: ThreadedCpu | undefined
  let kept = false
  try {
    const entropy = options.deterministic ? seededEntropy(BigInt(options.deterministic.seed)) : hostEntropy
    const { waits = false, timeline } = parts
    const faults = options.deterministic?.faults
    const tape = timeline ?? parts.tape
    const uart = tape?.port('uart', parts.uart) ?? parts.uart
    const consoles = parts.consoles.map((port, i) => tape?.port(`hvc${i}`, port) ?? port)
    const first = [virtioRng({ entropy }), ...consoles.map(port => virtioConsole({ port }))]
    // Small kernels look for their disk in the first slot, and nowhere else.
    const virtio: VirtioDevice[] = options.transport === 'mmio' ? [] : first
    for (const [i, disk] of options.disks.entries()) {
      const frozen = parts.disks?.[i]
      frozen?.retain()
      const opens = frozen ? diskOver(frozen, disk.mode) : openMachineDisk(disk, options.env, parts.moved?.holder)
      const plain = await opens
      if (plain instanceof OverlayDisk) overlays.push(plain)
      const store = loggedDisk(rateLimitedDisk(plain, () => rates.disk, hostClock(), nodeTimers))
      opened.push(store)
      disks.push(store)
      virtio.push(virtioBlk({ store, serial: disk.serial ?? `doppel-disk${i}` }))
    }
    if (options.transport === 'mmio') virtio.push(...first)
    for (const [i, volume] of options.volumes.entries()) {
      const store = await HostFolder.open(volume.hostPath, { readOnly: volume.readOnly })
      opened.push(store)
      virtio.push(virtioFs({ store, tag: volumeTag(i) }))
    }
    if (options.network.mode === 'nat' && !('elf' in boot)) {
      const mac = tape ? REPEATED_MAC : parts.moved?.mac
      // What came from the network is on the tape.
      const isReplay = tape?.isReplay === true
      network = isReplay
        ? undefined
        : await openPlug(options.network, parts.network, name => joinNetwork(name, options.env, mac), mac)
      if (network) opened.push(network)
      const port = network?.port ?? DEAF_PLUG
      virtio.push(virtioNet({ port: tape ? tapedPlug(tape, 'net0', port) : port, mac: network?.mac ?? REPEATED_MAC }))
    }
    agent = new GuestAgent({ entropy, restored: 'restored' in boot })
    // A bare-metal program has no use for them, and a run that is to be repeated none for the host's hand in it.
    const isLeftAlone = 'elf' in boot || options.deterministic !== undefined
    if (!isLeftAlone) virtio.push(virtioChannels({ ports: agent.ports }))
    const balloon = isLeftAlone
      ? undefined
      : new Balloon({ release: (gpa, length) => release(threads ? undefined : cpu, gpa, length) })
    if (balloon) virtio.push(virtioBalloon({ balloon }))
    const clock = hostClock()
    const retired = (): bigint => ((threads ?? cpu)?.harts ?? []).reduce((sum, hart) => sum + hart.retired, 0n)
    const governor = parts.governor?.(retired)
    const vm = new VirtMachine({
      ...(governor && { governor }),
      cpus: options.cpus,
      memoryBytes: options.memoryBytes,
      createCpu: config => {
        keepGeneratedFor(options.env)
        const engine = options.engine === 'interpreter' ? { translateAfter: 0 } : {}
        if (options.smp === 'parallel') {
          threads = new ThreadedCpu(config, { ...engine, ...hartThreads() })
          cpu = threads.home
          return threads
        }
        const seesCsrWrites = options.breakOn?.some(({ kind }) => kind === 'csr') ?? false
        cpu = createRiscvCpu(config, { ...engine, profile: options.profile === true, seesCsrWrites })
        if (options.engine !== 'interpreter') {
          // One that boots needs it at once.
          const compile = 'restored' in boot ? translatorOnDemand() : translatorThread()
          if (compile) cpu.engine.compileOn(compile)
        }
        return cpu
      },
      isa: RISCV_ISA,
      clock,
      entropy,
      ...(options.deterministic && {
        deterministic: {
          seed: options.deterministic.seed,
          waits: () => waits && tape?.isReplay !== true,
          ...(tape && { tape }),
          ...(faults && { faults: { rates: faults, onFault: parts.onFault ?? (() => undefined) } }),
          ended: async () => (await timeline?.ended()) ?? false,
        },
      }),
      console: uart,
      virtio,
      ...(options.transport && { transport: options.transport }),
      boot,
    })
    for (const file of Object.values(boot)) if (isBootFile(file)) discardBytes(file.bytes)
    const made = cpu as unknown as RiscvCpu
    // A clone is to go on at once.
    const warms = options.engine !== 'interpreter' && (!('restored' in boot) || parts.isStart)
    if (warms) await restoreTranslations(threads ?? made, options.env)
    const elapsedNs = (): number => clock.monotonicNs()
    const isDeterministic = options.deterministic !== undefined
    return {
      vm,
      cpu: made,
      threads,
      isDeterministic,
      isRecorded: parts.isRecorded ?? false,
      timeline,
      agent,
      disks,
      overlays,
      rates,
      balloon,
      network,
      debuggers: new DebuggerPlace(),
      elapsedNs,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function isBootFile(part: unknown): part is { readonly bytes: Uint8Array } {
  return typeof part === 'object' && part !== null && 'bytes' in part && part.bytes instanceof Uint8Array
}

/** Takes whole pages of a machine's RAM back; harts that run meanwhile, on threads of their own, would go on using them. */
function release(cpu: RiscvCpu | undefined, gpa: number, lengthBytes: number): void {
  if (cpu?.memory.contains(gpa, lengthBytes)) {
    cpu.engine.releasePages(cpu.engine.frames.page(gpa), lengthBytes / PAGE_BYTES)
  }
}

/** True when what starts is an image's own user land, which runs the guest's half of the agent; not in a deterministic machine. */
export function hasAgent({
  target,
  initrd,
  deterministic,
}: Pick<RunOptions, 'target' | 'initrd' | 'deterministic'>): boolean {
  return target?.kind === 'image' && initrd === undefined && deterministic === undefined
}
