import { createReadStream } from 'node:fs'
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
    const keys = this.#options.keys ?? (await debianKeys())
    const nowMs = Number(this.#clock.realtimeNs() / 1_000_000n)
    const recordName = `release-${suite}-${sha256(new TextEncoder().encode(this.mirror)).slice(0, 16)}`
    const record = asRecord(await cache.readRecord(recordName))
    const cachedBytes = record && (await cache.read(record.inRelease))
    const verified = async (bytes: Uint8Array): Promise<Release> =>
      await verifyRelease(new TextDecoder().decode(bytes), suite, keys, this.#clock)
    const ageMs = record ? nowMs - record.checkedAtMs : Infinity
    if (cachedBytes && !this.#options.refresh && ageMs >= 0 && ageMs < DAY_MS) return await verified(cachedBytes)
    let fetched: Uint8Array
    try {
      fetched = await httpGetSmall(`${this.mirror}/dists/${suite}/InRelease`, MAX_IN_RELEASE_BYTES)
    } catch (error) {
      if (!cachedBytes || !(error instanceof DoppelError) || !error.code.startsWith('net.')) throw error
      note?.(`${error.message}; using the package list fetched earlier`)
      return await verified(cachedBytes)
    }
    const release = await verified(fetched)
    if (cachedBytes) {
      const known = await verified(cachedBytes)
      if (Date.parse(known.date) > Date.parse(release.date)) {
        note?.(`${this.mirror} is behind (${release.date}); using the newer package list fetched earlier`)
        return known
      }
    }
    await cache.writeRecord(recordName, { inRelease: await cache.write(fetched), checkedAtMs: nowMs })
    return release
  }

  async #indexBytes(architecture: string): Promise<AsyncIterable<Uint8Array>> {
    const { file, name } = await this.#packagesFile(architecture)
    const source = createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    return unpacked(packingOf(name), source, MAX_PACKAGES_BYTES, name)
  }

  async #packagesFile(architecture: string): Promise<{ readonly file: string; readonly name: string }> {
    const { cache, suite, progress } = this.#options
    const release = await this.release()
    for (const ending of ['.xz', '.gz']) {
      const name = `main/binary-${architecture}/Packages${ending}`
      const entry = release.files.get(name)
      if (entry === undefined) continue
      const base = `${this.mirror}/dists/${suite}`
      const byHash = `${base}/main/binary-${architecture}/by-hash/SHA256/${entry.sha256}`
      const from = async (url: string): Promise<string> =>
        await download(cache, { url, ...entry, label: `${suite} package list` }, progress)
      try {
        return { file: await from(release.acquireByHash ? byHash : `${base}/${name}`), name }
      } catch (error) {
        const missing = error instanceof DoppelError && error.code === 'net.status'
        if (!missing || !release.acquireByHash) throw error
        // Small mirrors announce by-hash without carrying it.
        return { file: await from(`${base}/${name}`), name }
      }
    }
    throw new DoppelError(
      'debian.architecture',
      `${suite} at ${this.mirror} has no package list for ${architecture}; expected main/binary-${architecture}`,
      { suite, mirror: this.mirror, architecture },
    )
  }
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
