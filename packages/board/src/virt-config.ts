import {
  type CharPort,
  type Clock,
  DoppelError,
  type EntropySource,
  formatSize,
  type Governor,
  PAGE_BYTES,
  type RiscvCpu,
  type RiscvCpuConfig,
  type Saved,
} from '@doppel/base'
import type { VirtioDevice } from '@doppel/devices'
import type { MachineEnd } from './machine-end.ts'
import type { FaultEvent, FaultRates } from './faults.ts'
import type { HostTasks } from './host-tasks.ts'
import type { BootFile } from './load.ts'
import { VIRT_MAX_HARTS, VIRT_MAX_MEMORY_BYTES, VIRT_MIN_MEMORY_BYTES } from './memory-map.ts'
import type { RiscvIsaDescription } from './virt-tree.ts'

/** What a machine is started from: a kernel in S-mode, firmware in M-mode, or a bare-metal program in M-mode. */
export type VirtBoot =
  | { readonly kernel: BootFile; readonly initrd?: BootFile; readonly append?: string }
  | { readonly firmware: BootFile; readonly kernel?: BootFile; readonly initrd?: BootFile; readonly append?: string }
  | { readonly elf: BootFile }
  | RestoredBoot

/** Goes on where another machine stood: its state, and its memory, asked for page by page as it is touched. */
export interface RestoredBoot {
  readonly restored: Saved
  readonly page: (page: number, into: Uint8Array) => void
  /** The other one does not go on: this is the same machine, and its kernel is not told that it is a clone. */
  readonly isMoved?: boolean
}

/** What a `virt` machine is built from. */
export interface VirtMachineConfig {
  /** Harts, 1 to 8. */
  readonly cpus: number
  /** RAM, a multiple of 4096; 1 MiB to 8 GiB. */
  readonly memoryBytes: number
  readonly createCpu: (config: RiscvCpuConfig) => RiscvCpu
  readonly isa: RiscvIsaDescription
  readonly clock: Clock
  readonly entropy: EntropySource
  /** Behind the UART, and the SBI debug console. */
  readonly console: CharPort
  /** Plugged in in this order. */
  readonly virtio?: readonly VirtioDevice[]
  /** How virtio devices are attached; PCI when not given. */
  readonly transport?: 'pci' | 'mmio'
  readonly boot: VirtBoot
  /** Shares the thread with other machines; without one this one runs whenever it can. */
  readonly governor?: Governor
  /** Makes a run a function of what the machine is built from: time is counted in instructions. */
  readonly deterministic?: DeterministicRun
  /** Fixes the length of a slice, for repeatable runs; instructions. */
  readonly sliceInstructions?: number
  /** How to wait and yield; the host's own tasks when not given. */
  readonly host?: HostTasks
}

/** What a deterministic machine is given from outside: only between turns. */
export interface InputTape {
  /** Called before each turn, with what is retired and the machine's time; false ends the machine. */
  round(instructions: bigint, nowNs: number): boolean
  /** Set by the machine: to be called when there is something to give. */
  onInput: (() => void) | undefined
}

/** How a run that can be repeated is fed and watched. */
export interface DeterministicRun {
  /** Makes the order and length of several harts' turns; 0 or none leaves them equal, in the harts' order. */
  readonly seed?: number
  /** What is to go wrong on purpose, and who is told when it does. */
  readonly faults?: { readonly rates: FaultRates; readonly onFault: (event: FaultEvent) => void }
  readonly tape?: InputTape
  /** Whether, where all harts wait for a timer, that takes the host's time too: somebody may type. */
  readonly waits?: () => boolean
  /** Called when the machine has ended, before `run` tells: resolves with true if it has been brought back to a moment. */
  readonly ended?: (end: MachineEnd) => Promise<boolean>
  /** Called with the state's hash each time that about so many instructions more have been retired. */
  readonly hashEvery?: number
  readonly onHash?: (instructions: bigint, hash: string) => void
}

/** Checks how many harts and how much memory there are to be. Throws `board.cpus`, `board.memory`. */
export function checkSizes({ cpus, memoryBytes }: VirtMachineConfig): void {
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > VIRT_MAX_HARTS) {
    throw new DoppelError('board.cpus', `${cpus} harts; the virt board takes 1 to ${VIRT_MAX_HARTS}`, { cpus })
  }
  const inRange = memoryBytes >= VIRT_MIN_MEMORY_BYTES && memoryBytes <= VIRT_MAX_MEMORY_BYTES
  if (inRange && memoryBytes % PAGE_BYTES === 0) return
  throw new DoppelError(
    'board.memory',
    `${formatSize(memoryBytes)} of memory (${memoryBytes} bytes); the virt board takes whole pages from ` +
      `${formatSize(VIRT_MIN_MEMORY_BYTES)} to ${formatSize(VIRT_MAX_MEMORY_BYTES)}`,
    { memoryBytes },
  )
}
