import { DoppelError } from '@doppel/base'
import {
  cacheFolder,
  findJavaLibrary,
  findRootImage,
  ImageCache,
  javaLibraryObjects,
  type Progress,
  pullJavaLibrary,
  removeJavaLibrary,
  removeLinuxImage,
  removeRootImage,
  type RootImage,
  rootImages,
  linuxImage,
  linuxImageObjects,
  linuxImageVersion,
  useHostProxy,
} from '@doppel/images'
import type { RunOptions } from '../cli/run-options.ts'
import { ROOT_SERIAL } from './boot-files.ts'
import { DEBIAN_EDITION, makeDebian } from './debian-image.ts'

/** How to come by an image. */
export interface ImageWork {
  readonly cache: ImageCache
  readonly env: Readonly<Record<string, string | undefined>>
  readonly mirror?: string
  /** Asks for newer packages. */
  readonly refresh: boolean
  readonly progress: Progress
  readonly note?: (text: string) => void
}

/** One image that doppel can make by itself. */
export interface KnownImage {
  readonly name: string
  readonly summary: string
  /** Makes it anew; returns its version. */
  readonly make: (work: ImageWork) => Promise<{ readonly version: string }>
  /** For one with a root disk: what `RootImage.edition` is when made today. */
  readonly edition?: number
}

/** The image that is a class library, and no computer's. */
export const JAVA_LIBRARY = 'openjdk-17'

/** The images that doppel makes by itself: a row each. */
export const KNOWN_IMAGES: readonly KnownImage[] = [
  {
    name: 'linux',
    summary: "Debian's kernel and busybox, in memory only",
    make: async work => await linuxImage(work),
  },
  {
    name: 'debian',
    summary: 'a minimal Debian trixie with apt, on a disk',
    make: makeDebian,
    edition: DEBIAN_EDITION,
  },
  {
    name: JAVA_LIBRARY,
    summary: "Debian's OpenJDK 17 class library, for doppel java",
    make: async work => await pullJavaLibrary(work),
  },
]

/** An image that is here. */
export interface ImageEntry {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly sizeBytes: number
}

/** The names that a machine can be made of: what is here, and what can be made. */
export async function imageNames(env: ImageWork['env']): Promise<readonly string[]> {
  const here = await rootImages(new ImageCache(cacheFolder(env)))
  const made = KNOWN_IMAGES.map(image => image.name).filter(name => name !== JAVA_LIBRARY)
  return [...new Set([...made, ...here.map(image => image.name)])]
}

/** The images that are here. */
export async function imageEntries(cache: ImageCache): Promise<ImageEntry[]> {
  const architecture = 'riscv64'
  const version = await linuxImageVersion(cache)
  const objects = await linuxImageObjects(cache)
  const sizeBytes = objects.reduce((sum, object) => sum + object.sizeBytes, 0)
  const linux = version === undefined ? [] : [{ name: 'linux', version, architecture, sizeBytes }]
  const roots = (await rootImages(cache)).map(({ name, version: of, disk }) => ({
    name,
    version: of,
    architecture,
    sizeBytes: disk.sizeBytes,
  }))
  const library = await findJavaLibrary(cache)
  const libraryBytes = (await javaLibraryObjects(cache)).reduce((sum, object) => sum + object.sizeBytes, 0)
  const java = library
    ? [{ name: JAVA_LIBRARY, version: library.version, architecture: 'java', sizeBytes: libraryBytes }]
    : []
  return [...linux, ...java, ...roots]
}

/** Forgets an image, and frees what no other one uses; returns the bytes freed. Throws `image.absent`. */
export async function removeImage(cache: ImageCache, name: string): Promise<number> {
  if (!(await imageEntries(cache)).some(image => image.name === name)) {
    throw new DoppelError('image.absent', `there is no image '${name}' in ${cache.root}`, { name })
  }
  if (name === 'linux') await removeLinuxImage(cache)
  else if (name === JAVA_LIBRARY) await removeJavaLibrary(cache)
  else await removeRootImage(cache, name)
  const used = [
    ...(await linuxImageObjects(cache)),
    ...(await javaLibraryObjects(cache)),
    ...(await rootImages(cache)).map(image => image.disk),
  ]
  return await cache.collect(new Set(used.map(object => object.sha256)))
}

/**
 * What a machine of the options' image needs beside the options: its root disk, first of all disks. Makes an image that
 * is not here and can be made. Throws what that throws, and `machine.image`.
 */
export async function prepareImage(
  options: RunOptions,
  progress: Progress,
  note?: (text: string) => void,
): Promise<RunOptions> {
  const { target, env } = options
  if (target?.kind !== 'image' || target.name === 'linux' || options.root) return options
  const cache = new ImageCache(cacheFolder(env))
  const found = await findOrMakeImage(target.name, { cache, env, refresh: false, progress, ...(note && { note }) })
  const disk = { path: cache.objectPath(found.disk.sha256), mode: 'overlay', serial: ROOT_SERIAL } as const
  return { ...options, disks: [disk, ...options.disks], root: found.config }
}

/** A command line that only asks for a shell: at a terminal that is the machine's own. */
const SHELL = /^(?:\/(?:usr\/)?bin\/)?(?:ba|da|a|z)?sh$/

/** The options with what the image says is to run: its entry point with the command given, or with its own. */
export function withImageCommand(options: RunOptions): RunOptions {
  const { entrypoint = [], command = [] } = options.root ?? {}
  const words = [...entrypoint, ...(options.command ?? command)]
  const isShell = options.command === undefined && words.length === 1 && SHELL.test(words[0] ?? '')
  return words.length === 0 || isShell ? options : { ...options, command: words }
}

/**
 * The image with a root disk of that name. One that is not here, or that an earlier doppel made otherwise, is made if it
 * can be; when an earlier one can't be made anew, it serves on. `known` are the images that can. Throws `machine.image`.
 */
export async function findOrMakeImage(
  name: string,
  work: ImageWork,
  known: readonly KnownImage[] = KNOWN_IMAGES,
): Promise<RootImage> {
  const { cache, note } = work
  const row = known.find(image => image.name === name)
  const isCurrent = (image: RootImage): boolean => row === undefined || image.edition === row.edition
  const found = await findRootImage(cache, name)
  if (found && isCurrent(found)) return found
  useHostProxy()
  return await cache.locked(`image-${name.replaceAll(/[^a-z0-9]/g, '-')}`, async () => {
    // Another process may have made it meanwhile.
    const before = await findRootImage(cache, name)
    if (before && isCurrent(before)) return before
    if (before) note?.(`the image '${name}' is of an earlier doppel, and made anew`)
    try {
      await row?.make(work)
    } catch (error) {
      if (!before || !(error instanceof DoppelError)) throw error
      note?.(`it stays as it is: ${error.message}`)
    }
    const image = await findRootImage(cache, name)
    if (image) return image
    throw new DoppelError(
      'machine.image',
      `there is no image '${name}' with a disk; doppel image ls shows those that are here`,
      { name },
    )
  })
}
