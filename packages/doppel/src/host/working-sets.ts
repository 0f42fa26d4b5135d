import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '@doppel/images'
import { decodeHeldPages, encodeHeldPages, type HeldPages, WorkingSet, type PageSource } from '@doppel/monitor'
import { isFileError } from './file-error.ts'
import { IS_JAILED, snapshotHost } from './snapshot-host.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Snapshots whose first pages are kept; the one unused for longest makes room. */
const MAX_KEPT = 12
/** What a machine touches later than this is not what it needs to begin with. */
const NOTED_MS = 1000

const folderOf = (env: Environment): string => join(cacheFolder(env), 'working-sets')
const pathOf = (id: Uint8Array, env: Environment): string => join(folderOf(env), Buffer.from(id).toString('hex'))

/** A snapshot's memory, with what machines that go on from it touch first. */
export interface NotedMemory {
  readonly pages: PageSource
  /** Says that a machine goes on from it now. */
  readonly goesOn: () => void
  /** Keeps what has been noted, if that has not been done. Never rejects for a cache that cannot be written. */
  readonly close: () => Promise<void>
}

/** The memory of the snapshot `id`, read by way of the pages that an earlier machine touched first. */
export function notedMemory(memory: PageSource, id: Uint8Array, env: Environment): NotedMemory {
  const pages = new WorkingSet(memory, heldPages(id, env))
  let timer: NodeJS.Timeout | undefined
  const close = async (): Promise<void> => {
    clearTimeout(timer)
    const noted = pages.takeNoted()
    if (noted && !IS_JAILED) await keep(noted, id, env)
  }
  return { pages, goesOn: () => void (timer ??= setTimeout(() => void close(), NOTED_MS).unref()), close }
}

function heldPages(id: Uint8Array, env: Environment): HeldPages | undefined {
  try {
    return decodeHeldPages(readFileSync(pathOf(id, env)), id, snapshotHost)
  } catch (error) {
    if (isFileError(error)) return undefined
    throw error
  }
}

async function keep(noted: HeldPages, id: Uint8Array, env: Environment): Promise<void> {
  const path = pathOf(id, env)
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(folderOf(env), { recursive: true, mode: 0o700 })
    await makeRoom(folderOf(env))
    await writeFile(temporary, encodeHeldPages(noted, id, snapshotHost), { mode: 0o600 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    if (!isFileError(error)) throw error
  }
}

async function makeRoom(folder: string): Promise<void> {
  const paths = (await readdir(folder)).map(name => join(folder, name))
  const aged = await Promise.all(paths.map(async path => ({ path, atMs: (await stat(path)).atimeMs })))
  aged.sort((a, b) => b.atMs - a.atMs)
  for (const { path } of aged.slice(MAX_KEPT - 1)) await rm(path, { force: true })
}
