import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '@doppel/base'
import { errnoOf, fileFailure, hashFile, publishFile, readReturnable, sha256, writeFileAtomic } from './files.ts'
import { withLock } from './lock.ts'

/** Items up to this size are hashed on every read; larger ones once a process, and their size every time. */
const SMALL_BYTES = 1 << 20
const SHA256_HEX = /^[0-9a-f]{64}$/
const RECORD_NAME = /^[a-z0-9][a-z0-9._-]*$/

/** One object of the cache. */
export interface CachedObject {
  readonly sha256: string
  readonly sizeBytes: number
}

/**
 * What was fetched and made from it, on disk: `objects/` holds bytes under their SHA-256, `records/` small JSON
 * documents under names, `partial/` downloads under way, `locks/` who is busy with what. Every file appears whole.
 */
export class ImageCache {
  readonly root: string
  readonly #verified = new Set<string>()

  constructor(root: string) {
    this.root = root
  }

  objectPath(hash: string): string {
    assert(SHA256_HEX.test(hash), `'${hash}' names a cache object`)
    return join(this.root, 'objects', hash.slice(0, 2), hash)
  }

  /** Where a download of this hash collects its bytes until it is whole. */
  partialPath(hash: string): string {
    assert(SHA256_HEX.test(hash), `'${hash}' names a partial download`)
    return join(this.root, 'partial', `${hash}.part`)
  }

  /** True when the object is here and sound; a damaged one is removed and counts as absent. */
  async has(object: CachedObject): Promise<boolean> {
    const path = this.objectPath(object.sha256)
    try {
      const { size } = await stat(path)
      if (size === object.sizeBytes) {
        if (size > SMALL_BYTES && this.#verified.has(object.sha256)) return true
        if ((await hashFile(path)).sha256 === object.sha256) {
          this.#verified.add(object.sha256)
          return true
        }
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false
      throw fileFailure(path, error)
    }
    await this.removeObject(object.sha256)
    return false
  }

  /** True when the object is here with its length; for what is read piece by piece, and too large to hash at each start. */
  async hasFile({ sha256: hash, sizeBytes }: CachedObject): Promise<boolean> {
    try {
      return (await stat(this.objectPath(hash))).size === sizeBytes
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false
      throw fileFailure(this.objectPath(hash), error)
    }
  }

  /** The object's bytes, many of them in `returnableBytes`; undefined when it is absent or damaged (then it is removed). */
  async read(object: CachedObject): Promise<Uint8Array | undefined> {
    const path = this.objectPath(object.sha256)
    let bytes: Uint8Array
    try {
      bytes = object.sizeBytes > SMALL_BYTES ? await readReturnable(path) : await readFile(path)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileFailure(path, error)
    }
    const known = bytes.length > SMALL_BYTES && this.#verified.has(object.sha256)
    if (bytes.length === object.sizeBytes && (known || sha256(bytes) === object.sha256)) {
      this.#verified.add(object.sha256)
      return bytes
    }
    await this.removeObject(object.sha256)
    return undefined
  }

  /** Stores bytes under their hash. */
  async write(bytes: Uint8Array): Promise<CachedObject> {
    const object = { sha256: sha256(bytes), sizeBytes: bytes.length }
    if (!(await this.has(object))) await writeFileAtomic(this.objectPath(object.sha256), bytes)
    return object
  }

  /** Takes over a finished, synced file of the caller's making. */
  async take(path: string): Promise<CachedObject> {
    const object = await hashFile(path)
    await this.adopt(path, object.sha256)
    return object
  }

  /** A new folder for the files of some work under way; the caller removes it, or `collect` what is in it. */
  async workFolder(): Promise<string> {
    const base = join(this.root, 'partial')
    await mkdir(base, { recursive: true })
    return await mkdtemp(join(base, 'work-'))
  }

  /** Takes over a finished file whose hash the caller has verified. */
  async adopt(path: string, hash: string): Promise<void> {
    await publishFile(path, this.objectPath(hash))
    this.#verified.add(hash)
  }

  async removeObject(hash: string): Promise<void> {
    this.#verified.delete(hash)
    await rm(this.objectPath(hash), { force: true })
  }

  /** A record's JSON value, or undefined when it is absent or unreadable as JSON (then it is removed). */
  async readRecord(name: string): Promise<unknown> {
    const path = this.#recordPath(name)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileFailure(path, error)
    }
    try {
      return JSON.parse(text) as unknown
    } catch {
      await rm(path, { force: true })
      return undefined
    }
  }

  async writeRecord(name: string, value: unknown): Promise<void> {
    await writeFileAtomic(this.#recordPath(name), new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`))
  }

  async removeRecord(name: string): Promise<void> {
    await rm(this.#recordPath(name), { force: true })
  }

  /** Names of all records that begin with `prefix`, sorted. */
  async recordNames(prefix: string): Promise<string[]> {
    try {
      const names = await readdir(join(this.root, 'records'))
      return names
        .filter(name => name.endsWith('.json') && name.startsWith(prefix))
        .map(name => name.slice(0, -'.json'.length))
        .sort()
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw fileFailure(this.root, error)
    }
  }

  /** Runs `work` alone among all processes that use this cache and name the same lock. */
  async locked<T>(name: string, work: () => Promise<T>): Promise<T> {
    return await withLock(join(this.root, 'locks', `${name}.lock`), work)
  }

  /** Removes objects that `keep` does not name, and abandoned downloads; returns the bytes freed. */
  async collect(keep: ReadonlySet<string>): Promise<number> {
    let freedBytes = 0
    for (const folder of ['objects', 'partial']) {
      const base = join(this.root, folder)
      await mkdir(base, { recursive: true })
      for (const entry of await readdir(base, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || keep.has(entry.name)) continue
        const path = join(entry.parentPath, entry.name)
        freedBytes += (await stat(path)).size
        this.#verified.delete(entry.name)
        await rm(path, { force: true })
      }
    }
    return freedBytes
  }

  #recordPath(name: string): string {
    assert(RECORD_NAME.test(name), `'${name}' names a cache record`)
    return join(this.root, 'records', `${name}.json`)
  }
}
