import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DoppelError } from '@doppel/base'
import { cacheFolder, ImageCache, linuxImageObjects } from '@doppel/images'
import type { RunOptions } from '../cli/run-options.ts'
import { IS_JAILED } from '../host/snapshot-host.ts'
import { type MachineImage, openImage, saveImage } from './image.ts'

/** A machine of an image as it stood when it had started: later ones go on from there instead of booting. */
export interface StartSnapshot {
  readonly frozen: MachineImage
  /** What its console had printed. */
  readonly screen: Uint8Array
}

/** Such snapshots kept; the one unused for longest makes room. */
const MAX_KEPT = 8
const SCREEN_BYTES = 4096
/** A console that has said nothing new for so long has come to its prompt; one that never does is not waited for. */
const QUIET_MS = 150
const PROMPT_TIMEOUT_MS = 3000

/**
 * True where a machine's start is the same as that of any other one with its image, memory and harts: an image, and nothing
 * of this computer's in it.
 */
export function hasCommonStart(options: RunOptions): boolean {
  const { target, root, kernel, initrd, append, firmware, disks, volumes, engine } = options
  const isPlain = [kernel, initrd, append, firmware].every(given => given === undefined)
  const isWhole = target?.kind === 'image' && disks.length === (root ? 1 : 0)
  return isWhole && isPlain && volumes.length === 0 && engine === 'translator'
}

/** The start that an earlier machine left, if there is one that can be read. */
export async function findStart(options: RunOptions): Promise<StartSnapshot | undefined> {
  const path = await pathFor(options)
  if (path === undefined) return undefined
  const screen = await readFile(`${path}.screen`).catch(() => undefined)
  if (!screen) return undefined
  try {
    return { frozen: { ...openImage(path), options }, screen }
  } catch (error) {
    if (!(error instanceof DoppelError)) throw error
    // Of another version, or damaged: the machine boots, and leaves a new one.
    await rm(path, { force: true })
    return undefined
  }
}

/** Keeps a machine's start for later ones. A cache that cannot be written is no reason not to run. */
export async function keepStart(options: RunOptions, frozen: MachineImage, screen: Uint8Array): Promise<void> {
  const path = await pathFor(options)
  if (path === undefined || IS_JAILED) return
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(startFolder(options.env), { recursive: true })
    await makeRoom(options.env)
    await saveImage(temporary, frozen)
    await writeFile(`${path}.screen`, screen.subarray(-SCREEN_BYTES))
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    const isOurs = error instanceof DoppelError ? error.code.startsWith('snapshot.') : 'syscall' in (error as object)
    if (!isOurs) throw error
  }
}

/** Forgets all of them, as when an image is removed. */
export async function forgetStarts(env: RunOptions['env']): Promise<void> {
  await rm(startFolder(env), { recursive: true, force: true })
}

/** Resolves when a console has come to its prompt. */
export async function prompted(console: { readonly output: Uint8Array }): Promise<void> {
  let [seen, quietMs] = [0, 0]
  for (let waitedMs = 0; waitedMs < PROMPT_TIMEOUT_MS && quietMs < QUIET_MS; waitedMs += QUIET_MS / 3) {
    await sleep(QUIET_MS / 3)
    const { length } = console.output
    quietMs = length > 0 && length === seen ? quietMs + QUIET_MS / 3 : 0
    seen = length
  }
}

const startFolder = (env: RunOptions['env']): string => join(cacheFolder(env), 'starts')

/** Named by all that decides how the machine starts; undefined where that is not the same for all. */
async function pathFor(options: RunOptions): Promise<string | undefined> {
  if (!hasCommonStart(options)) return undefined
  const { target, root, disks, memoryBytes, cpus, network, env } = options
  const linux = await linuxImageObjects(new ImageCache(cacheFolder(env)))
  const decides = { target, root, disks, memoryBytes, cpus, network: network.mode, linux }
  const hash = createHash('sha256').update(JSON.stringify(decides)).digest('hex')
  return join(startFolder(env), `${hash.slice(0, 32)}.snap`)
}

async function makeRoom(env: RunOptions['env']): Promise<void> {
  const folder = startFolder(env)
  const paths = (await readdir(folder)).map(name => join(folder, name)).filter(path => path.endsWith('.snap'))
  const aged = await Promise.all(paths.map(async path => ({ path, atMs: (await stat(path)).atimeMs })))
  aged.sort((a, b) => b.atMs - a.atMs)
  for (const { path } of aged.slice(MAX_KEPT - 1)) {
    await rm(path, { force: true })
    await rm(`${path}.screen`, { force: true })
  }
}
