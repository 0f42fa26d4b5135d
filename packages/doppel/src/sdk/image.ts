import { DoppelError, hostClock, type Saved } from '@doppel/base'
import { type AgentState, MemoryPages, type PageSource } from '@doppel/monitor'
import { openSnapshotFile, saveSnapshotFile } from '../host/snapshot-host.ts'
import type { RunOptions } from '../cli/run-options.ts'
import type { RunningMachine } from '../run/machine.ts'

/** A machine that stands still: what a clone of it starts from. */
export interface MachineImage {
  /** The name of the image it was made of. */
  readonly image: string
  readonly options: RunOptions
  readonly board: Saved
  readonly agent: AgentState
  readonly pages: PageSource
  /** Pages of RAM, touched or not. */
  readonly pageCount: number
  /** When it was frozen, milliseconds since 1970. */
  readonly frozenMs: number
  /** Gives back what the pages are read from. */
  readonly close: () => void
}

/** What a snapshot file says beside memory: version 1. */
interface SavedMachine {
  readonly version: 1
  readonly image: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly engine: RunOptions['engine']
  readonly disks: RunOptions['disks']
  /** Ports are published, and frames captured, anew. */
  readonly network: Pick<RunOptions['network'], 'mode' | 'policy'>
  readonly board: Saved
  readonly agent: AgentState
  readonly frozenMs: number
}
const VERSION = 1

const hostMs = (): number => Number(hostClock().realtimeNs() / 1_000_000n)

/**
 * Freezes a paused machine: its memory is copied, so that it may go on. `from` is where the pages
 * come from that it has not touched. Throws `snapshot.*`.
 */
export async function freeze(
  image: string,
  options: RunOptions,
  running: RunningMachine,
  from: PageSource | undefined,
): Promise<MachineImage> {
  refuseOutside(options)
  const board = await running.vm.save()
  const { pageCount } = running.cpu.engine.frames
  const pages = new MemoryPages(pageCount, running.vm.cpu.touchedPages(), from)
  const close = (): void => undefined
  const { mode, policy } = options.network
  const own = { ...options, network: { mode, policy, publish: [] } }
  return { image, options: own, board, agent: running.agent.save(), pages, pageCount, frozenMs: hostMs(), close }
}

/** Writes a frozen machine to a file. Throws `snapshot.file`. */
export async function saveImage(path: string, frozen: MachineImage): Promise<void> {
  const { image, board, agent, frozenMs, pages, pageCount } = frozen
  const { cpus, memoryBytes, engine, disks } = frozen.options
  const { mode, policy } = frozen.options.network
  const machine: SavedMachine = {
    version: VERSION,
    image,
    cpus,
    memoryBytes,
    engine,
    disks,
    network: { mode, policy },
    board,
    agent,
    frozenMs,
  }
  await saveSnapshotFile(path, { machine: machine as unknown as Saved, pageCount, pages })
}

/** Opens a frozen machine in a file. Throws `snapshot.file`, `snapshot.format`, `snapshot.version`, `snapshot.damaged`. */
export function openImage(path: string): MachineImage {
  const opened = openSnapshotFile(path)
  const { file } = opened
  const close = (): void => opened.close()
  const machine = file.machine as unknown as SavedMachine
  if (machine.version !== VERSION) {
    close()
    throw new DoppelError('snapshot.version', `${path} holds a machine of version ${String(machine.version)}`, { path })
  }
  const { image, board, agent, frozenMs, cpus, memoryBytes, engine, disks, network } = machine
  const options: RunOptions = {
    target: { kind: 'image', name: image },
    memoryBytes,
    cpus,
    disks,
    volumes: [],
    network: { ...network, publish: [] },
    engine,
    stats: false,
    verbose: false,
    env: process.env,
  }
  return { image, options, board, agent, frozenMs, pages: file, pageCount: file.pageCount, close }
}

/** How far a clone's clock may be off before it is set, ms. */
const CLOCK_SLACK_MS = 1000

/** Sets the clock of a machine that was frozen a while ago. */
export function mendClock(frozen: MachineImage, running: RunningMachine): void {
  const nowMs = hostMs()
  if (Math.abs(nowMs - frozen.frozenMs) > CLOCK_SLACK_MS) running.agent.setClock(nowMs / 1000)
}

/** What lies outside the machine cannot be frozen with it. */
function refuseOutside(options: RunOptions): void {
  if (options.volumes.length > 0) {
    throw new DoppelError('snapshot.volume', 'a machine with shared folders cannot be saved: they may change meanwhile')
  }
  if (options.disks.some(disk => disk.mode !== 'read-only')) {
    throw new DoppelError('snapshot.disk', 'a machine with writable disks cannot be saved yet; attach them with :ro')
  }
}
