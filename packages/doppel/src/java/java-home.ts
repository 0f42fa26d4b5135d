import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'

/** Where Debian installs its JDKs. */
const JVM_FOLDER = '/usr/lib/jvm'
const SUPPORTED = 17

/** A Java platform on this computer. */
export interface JavaHome {
  readonly path: string
  /** What its `release` file says, e.g. `17.0.15`. */
  readonly version: string
}

/** The platform to use: $JAVA_HOME, else an OpenJDK 17 that is installed. Throws `java.home`. */
export function findJavaHome(env: Readonly<Record<string, string | undefined>>): JavaHome {
  const named = env.JAVA_HOME
  const installed = existsSync(JVM_FOLDER) ? readdirSync(JVM_FOLDER).map(name => join(JVM_FOLDER, name)) : []
  const candidates = named === undefined || named === '' ? installed : [named]
  for (const path of candidates) {
    if (!existsSync(join(path, 'lib', 'modules'))) continue
    const version = versionOf(path)
    if (Number(version.split('.')[0]) === SUPPORTED) return { path: realpathSync(path), version }
  }
  const where = named ? `JAVA_HOME is ${named}` : `there is none in ${JVM_FOLDER}`
  throw new DoppelError(
    'java.home',
    `no OpenJDK ${SUPPORTED} library found: ${where}; expected a folder with lib/modules (Debian: openjdk-17-jre-headless)`,
    { named },
  )
}

function versionOf(path: string): string {
  const release = join(path, 'release')
  if (!existsSync(release)) return ''
  return /^JAVA_VERSION="([^"]+)"/m.exec(readFileSync(release, 'utf8'))?.[1] ?? ''
}
