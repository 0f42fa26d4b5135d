import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { cacheFolder } from '@doppel/images/cache-folder'

/** Where Debian installs its JDKs. */
const JVM_FOLDER = '/usr/lib/jvm'
const SUPPORTED = 17

/** A Java platform on this computer. */
export interface JavaHome {
  readonly path: string
  /** What its `release` file says, e.g. `17.0.15`. */
  readonly version: string
}

/** The name of the library that `doppel image pull` fetches. */
const PULLED = 'openjdk-17'

/**
 * The platform to use: the one named (a folder, or `openjdk-17` for the image that was pulled), $JAVA_HOME, an OpenJDK 17
 * that is installed, or the image. Throws `java.home`.
 */
export function findJavaHome(env: Readonly<Record<string, string | undefined>>, library?: string): JavaHome {
  const named = library ?? (env.JAVA_HOME || undefined)
  const pulled = foldersIn(join(cacheFolder(env), 'java-homes')).filter(path => basename(path).startsWith(`${PULLED}-`))
  const candidates = named === PULLED ? pulled : named === undefined ? [...foldersIn(JVM_FOLDER), ...pulled] : [named]
  for (const path of candidates) {
    if (!existsSync(join(path, 'lib', 'modules'))) continue
    const version = versionOf(path)
    if (Number(version.split('.')[0]) === SUPPORTED) return { path: realpathSync(path), version }
  }
  const where = named === undefined ? `there is none in ${JVM_FOLDER}` : `${named} is none`
  throw new DoppelError(
    'java.home',
    `no OpenJDK ${SUPPORTED} library found: ${where}; expected a folder with lib/modules (doppel image pull ${PULLED}, ` +
      'or Debian: openjdk-17-jre-headless)',
    { named },
  )
}

/** Folders of a folder, the last by name first, so that newer versions come before older ones. */
function foldersIn(path: string): string[] {
  if (!existsSync(path)) return []
  const names = readdirSync(path).filter(name => !name.startsWith('.'))
  return names
    .sort()
    .reverse()
    .map(name => join(path, name))
}

function versionOf(path: string): string {
  const release = join(path, 'release')
  if (!existsSync(release)) return ''
  return /^JAVA_VERSION="([^"]+)"/m.exec(readFileSync(release, 'utf8'))?.[1] ?? ''
}
