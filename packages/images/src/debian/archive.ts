import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Clock, DoppelError, hostClock } from '@doppel/base'
import { sha256 } from '../cache/files.ts'
import type { CachedObject, ImageCache } from '../cache/image-cache.ts'
import { packingOf, unpacked } from '../decompress.ts'
import { download } from '../download.ts'
import { httpGetSmall } from '../http.ts'
import type { Progress } from '../progress.ts'
import { chooseMirror } from './mirror.ts'
import { PackageIndex } from './package-index.ts'
import { type DebianPackage, findPackages } from './packages.ts'
import { debianKeys, type Release, verifyRelease } from './release.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const MAX_IN_RELEASE_BYTES = 16 << 20
const MAX_PACKAGES_BYTES = 1 << 30

/** Which archive to use, and how. */
export interface ArchiveOptions {
  readonly cache: ImageCache
  /** E.g. `trixie`. */
  readonly suite: string
  /** The archive's base address; the host's own choice when absent. */
  readonly mirror?: string
  /** Asks the mirror even when it was asked within a day. */
  readonly refresh?: boolean
  readonly clock?: Clock
  readonly progress?: Progress
  /** Told what the user should know though it is no failure, e.g. that the mirror could not be asked. */
  readonly note?: (text: string) => void
  /** OpenPGP certificates to trust instead of Debian's, each in binary form. */
  readonly keys?: readonly Uint8Array[]
}

interface ReleaseRecord {
  readonly inRelease: CachedObject
  readonly checkedAtMs: number
}

/** A client of one suite of a Debian archive: everything it returns is vouched for by a signature of the archive's. */
export class DebianArchive {
  readonly mirror: string
  readonly #options: ArchiveOptions
  readonly #clock: Clock
  #release: Promise<Release> | undefined

  constructor(options: ArchiveOptions) {
    this.#options = options
    this.mirror = options.mirror ?? chooseMirror().url
    this.#clock = options.clock ?? hostClock()
  }

  /**
   * The suite's verified release: the cached one when it is less than a day old or the mirror cannot be reached.
   * Throws `net.*`, or as `verifyRelease`.
   */
  async release(): Promise<Release> {
    this.#release ??= this.#currentRelease()
    return await this.#release
  }

  /** The packages of main for `architecture` whose name `wanted` accepts. Throws `debian.*`, `net.*`, `image.*`. */
  async packages(architecture: string, wanted: (name: string) => boolean): Promise<DebianPackage[]> {
    return await findPackages(await this.#indexBytes(architecture), wanted)
  }

  /** All packages of main for `architecture`. Throws `debian.*`, `net.*`, `image.*`. */
  async index(architecture: string): Promise<PackageIndex> {
    return await PackageIndex.read(await this.#indexBytes(architecture))
  }

  /** What apt keeps of this suite once it has updated: its release, and its package list for `architecture`, packed. */
  async lists(architecture: string): Promise<{ readonly [path: string]: Uint8Array }> {
    const { cache, suite } = this.#options
    const { file, name } = await this.#packagesFile(architecture)
    const record = asRecord(await cache.readRecord(this.#recordName))
    const inRelease = record && (await cache.read(record.inRelease))
    if (!inRelease)
      throw new DoppelError('image.hash', `the release of ${suite} has gone from ${cache.root}`, { suite })
    const base = `${this.mirror}/dists/${suite}`
    return { [listName(`${base}/InRelease`)]: inRelease, [listName(`${base}/${name}`)]: await readFile(file) }
  }

  /** Downloads a package, verified, into the cache; returns the .deb's path there. */
  async fetch(wanted: DebianPackage): Promise<string> {
    // Versions may hold `+` and `~`, which an address carries as they are, and an epoch's colon as %3a already.
    const url = `${this.mirror}/${wanted.filename}`
    return await download(
      this.#options.cache,
      { url, sha256: wanted.sha256, sizeBytes: wanted.sizeBytes, label: wanted.name },
      this.#options.progress,
    )
  }

  async #currentRelease(): Promise<Release> {
    const { cache, suite, note } = this.#options
    const nowMs = this.#nowMs()
    const record = asRecord(await cache.readRecord(this.#recordName))
    const cachedBytes = record && (await cache.read(record.inRelease))
    const ageMs = record ? nowMs - record.checkedAtMs : Infinity
    if (cachedBytes && !this.#options.refresh && ageMs >= 0 && ageMs < DAY_MS) return await this.#verified(cachedBytes)
    let fetched: Uint8Array
    try {
      fetched = await this.#inRelease(suite)
    } catch (error) {
      if (!cachedBytes || !(error instanceof DoppelError) || !error.code.startsWith('net.')) throw error
      note?.(`${error.message}; using the package list fetched earlier`)
      return await this.#verified(cachedBytes)
    }
    const release = await this.#verified(fetched)
    if (cachedBytes) {
      const known = await this.#verified(cachedBytes)
      if (Date.parse(known.date) > Date.parse(release.date)) {
        note?.(`${this.mirror} is behind (${release.date}); using the newer package list fetched earlier`)
        return known
      }
    }
    await this.#remember(fetched)
    return release
  }

  get #recordName(): string {
    return `release-${this.#options.suite}-${sha256(new TextEncoder().encode(this.mirror)).slice(0, 16)}`
  }
  #nowMs(): number {
    return Number(this.#clock.realtimeNs() / 1_000_000n)
  }
  async #remember(inRelease: Uint8Array): Promise<void> {
    const { cache } = this.#options
    await cache.writeRecord(this.#recordName, { inRelease: await cache.write(inRelease), checkedAtMs: this.#nowMs() })
  }
  async #inRelease(suite: string): Promise<Uint8Array> {
    return await httpGetSmall(`${this.mirror}/dists/${suite}/InRelease`, MAX_IN_RELEASE_BYTES)
  }
  async #verified(inRelease: Uint8Array): Promise<Release> {
    const keys = this.#options.keys ?? (await debianKeys())
    return await verifyRelease(new TextDecoder().decode(inRelease), this.#options.suite, keys, this.#clock)
  }

  async #indexBytes(architecture: string): Promise<AsyncIterable<Uint8Array>> {
    const { file, name } = await this.#packagesFile(architecture)
    const source = createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    return unpacked(packingOf(name), source, MAX_PACKAGES_BYTES, name)
  }

  async #packagesFile(architecture: string): Promise<PackageList> {
    const { suite, note } = this.#options
    const release = await this.release()
    try {
      return await this.#listOf(release, suite, architecture)
    } catch (error) {
      // A mirror that is being renewed has a suite's new release and its old lists, or the other way about. Under its other
      // name the suite may be all of one state: older, and signed like this one.
      const otherName = [release.suite, release.codename].find(name => name !== suite)
      if (otherName === undefined || !isTorn(error)) throw error
      const inRelease = await this.#inRelease(otherName).catch(() => undefined)
      const other = inRelease && (await this.#verified(inRelease))
      if (!other || other.date === release.date) throw error
      const list = await this.#listOf(other, otherName, architecture)
      note?.(`${this.mirror} is being renewed; using ${otherName} of ${other.date}`)
      await this.#remember(inRelease)
      this.#release = Promise.resolve(other)
      return list
    }
  }

  async #listOf(release: Release, folder: string, architecture: string): Promise<PackageList> {
    const { cache, suite, progress } = this.#options
    let failure: unknown
    for (const ending of ['.xz', '.gz']) {
      const name = `main/binary-${architecture}/Packages${ending}`
      const entry = release.files.get(name)
      if (entry === undefined) continue
      const base = `${this.mirror}/dists/${folder}`
      const byHash = `${base}/main/binary-${architecture}/by-hash/SHA256/${entry.sha256}`
      // Small mirrors announce by-hash without carrying it.
      for (const url of release.acquireByHash ? [byHash, `${base}/${name}`] : [`${base}/${name}`]) {
        try {
          return { file: await download(cache, { url, ...entry, label: `${suite} package list` }, progress), name }
        } catch (error) {
          if (!isTorn(error)) throw error
          failure = error
        }
      }
    }
    if (failure !== undefined) throw failure
    throw new DoppelError(
      'debian.architecture',
      `${suite} at ${this.mirror} has no package list for ${architecture}; expected main/binary-${architecture}`,
      { suite, mirror: this.mirror, architecture },
    )
  }
}

/** Where apt keeps what it has from an address (apt-pkg, URItoFileName). */
function listName(url: string): string {
  const plain = url.replace(/^\w+:\/\//, '')
  const quoted = plain.replaceAll(/[\\|{}[\]<>"^~_=!@#$%&*]/g, c => `%${c.charCodeAt(0).toString(16)}`)
  return `var/lib/apt/lists/${quoted.replaceAll('/', '_')}`
}

/** A package list in the cache, and its name in the release. */
interface PackageList {
  readonly file: string
  readonly name: string
}

/** True when a mirror has another file, or none, where its release has announced one. */
function isTorn(error: unknown): boolean {
  return error instanceof DoppelError && ['net.status', 'net.interrupted', 'image.hash'].includes(error.code)
}

function asRecord(value: unknown): ReleaseRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { inRelease, checkedAtMs } = value as Partial<ReleaseRecord>
  const sound =
    typeof checkedAtMs === 'number' &&
    typeof inRelease?.sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(inRelease.sha256) &&
    typeof inRelease.sizeBytes === 'number'
  return sound ? { inRelease, checkedAtMs } : undefined
}
