import { link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Clock, DoppelError } from '@doppel/base'
import { errnoOf, fileFailure } from '../cache/files.ts'
import type { CachedObject, ImageCache } from '../cache/image-cache.ts'
import { DebianArchive } from '../debian/archive.ts'
import { extractDeb } from '../debian/deb.ts'
import type { DebianPackage } from '../debian/packages.ts'
import type { Progress } from '../progress.ts'

const SUITE = 'bookworm'
/** The class library is the same for every computer but for what its native code would be. */
const ARCHITECTURE = 'amd64'
const PACKAGE = 'openjdk-17-jre-headless'
const HOME = `usr/lib/jvm/java-17-openjdk-${ARCHITECTURE}/`
const CONFIGURATION = 'etc/java-17-openjdk/'
const RECORD = 'image-openjdk-17'

/** How to come by the library. */
export interface JavaLibraryOptions {
  readonly cache: ImageCache
  readonly mirror?: string
  readonly clock?: Clock
  readonly progress?: Progress
  readonly note?: (text: string) => void
}

/** OpenJDK’s class library as a folder that can be java.home. */
export interface JavaLibrary {
  readonly path: string
  /** The Debian package’s version. */
  readonly version: string
}

interface LibraryFile extends CachedObject {
  /** Below java.home. */
  readonly path: string
}
interface LibraryRecord {
  readonly version: string
  readonly package: DebianPackage
  readonly files: readonly LibraryFile[]
}

/**
 * Where a file of the package belongs in java.home; undefined for native code, manuals and the like, which no machine in
 * WebAssembly can use.
 */
export function libraryPath(path: string): string | undefined {
  if (path.startsWith(HOME)) {
    const inside = path.slice(HOME.length)
    return /^(?:release|lib\/modules|lib\/tzdb\.dat)$/.test(inside) ? inside : undefined
  }
  if (!path.startsWith(CONFIGURATION)) return undefined
  const inside = path.slice(CONFIGURATION.length)
  // Debian keeps what may be changed in /etc, and links to it.
  if (/^security\/(?:blocked\.certs|default\.policy|public_suffix_list\.dat)$/.test(inside)) return `lib/${inside}`
  return /^(?:security|management)\/|^(?:net|logging|sound|swing)\.properties$/.test(inside)
    ? `conf/${inside}`
    : undefined
}

/** Fetches Debian’s OpenJDK 17 library, or its newer version. Throws `net.*`, `debian.*`, `image.*` or `cache.*`. */
export async function pullJavaLibrary(options: JavaLibraryOptions): Promise<JavaLibrary> {
  const { cache, progress } = options
  return await cache.locked(RECORD, async () => {
    const archive = new DebianArchive({ ...options, suite: SUITE, refresh: true })
    const [wanted] = await archive.packages(ARCHITECTURE, name => name === PACKAGE)
    if (!wanted) {
      throw new DoppelError('debian.package', `${SUITE} at ${archive.mirror} has no package ${PACKAGE}`, {
        name: PACKAGE,
      })
    }
    const found = await findJavaLibrary(cache)
    if (found?.version === wanted.version) return found
    const contents = await extractDeb(await archive.fetch(wanted), path => libraryPath(path) !== undefined, progress)
    const files: LibraryFile[] = []
    for (const [path, { bytes }] of contents) {
      files.push({ path: libraryPath(path) as string, ...(await cache.write(bytes)) })
    }
    if (!files.some(file => file.path === 'lib/modules')) {
      throw new DoppelError('image.contents', `${PACKAGE} ${wanted.version} has no lib/modules`, { name: PACKAGE })
    }
    const record: LibraryRecord = { version: wanted.version, package: wanted, files }
    await layOut(cache, record)
    await cache.writeRecord(RECORD, record)
    return { path: homeOf(cache, record.version), version: record.version }
  })
}

/** The library, if it is here whole. Its large file is known by its length: it is read piece by piece. */
export async function findJavaLibrary(cache: ImageCache): Promise<JavaLibrary | undefined> {
  const record = (await cache.readRecord(RECORD)) as LibraryRecord | undefined
  if (!record) return undefined
  const path = homeOf(cache, record.version)
  for (const file of record.files) if (!(await hasLength(join(path, file.path), file.sizeBytes))) return undefined
  return { path, version: record.version }
}

/** What the cache keeps for the library: its objects; empty when it is not there. */
export async function javaLibraryObjects(cache: ImageCache): Promise<readonly CachedObject[]> {
  const record = (await cache.readRecord(RECORD)) as LibraryRecord | undefined
  return record ? [...record.files, record.package] : []
}

/** Forgets the library; `ImageCache.collect` frees what it used. */
export async function removeJavaLibrary(cache: ImageCache): Promise<void> {
  const record = (await cache.readRecord(RECORD)) as LibraryRecord | undefined
  await cache.removeRecord(RECORD)
  if (record) await rm(homeOf(cache, record.version), { recursive: true, force: true })
}

function homeOf(cache: ImageCache, version: string): string {
  return join(cache.root, 'java-homes', `openjdk-17-${version.replaceAll(/[^A-Za-z0-9.+~-]/g, '_')}`)
}

/** Makes the folder, of links to the cache’s objects: it appears whole. */
async function layOut(cache: ImageCache, { version, files }: LibraryRecord): Promise<void> {
  const home = homeOf(cache, version)
  const making = join(dirname(home), `.${basename(home)}.${process.pid}`)
  try {
    for (const { path, sha256 } of files) {
      const to = join(making, path)
      await mkdir(dirname(to), { recursive: true })
      await link(cache.objectPath(sha256), to)
    }
    await rm(home, { recursive: true, force: true })
    await rename(making, home)
  } catch (error) {
    await rm(making, { recursive: true, force: true })
    throw fileFailure(home, error)
  }
}

async function hasLength(path: string, sizeBytes: number): Promise<boolean> {
  try {
    return (await stat(path)).size === sizeBytes
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}
