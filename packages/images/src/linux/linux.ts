import { type Clock, DoppelError } from '@doppel/base'
import { sha256 } from '../cache/files.ts'
import type { CachedObject, ImageCache } from '../cache/image-cache.ts'
import { DebianArchive } from '../debian/archive.ts'
import { extractDeb } from '../debian/deb.ts'
import type { DebianPackage } from '../debian/packages.ts'
import type { Progress } from '../progress.ts'
import { INITRAMFS_RECIPE, packInitramfs } from './initramfs.ts'

const SUITE = 'trixie'
const ARCHITECTURE = 'riscv64'
const RECORD = 'image-linux'

/** How to come by the image. */
export interface LinuxImageOptions {
  readonly cache: ImageCache
  /** Looks for newer packages; otherwise an image that is there is used as it is, without the network. */
  readonly refresh?: boolean
  readonly mirror?: string
  readonly clock?: Clock
  readonly progress?: Progress
  readonly note?: (text: string) => void
}

/** Debian's kernel and doppel's initramfs around Debian's busybox. */
export interface LinuxImage {
  /** An uncompressed RISC-V Image with an EFI stub. */
  readonly kernel: Uint8Array
  /** A cpio archive; archives may be appended (see `guestArchive`). */
  readonly initrd: Uint8Array
  /** As `uname -r` says it. */
  readonly version: string
}

interface LinuxRecord {
  readonly recipe: string
  readonly version: string
  readonly kernel: CachedObject
  readonly initrd: CachedObject
  readonly packages: { readonly kernel: DebianPackage; readonly busybox: DebianPackage }
}

/**
 * The `linux` image: trixie's riscv64 kernel, busybox-static and modules. Fetched and packed on first use (some
 * 125 MB), from the cache afterwards. Throws `net.*`, `debian.*`, `image.*` or `cache.*`.
 */
export async function linuxImage(options: LinuxImageOptions): Promise<LinuxImage> {
  const { cache, refresh = false } = options
  const recipe = sha256(new TextEncoder().encode(INITRAMFS_RECIPE))
  const ready = async (): Promise<LinuxImage | undefined> => {
    const record = (await cache.readRecord(RECORD)) as LinuxRecord | undefined
    if (record?.recipe !== recipe) return undefined
    const [kernel, initrd] = await Promise.all([cache.read(record.kernel), cache.read(record.initrd)])
    return kernel && initrd ? { kernel, initrd, version: record.version } : undefined
  }
  const found = refresh ? undefined : await ready()
  if (found) return found
  return await cache.locked(RECORD, async () => {
    // Another process may have made it meanwhile.
    const made = refresh ? undefined : await ready()
    if (made) return made
    const archive = new DebianArchive({ ...options, suite: SUITE })
    const record = (await cache.readRecord(RECORD)) as LinuxRecord | undefined
    const packages = !refresh && record?.packages ? record.packages : await currentPackages(archive)
    const image = await build(archive, packages, options).catch(async (error: unknown) => {
      // The mirror keeps only current versions: one known from an earlier day may be gone.
      if (refresh || !(error instanceof DoppelError) || error.code !== 'net.status') throw error
      return await build(archive, await currentPackages(archive), options)
    })
    await cache.writeRecord(RECORD, {
      recipe,
      version: image.version,
      kernel: await cache.write(image.kernel),
      initrd: await cache.write(image.initrd),
      packages: image.packages,
    } satisfies LinuxRecord)
    return image
  })
}

/** Which objects of the cache the image uses, its packages included; empty when it is not there. */
export async function linuxImageObjects(cache: ImageCache): Promise<readonly CachedObject[]> {
  const record = (await cache.readRecord(RECORD)) as LinuxRecord | undefined
  if (!record?.packages) return []
  return [record.kernel, record.initrd, record.packages.kernel, record.packages.busybox]
}

/** The image's version in the cache, or undefined when it is not there. */
export async function linuxImageVersion(cache: ImageCache): Promise<string | undefined> {
  return ((await cache.readRecord(RECORD)) as LinuxRecord | undefined)?.version
}

/** Forgets the image; `ImageCache.collect` frees what it used. */
export async function removeLinuxImage(cache: ImageCache): Promise<void> {
  await cache.removeRecord(RECORD)
}

async function currentPackages(archive: DebianArchive): Promise<LinuxRecord['packages']> {
  const meta = `linux-image-${ARCHITECTURE}`
  const all = await archive.packages(
    ARCHITECTURE,
    name => name === meta || name === 'busybox-static' || /^linux-image-\d/.test(name),
  )
  const one = (name: string): DebianPackage => {
    const found = all.find(candidate => candidate.name === name)
    if (found) return found
    throw new DoppelError('debian.package', `${SUITE} at ${archive.mirror} has no package ${name}`, { name })
  }
  const dependency = one(meta).depends.find(name => name.startsWith('linux-image-'))
  if (dependency === undefined) {
    throw new DoppelError('debian.package', `${meta} depends on no kernel; expected linux-image-VERSION`, { meta })
  }
  return { kernel: one(dependency), busybox: one('busybox-static') }
}

async function build(
  archive: DebianArchive,
  packages: LinuxRecord['packages'],
  { progress }: LinuxImageOptions,
): Promise<LinuxImage & Pick<LinuxRecord, 'packages'>> {
  const busyboxDeb = await archive.fetch(packages.busybox)
  const kernelDeb = await archive.fetch(packages.kernel)
  const busybox = await extractDeb(busyboxDeb, path => /^(?:usr\/)?bin\/busybox$/.test(path))
  const files = await extractDeb(
    kernelDeb,
    path => /^boot\/vmlinu[xz]-/.test(path) || /\.ko(?:\.\w+)?$/.test(path) || path.endsWith('/modules.builtin'),
    progress,
  )
  const pick = (found: ReadonlyMap<string, { readonly bytes: Uint8Array }>, pattern: RegExp): [string, Uint8Array] => {
    for (const [path, { bytes }] of found) if (pattern.test(path)) return [path, bytes]
    throw new DoppelError('image.contents', `the kernel or busybox package lacks a file matching ${pattern.source}`)
  }
  const [kernelPath, kernel] = pick(files, /^boot\/vmlinu[xz]-/)
  const version = kernelPath.replace(/^boot\/vmlinu[xz]-/, '')
  const initrd = await packInitramfs({
    busybox: pick(busybox, /busybox$/)[1],
    kernelRelease: version,
    builtin: new TextDecoder().decode(pick(files, /\/modules\.builtin$/)[1]),
    modules: new Map([...files].filter(([path]) => /\.ko(\.|$)/.test(path)).map(([path, { bytes }]) => [path, bytes])),
  })
  return { kernel, initrd, version, packages }
}
