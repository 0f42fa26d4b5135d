import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, constants, lstat, readdir, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DoppelError, hostClock } from '@doppel/base'
import { type CachedObject, type ImageCache, type RecipeStep, rootImages } from '@doppel/images'

/** Disks kept of steps; the one unused for longest makes room. */
const MAX_KEPT = 12
/** More files in what a step copies are none of ours. */
const MAX_FILES = 200_000
const PREFIX = 'step-'
/** Counted up where the same steps would make another disk. */
const VERSION = 1

interface KeptStep {
  readonly disk: CachedObject
  readonly usedMs: number
}

/** Disks as they were after the steps of earlier builds. A step's key stands for the base and everything up to it. */
export class BuildCache {
  readonly #cache: ImageCache

  constructor(cache: ImageCache) {
    this.#cache = cache
  }

  /** The keys after each step of a recipe on a base disk; COPY takes from `folder`. Throws `image.build`. */
  async keys(base: CachedObject, steps: readonly RecipeStep[], folder: string): Promise<string[]> {
    const keys: string[] = []
    let last = `${VERSION} ${base.sha256}`
    for (const { text: _, ...step } of steps) {
      const hash = createHash('sha256').update(`${last}\n${JSON.stringify(step)}\n`)
      if (step.kind === 'copy') for (const source of step.sources) await addFiles(hash, folder, source)
      last = hash.digest('hex')
      keys.push(last)
    }
    return keys
  }

  /** The disk of the last step that was kept, and how many steps are done by then. */
  async find(keys: readonly string[]): Promise<{ readonly done: number; readonly disk: CachedObject } | undefined> {
    for (const [index, key] of [...keys.entries()].reverse()) {
      const kept = (await this.#cache.readRecord(recordName(key))) as KeptStep | undefined
      if (!kept || !(await this.#cache.hasFile(kept.disk))) continue
      await this.keep(key, kept.disk)
      return { done: index + 1, disk: kept.disk }
    }
    return undefined
  }

  /** Remembers a disk of the cache's as what a step makes. */
  async keep(key: string, disk: CachedObject): Promise<void> {
    const usedMs = Number(hostClock().realtimeNs() / 1_000_000n)
    await this.#cache.writeRecord(recordName(key), { disk, usedMs } satisfies KeptStep)
    await this.#makeRoom()
  }
  /** Copies a disk that nobody writes meanwhile, and remembers it as what a step makes. */
  async keepCopy(key: string, path: string): Promise<void> {
    const copy = `${path}.step`
    try {
      await copyFile(path, copy, constants.COPYFILE_FICLONE)
      await this.keep(key, await this.#cache.take(copy))
    } finally {
      await rm(copy, { force: true })
    }
  }

  async #makeRoom(): Promise<void> {
    const all: (KeptStep & { readonly name: string })[] = []
    for (const name of await this.#cache.recordNames(PREFIX)) {
      const kept = (await this.#cache.readRecord(name)) as KeptStep | undefined
      if (kept) all.push({ ...kept, name })
    }
    all.sort((a, b) => b.usedMs - a.usedMs)
    const gone = all.splice(MAX_KEPT)
    const used = new Set([...all, ...(await rootImages(this.#cache))].map(({ disk }) => disk.sha256))
    for (const { name, disk } of gone) {
      await this.#cache.removeRecord(name)
      if (!used.has(disk.sha256)) await this.#cache.removeObject(disk.sha256)
    }
  }
}

const recordName = (key: string): string => PREFIX + key.slice(0, 32)

/** Adds what COPY would take: names, kinds, modes and bytes, in an order of their own. */
async function addFiles(hash: Hash, folder: string, source: string): Promise<void> {
  let count = 0
  const add = async (name: string): Promise<void> => {
    if (++count > MAX_FILES) {
      throw new DoppelError('image.build', `${source} has more than ${MAX_FILES} files`, { source })
    }
    const path = join(folder, name)
    // Of what is not there the copy itself will complain.
    const found = await lstat(path).catch(() => undefined)
    const kind = found?.isDirectory() ? 'folder' : found?.isSymbolicLink() ? 'link' : found?.isFile() ? 'file' : 'other'
    hash.update(`${JSON.stringify(name)} ${kind} ${(found?.mode ?? 0) & 0o7777} ${found?.size ?? 0}\n`)
    if (kind === 'link') hash.update(await readlink(path))
    else if (kind === 'file') for await (const bytes of createReadStream(path)) hash.update(bytes as Uint8Array)
    else if (kind === 'folder') for (const each of (await readdir(path)).sort()) await add(join(name, each))
  }
  await add(source)
}
