import { DoppelError, hostClock, type Saved } from '@doppel/base'
import {
  type AgentState,
  type DiskImageFile,
  diskSpace,
  type FrozenDisk,
  Holders,
  MemoryPages,
  type PageSource,
  pagesSpace,
  savedDisk,
  type SnapshotFile,
} from '@doppel/monitor'
import type { DiskOption, RunOptions } from '../cli/run-options.ts'
import { openSnapshotFile, saveSnapshotFile } from '../host/snapshot-host.ts'
import { notedMemory } from '../host/working-sets.ts'
import { openFrozenDisk } from '../run/disks.ts'
import type { RunningMachine } from '../run/machine.ts'

/** A machine that stands still: what a clone of it starts from. Whoever keeps it holds it; its maker does from the beginning. */
export interface MachineImage {
  /** The name of the image it was made of. */
  readonly image: string
  readonly options: RunOptions
  readonly board: Saved
  readonly agent: AgentState
  readonly pages: PageSource
  /** Told when a machine goes on from it. */
  readonly goesOn?: () => void
  /** Pages of RAM, touched or not. */
  readonly pageCount: number
  /** What its disks held; they are the image's to give back. Throws `disk.*`, `snapshot.disk`. */
  readonly disks: () => Promise<readonly FrozenDisk[]>
  /** When it was frozen, milliseconds since 1970. */
  readonly frozenMs: number
  readonly retain: () => void
  readonly release: () => Promise<void>
}

/** What a machine goes on from: an image, or one whose writable disks are opened as they are. */
export interface MachineSource extends Omit<MachineImage, 'disks'> {
  readonly disks: () => Promise<readonly (FrozenDisk | undefined)[]>
}

/** What a snapshot file says beside memory and disks: version 2. */
export interface SavedMachine {
  readonly version: 2
  readonly image: string
  /** What it was booted from; nothing is read from there again. */
  readonly target: RunOptions['target']
  readonly initrd: string | undefined
  readonly cpus: number
  readonly memoryBytes: number
  readonly engine: RunOptions['engine']
  readonly disks: readonly SavedDisk[]
  /** Folders of the host's: what is in them is not saved. */
  readonly volumes: RunOptions['volumes']
  /** Ports are published, and frames captured, anew. */
  readonly network: Pick<RunOptions['network'], 'mode' | 'policy'>
  readonly board: Saved
  readonly agent: AgentState
  readonly frozenMs: number
}
interface SavedDisk extends DiskOption {
  readonly sizeBytes: number
  /** The image that the disk's pages lie over; without one they are the whole disk. */
  readonly file: DiskImageFile | undefined
}
const VERSION = 2
const MEMORY = 'memory'
const diskName = (index: number): string => `disk${index}`

const hostMs = (): number => Number(hostClock().realtimeNs() / 1_000_000n)

/**
 * Freezes a paused machine: its memory is copied and its disks remembered, so that it may go on. `from` is what it was
 * itself restored from. Throws `snapshot.*`.
 */
export async function freeze(
  image: string,
  options: RunOptions,
  running: RunningMachine,
  from: MachineSource | undefined,
): Promise<MachineImage> {
  const board = await running.vm.save()
  const { pageCount } = running.cpu.engine.frames
  const pages = new MemoryPages(pageCount, running.vm.cpu.touchedPages(), from?.pages)
  const disks = running.disks.map(disk => disk.freeze())
  from?.retain()
  const holders = new Holders(async () => {
    for (const disk of disks) await disk.release()
    await from?.release()
  })
  return {
    image,
    options: optionsOfClone(options),
    board,
    agent: running.agent.save(),
    pages,
    pageCount,
    disks: () => Promise.resolve(disks),
    frozenMs: hostMs(),
    retain: holders.retain,
    release: holders.release,
  }
}

/** A clone has no right to what its original has outside: it keeps its changes of a disk to itself. */
function optionsOfClone(options: RunOptions): RunOptions {
  const { mode, policy } = options.network
  const disks = options.disks.map(
    (disk): DiskOption => ({ ...disk, mode: disk.mode === 'read-write' ? 'overlay' : disk.mode }),
  )
  return { ...options, disks, network: { mode, policy, publish: [] } }
}

/**
 * Writes a frozen machine to a file: all of it, or what differs from `parent`, which is then needed to open it. Throws
 * `snapshot.file`, and what the disks throw.
 */
export async function saveImage(
  path: string,
  frozen: MachineImage,
  parent?: { readonly file: SnapshotFile; readonly path: string },
): Promise<void> {
  const { image, board, agent, frozenMs, pages, pageCount, options } = frozen
  const { cpus, memoryBytes, engine } = options
  const { mode, policy } = options.network
  const disks = await frozen.disks()
  const machine: SavedMachine = {
    version: VERSION,
    image,
    target: options.target,
    initrd: options.initrd,
    cpus,
    memoryBytes,
    engine,
    disks: disks.map(({ sizeBytes, file }, i) => ({ ...(options.disks[i] as DiskOption), sizeBytes, file })),
    volumes: options.volumes,
    network: { mode, policy },
    board,
    agent,
    frozenMs,
  }
  const spaces = [pagesSpace(MEMORY, pageCount, pages), ...disks.map((disk, i) => diskSpace(diskName(i), disk))]
  await saveSnapshotFile(path, { machine: machine as unknown as Saved, spaces, parent })
}

/** What a snapshot file says of its machine. Throws `snapshot.version`. */
export function savedMachine(file: SnapshotFile, path: string): SavedMachine {
  const machine = file.machine as unknown as SavedMachine
  if (machine.version === VERSION) return machine
  throw new DoppelError('snapshot.version', `${path} holds a machine of version ${String(machine.version)}`, { path })
}

/**
 * Opens a frozen machine in a file. Throws `snapshot.file`, `snapshot.format`, `snapshot.version`, `snapshot.damaged`,
 * `snapshot.parent`.
 */
export function openImage(path: string): MachineImage {
  const opened = openSnapshotFile(path)
  try {
    return imageIn(opened, path)
  } catch (error) {
    opened.close()
    throw error
  }
}

function imageIn(opened: ReturnType<typeof openSnapshotFile>, path: string): MachineImage {
  const machine = savedMachine(opened.file, path)
  const { image, board, agent, frozenMs, cpus, memoryBytes, engine, network } = machine
  const memory = opened.file.space(MEMORY)
  if (!memory) throw new DoppelError('snapshot.format', `${path} has no memory in it`, { path })
  let disks: Promise<readonly FrozenDisk[]> | undefined
  const options: RunOptions = {
    ...(machine.target && { target: machine.target }),
    ...(machine.initrd !== undefined && { initrd: machine.initrd }),
    memoryBytes,
    cpus,
    disks: machine.disks.map(({ path: of, mode, serial }) => ({ path: of, mode, ...(serial && { serial }) })),
    volumes: machine.volumes,
    network: { ...network, publish: [] },
    engine,
    stats: false,
    verbose: false,
    env: process.env,
  }
  const noted = notedMemory(memory, opened.file.id, options.env)
  const holders = new Holders(async () => {
    await noted.close()
    // Those that could not be opened have said so.
    for (const disk of (await disks?.catch(() => [])) ?? []) await disk.release()
    opened.close()
  })
  return {
    image,
    options,
    board,
    agent,
    frozenMs,
    pages: noted.pages,
    goesOn: noted.goesOn,
    pageCount: memory.pageCount,
    disks: () => (disks ??= openSavedDisks(opened.file, machine.disks, options.env)),
    retain: holders.retain,
    release: holders.release,
  }
}

async function openSavedDisks(
  file: SnapshotFile,
  saved: readonly SavedDisk[],
  env: RunOptions['env'],
): Promise<readonly FrozenDisk[]> {
  const disks: FrozenDisk[] = []
  try {
    for (const [i, { sizeBytes, file: image }] of saved.entries()) {
      const pages = file.space(diskName(i))
      if (!pages) throw new DoppelError('snapshot.format', `the snapshot says nothing of disk ${i}`)
      const base = image && (await openFrozenDisk(image.path, env, image))
      disks.push(savedDisk(pages, sizeBytes, base))
      await base?.release()
    }
    return disks
  } catch (error) {
    for (const disk of disks) await disk.release()
    throw error
  }
}

/** How far a clone's clock may be off before it is set, ms. */
const CLOCK_SLACK_MS = 1000

/** Sets the clock of a machine that was frozen a while ago. */
export function mendClock(frozen: MachineSource, running: RunningMachine): void {
  const nowMs = hostMs()
  if (Math.abs(nowMs - frozen.frozenMs) > CLOCK_SLACK_MS) running.agent.setClock(nowMs / 1000)
}
