import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, ImageCache, linuxImageObjects } from '@doppel/images'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CachedMirror, cachedMirror } from './cached-mirror.ts'
import { doppel, type Finished } from './doppel-process.ts'

// Needs Debian's archive once; afterwards what the cache holds of it is served from here.
let mirror: CachedMirror
let folder: string
beforeAll(async () => {
  expect((await doppel(['image', 'pull', 'linux'])).status).toBe(0)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-cache-'))
  mirror = await cachedMirror(cacheFolder())
})
afterEach(async () => {
  await mirror.close()
  await rm(folder, { recursive: true })
})

const pull = (url = mirror.url, root = folder): Promise<Finished> =>
  doppel(['image', 'pull', '--mirror', url, 'linux'], { env: { XDG_CACHE_HOME: root, no_proxy: '127.0.0.1' } })
const fails = async (running: Promise<Finished>, message: RegExp): Promise<void> => {
  const { status, stdout, stderr } = await running
  expect(stderr.toString()).toMatch(message)
  // One line, and no stack.
  expect(stderr.toString().trimEnd().split('\n')).toHaveLength(1)
  expect([status, stdout.toString()]).toEqual([1, ''])
}
/** Everything below the cache that is not a lock, an empty folder, or Node's compiled code, which every run leaves. */
const left = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !entry.name.endsWith('.lock'))
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length))
    .filter(path => !path.startsWith('/doppel/node/'))
const debs = (): string[] => mirror.asked.filter(path => path.endsWith('.deb'))

describe('pulling an image', () => {
  test('by two processes at once fetches each package once', async () => {
    const both = await Promise.all([pull(), pull()])
    expect(both.map(({ status, stderr }) => [status, stderr.toString()])).toEqual([
      [0, ''],
      [0, ''],
    ])
    expect(debs()).toHaveLength(2)
    const cache = new ImageCache(join(folder, 'doppel'))
    for (const object of await linuxImageObjects(cache)) expect(await cache.has(object)).toBe(true)
    expect((await left()).filter(path => path.includes('partial'))).toEqual([])
  })

  test('goes on where a broken connection left off', async () => {
    mirror.cutAfterBytes = 700_000
    await fails(pull(), /^doppel: .*(ends after|broke).*\[net\.interrupted\]\n$/)
    const [part] = (await left()).filter(path => path.endsWith('.part'))
    const begunBytes = (await stat(join(folder, part as string))).size
    expect(begunBytes).toBeGreaterThan(0)
    mirror.cutAfterBytes = undefined
    expect((await pull()).status).toBe(0)
  })

  test('mends an object that was damaged on disk', async () => {
    expect((await pull()).status).toBe(0)
    const cache = new ImageCache(join(folder, 'doppel'))
    const [kernel, , deb] = await linuxImageObjects(cache)
    for (const object of [kernel, deb]) {
      const path = cache.objectPath(object?.sha256 ?? '')
      const bytes = await readFile(path)
      bytes[bytes.length >> 1] = ~(bytes[bytes.length >> 1] ?? 0)
      await writeFile(path, bytes)
    }
    mirror.asked.length = 0
    expect((await pull()).status).toBe(0)
    expect(debs()).toHaveLength(1)
    const fresh = new ImageCache(join(folder, 'doppel'))
    for (const object of await linuxImageObjects(fresh)) expect(await fresh.has(object)).toBe(true)
  })

  test('without a network says whom it asked', async () => {
    await fails(
      pull('http://127.0.0.1:9'),
      /^doppel: no answer from http:\/\/127\.0\.0\.1:9\/.* \[net\.unreachable\]\n$/,
    )
    expect(await left()).toEqual([])
  })

  test('from what is no archive says what the server answered', async () => {
    await fails(pull(`${mirror.url}/nothing`), /answered 404 .*\[net\.status\]/)
    expect(await left()).toEqual([])
  })

  test.skipIf(process.getuid?.() !== 0)('onto a full disk says so and leaves nothing half-written', async () => {
    const small = join(folder, 'small')
    await mkdir(small)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'none', small]).status !== 0) return
    try {
      await fails(pull(mirror.url, small), /no space left while writing .*\[cache\.full\]/)
      expect((await left()).filter(path => /\.(part|tmp)$/.test(path))).toEqual([])
    } finally {
      spawnSync('umount', [small])
    }
  })

  test('into a folder that is none says so', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    await fails(pull(mirror.url, file), /file.*\[cache\.\w+\]/)
  })

  test.skipIf(process.getuid?.() === 0)('into a folder that is not ours says so', async () => {
    await chmod(folder, 0o500)
    await fails(pull(), /cannot write .*\[cache\.denied\]/)
    await chmod(folder, 0o700)
  })
})
