import { hostClock, PAGE_BYTES, type Saved } from '@doppel/base'
import {
  type AgentState,
  type CpuLimits,
  type DiskImageFile,
  type DiskRate,
  type LoggedDisk,
  type MachineLife,
  type MigrationLine,
  type MoveReport,
  type MovingMachine,
  type MovingSpace,
  type PageSource,
  sendMachine,
} from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'
import type { RunningMachine } from '../run/machine.ts'
import type { PublishedPort } from '../run/network.ts'
import { migrationHost } from './host.ts'

/** What the other end must have to take a machine. */
export interface MachineDescription {
  readonly image: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly disks: readonly {
    readonly mode: string
    readonly sizeBytes: number
    readonly file: DiskImageFile | undefined
  }[]
  readonly volumes: readonly string[]
  readonly network: string
  /** The process that holds its disks. */
  readonly pid: number
}

/** Everything of a machine that moves and has no pages: version 1. */
export interface MovedState {
  readonly version: 1
  readonly board: Saved
  readonly agent: AgentState
  readonly frozenMs: number
  /** What its console has printed. */
  readonly screen: Uint8Array
  readonly limits: CpuLimits
  readonly diskRate: DiskRate
  readonly mac: string | undefined
  readonly published: readonly PublishedPort[]
  readonly isPaused: boolean
  /** The file of its last snapshot with a name. */
  readonly lastNamed: string | undefined
  /** The number of the command that it is for. */
  readonly main: number | undefined
}

/** What a machine that moves is made of. */
export interface MovingParts {
  readonly image: string
  readonly options: RunOptions
  readonly running: RunningMachine
  /** Where pages are that it has not touched. */
  readonly base: PageSource | undefined
  readonly life: Pick<MachineLife<unknown>, 'whilePaused' | 'kill'>
  /** What is known elsewhere. */
  readonly rest: () => Pick<MovedState, 'screen' | 'limits' | 'isPaused' | 'lastNamed' | 'main'>
  /** Told when it is the other end's, before it ends here. */
  readonly hasMoved: () => void
}

/** How the two ends agree on who runs it. */
export type Handover = Pick<MovingMachine, 'withdraw' | 'readmit' | 'isTaken'>

/** Moves a machine of this process to the other end of a line. Throws what `sendMachine` throws. */
export async function moveMachine(parts: MovingParts, handover: Handover, line: MigrationLine): Promise<MoveReport> {
  try {
    return await sendMachine(movingMachine(parts, handover), line, migrationHost)
  } finally {
    for (const disk of parts.running.disks) disk.logWrites(false)
  }
}

function movingMachine(parts: MovingParts, handover: Handover): MovingMachine {
  const { running, options, life } = parts
  const kept = [...running.disks.entries()].filter(([i]) => options.disks[i]?.mode !== 'read-write')
  return {
    ...handover,
    description: describe(parts) as unknown as Saved,
    spaces: [memorySpace(parts), ...kept.map(([i, disk]) => diskSpace(`disk${i}`, disk))],
    whileStill: act => life.whilePaused(act),
    end: async () => {
      parts.hasMoved()
      await life.kill()
    },
    save: async () => {
      const board = await running.vm.save()
      // The other end opens the same images.
      for (const disk of running.disks) await disk.flush()
      const state: MovedState = {
        version: 1,
        board,
        agent: running.agent.save(),
        frozenMs: Number(hostClock().realtimeNs() / 1_000_000n),
        diskRate: running.rates.disk,
        mac: running.network?.mac,
        published: running.network?.published() ?? [],
        ...parts.rest(),
      }
      return state as unknown as Saved
    },
  }
}

function describe({ image, options, running }: MovingParts): MachineDescription {
  return {
    image,
    cpus: options.cpus,
    memoryBytes: options.memoryBytes,
    disks: running.disks.map((disk, i) => {
      const mode = options.disks[i]?.mode ?? 'overlay'
      return { mode, sizeBytes: disk.sizeBytes, file: mode === 'read-write' ? undefined : imageOf(disk) }
    }),
    volumes: options.volumes.map(({ guestPath }) => guestPath),
    network: running.network ? (options.network.name ?? 'nat') : 'none',
    pid: process.pid,
  }
}

/** What its chunks lie over. */
function imageOf(disk: LoggedDisk): DiskImageFile | undefined {
  const frozen = disk.freeze()
  void frozen.release()
  return frozen.file
}

function memorySpace({ running, base }: MovingParts): MovingSpace {
  const { engine } = running.cpu
  const { frames } = engine
  return {
    name: 'memory',
    pageCount: frames.pageCount,
    pages: () => {
      engine.takeDirty()
      const present = new Set(base?.pages())
      for (const [page] of frames.touched()) present.add(page)
      return [...present].sort((a, b) => a - b)
    },
    takeDirty: () => engine.takeDirty(),
    read: (page, into) => frames.copyPage(page, into),
  }
}

function diskSpace(name: string, disk: LoggedDisk): MovingSpace {
  return {
    name,
    pageCount: Math.ceil(disk.sizeBytes / PAGE_BYTES),
    pages: () => {
      disk.logWrites(true)
      const frozen = disk.freeze()
      const chunks = [...frozen.ownChunks()]
      void frozen.release()
      return chunks
    },
    takeDirty: () => disk.takeWritten(),
    read: async (page, into) => {
      const lengthBytes = Math.min(PAGE_BYTES, disk.sizeBytes - page * PAGE_BYTES)
      await disk.read(page * PAGE_BYTES, into.subarray(0, lengthBytes))
    },
  }
}
