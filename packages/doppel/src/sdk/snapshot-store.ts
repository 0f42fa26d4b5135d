import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { DoppelError, PAGE_BYTES } from '@doppel/base'
import { isEqual, type SnapshotFile } from '@doppel/monitor'
import { IS_JAILED, openSnapshotFile } from '../host/snapshot-host.ts'
import { savedMachine } from './image.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A snapshot as `doppel snapshot ls` tells it. */
export interface ListedSnapshot {
  readonly name: string
  readonly path: string
  readonly image: string
  readonly memoryBytes: number
  readonly frozenMs: number
  /** Of its own file; its parents' are not counted. */
  readonly sizeBytes: number
  /** The one it lies over, by its name. */
  readonly parent: string | undefined
}

/** How two snapshots differ in memory or one disk. */
export interface SnapshotDifference {
  readonly space: string
  /** Pages of 4096 bytes. */
  readonly pages: number
  readonly bytes: number
}

const SUFFIX = '.snap'
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$/

/** Where snapshots with a name are: the user's data folder. */
export function snapshotFolder(env: Environment): string {
  return join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'doppel', 'snapshots')
}

/** True for what names a snapshot of the user's folder, rather than a file. */
export function isSnapshotName(text: string): boolean {
  return !text.includes('/') && !text.endsWith(SUFFIX)
}

/** The file of a name, or the file itself. Throws `snapshot.name` for what is no name. */
export function snapshotPath(nameOrFile: string, env: Environment): string {
  if (!isSnapshotName(nameOrFile)) return resolve(nameOrFile)
  if (NAME.test(nameOrFile)) return join(snapshotFolder(env), nameOrFile + SUFFIX)
  throw new DoppelError('snapshot.name', `'${nameOrFile}' is no name; use letters, digits, '.', '_' and '-'`, {
    name: nameOrFile,
  })
}

/**
 * Makes room for a snapshot of this name; returns its file. Throws `snapshot.name`, also when the name is taken, and
 * `isolation.snapshot` in a jail: it may not touch what other machines are restored from.
 */
export async function newSnapshotPath(name: string, env: Environment): Promise<string> {
  // A file's would be in whatever folder this process is in.
  if (!isSnapshotName(name)) throw new DoppelError('snapshot.name', `'${name}' is a file, not a name`, { name })
  const path = snapshotPath(name, env)
  if (IS_JAILED) {
    throw new DoppelError('isolation.snapshot', 'a jailed machine is in no named snapshot; it can be forked', { name })
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const isTaken = await stat(path).then(
    () => true,
    () => false,
  )
  if (!isTaken) return path
  throw new DoppelError('snapshot.name', `there is a snapshot '${name}' already; doppel snapshot rm ${name} removes it`)
}

/** Every snapshot of the user's folder, the oldest first; files that are none are left out. */
export async function listSnapshots(env: Environment): Promise<ListedSnapshot[]> {
  const folder = snapshotFolder(env)
  const names = await readdir(folder).catch(() => [])
  const listed = names.filter(name => name.endsWith(SUFFIX)).map(name => describe(join(folder, name)))
  return (await Promise.all(listed)).filter(each => each !== undefined).sort((a, b) => a.frozenMs - b.frozenMs)
}

async function describe(path: string): Promise<ListedSnapshot | undefined> {
  let opened: ReturnType<typeof openSnapshotFile> | undefined
  try {
    opened = openSnapshotFile(path)
    const { image, memoryBytes, frozenMs } = savedMachine(opened.file, path)
    const { size: sizeBytes } = await stat(path)
    const parent = opened.file.parentPath
    return {
      name: basename(path, SUFFIX),
      path,
      image,
      memoryBytes,
      frozenMs,
      sizeBytes,
      parent: parent === undefined ? undefined : basename(parent, SUFFIX),
    }
  } catch (error) {
    if (error instanceof DoppelError) return undefined
    throw error
  } finally {
    opened?.close()
  }
}

/** Removes a snapshot. Throws `snapshot.name` when there is none, `snapshot.in-use` while others lie over it. */
export async function removeSnapshot(name: string, env: Environment): Promise<void> {
  const path = snapshotPath(name, env)
  const children = (await listSnapshots(env)).filter(({ parent }) => parent === name).map(child => child.name)
  if (children.length > 0) {
    throw new DoppelError(
      'snapshot.in-use',
      `${children.join(', ')} ${children.length > 1 ? 'lie' : 'lies'} over ${name}; remove that first`,
      {
        name,
      },
    )
  }
  await rm(path).catch((error: unknown) => {
    throw new DoppelError(
      'snapshot.name',
      `there is no snapshot '${name}'; doppel snapshot ls shows them`,
      { name },
      error,
    )
  })
}

/** Compares two snapshots, page by page. Throws `snapshot.*`. */
export function compareSnapshots(before: string, after: string): SnapshotDifference[] {
  const opened: ReturnType<typeof openSnapshotFile>[] = []
  try {
    const files = [before, after].map(path => {
      const each = openSnapshotFile(path)
      opened.push(each)
      return each.file
    }) as [SnapshotFile, SnapshotFile]
    const names = new Set(files.flatMap(file => file.spaceNames))
    return [...names].map(space => difference(space, files))
  } finally {
    for (const each of opened) each.close()
  }
}

function difference(space: string, files: readonly [SnapshotFile, SnapshotFile]): SnapshotDifference {
  const [before, after] = files.map(file => file.space(space))
  const told = new Set([...(before?.toldPages() ?? []), ...(after?.toldPages() ?? [])])
  const [a, b] = [new Uint8Array(PAGE_BYTES), new Uint8Array(PAGE_BYTES)]
  let pages = 0
  for (const page of told) {
    before?.read(page, a.fill(0))
    after?.read(page, b.fill(0))
    if (!isEqual(a, b)) pages++
  }
  return { space, pages, bytes: pages * PAGE_BYTES }
}
