import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'

type Environment = Readonly<Record<string, string | undefined>>
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/

/** A folder that doppel keeps under a name, for machines to share. */
export interface NamedVolume {
  readonly name: string
  readonly path: string
  readonly createdMs: number
}

const folderOf = (env: Environment): string =>
  join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'doppel', 'volumes')

/** True for what names a volume rather than a folder: as with Docker, it has no slash in it. */
export function isVolumeName(text: string): boolean {
  return NAME.test(text)
}

/** The folder of a name, made when it is not there. Throws `volume.name`. */
export async function makeVolume(name: string, env: Environment): Promise<string> {
  if (!isVolumeName(name)) {
    throw new DoppelError('volume.name', `'${name}' is no name; use letters, digits, '.', '_' and '-'`, { name })
  }
  const path = join(folderOf(env), name)
  await mkdir(path, { recursive: true, mode: 0o700 })
  return path
}

/** Every volume that has a name. */
export async function listVolumes(env: Environment): Promise<NamedVolume[]> {
  const names = await readdir(folderOf(env)).catch(() => [])
  return await Promise.all(
    names
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map(async name => {
        const path = join(folderOf(env), name)
        return { name, path, createdMs: Math.round((await stat(path)).birthtimeMs) }
      }),
  )
}

/** A volume by its name. Throws `volume.unknown`. */
export async function findVolume(name: string, env: Environment): Promise<NamedVolume> {
  const found = (await listVolumes(env)).find(volume => volume.name === name)
  if (found) return found
  throw new DoppelError('volume.unknown', `there is no volume '${name}'; doppel volume ls shows them`, { name })
}

/** Removes a volume and all that is in it. Throws `volume.unknown`. */
export async function removeVolume(name: string, env: Environment): Promise<void> {
  await rm((await findVolume(name, env)).path, { recursive: true })
}
