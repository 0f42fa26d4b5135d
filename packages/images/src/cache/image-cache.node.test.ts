import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileFailure, writeFileAtomic } from './files.ts'
import { cacheFolder } from './cache-folder.ts'
import { ImageCache } from './image-cache.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
let folder: string
let cache: ImageCache
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-cache-'))
  cache = new ImageCache(folder)
})
afterEach(() => rm(folder, { recursive: true }))

test('bytes come back by their hash', async () => {
  const object = await cache.write(utf8('kernel'))
  expect(new TextDecoder().decode(await cache.read(object))).toBe('kernel')
})

test('a damaged object is absent, and gone', async () => {
  const object = await cache.write(utf8('kernel'))
  await writeFile(cache.objectPath(object.sha256), 'kernal')
  expect(await cache.read(object)).toBeUndefined()
  await expect(stat(cache.objectPath(object.sha256))).rejects.toThrow('ENOENT')
})

test('a truncated large object is absent even when it was sound before in this process', async () => {
  const object = await cache.write(new Uint8Array(3 << 20))
  expect(await cache.has(object)).toBe(true)
  await writeFile(cache.objectPath(object.sha256), new Uint8Array(1 << 20))
  expect(await cache.has(object)).toBe(false)
})

test('a large object changed on disk is noticed by a process that has not seen it yet', async () => {
  const object = await cache.write(new Uint8Array(3 << 20))
  await writeFile(cache.objectPath(object.sha256), new Uint8Array(3 << 20).fill(1))
  expect(await new ImageCache(folder).has(object)).toBe(false)
})

test('a record that is not JSON is absent', async () => {
  await cache.writeRecord('linux', { version: 1 })
  await writeFile(join(folder, 'records', 'linux.json'), '{"version"')
  expect(await cache.readRecord('linux')).toBeUndefined()
  expect(await cache.recordNames('')).toEqual([])
})

test('collecting keeps what is named and returns the bytes freed', async () => {
  const kept = await cache.write(utf8('kept'))
  const dropped = await cache.write(utf8('dropped'))
  expect(await cache.collect(new Set([kept.sha256]))).toBe(7)
  expect([await cache.has(kept), await cache.has(dropped)]).toEqual([true, false])
})

test('a folder that cannot be written is a coded error and leaves no temporary file', async () => {
  await writeFile(join(folder, 'objects'), 'a file where a folder belongs')
  await expect(cache.write(utf8('x'))).rejects.toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^cache\./) }),
  )
  expect(await readdir(folder)).toEqual(['objects'])
})

// /dev/full refuses every write with ENOSPC, as a full disk does.
test('a full disk is cache.full with the path', async () => {
  const error: unknown = await writeFile('/dev/full', 'x').catch((reason: unknown) => reason)
  expect(fileFailure('/cache/objects/ab', error)).toMatchObject({
    code: 'cache.full',
    message: expect.stringContaining('/cache/objects/ab') as string,
  })
})

test('an atomic write replaces a file whole', async () => {
  const path = join(folder, 'deep', 'file')
  await writeFileAtomic(path, utf8('one'))
  await writeFileAtomic(path, utf8('two'))
  expect(await readFile(path, 'utf8')).toBe('two')
  expect(await readdir(dirname(path))).toEqual(['file'])
})

test('work under one lock never overlaps', async () => {
  let inside = 0
  let most = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await new Promise(done => setTimeout(done, 5))
    inside--
  }
  await Promise.all(Array.from({ length: 6 }, () => cache.locked('x', work)))
  expect(most).toBe(1)
  expect(await readdir(join(folder, 'locks'))).toEqual([])
})

test('a lock whose process is gone is taken over', async () => {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  const { pid } = child
  await once(child, 'exit')
  await mkdir(join(folder, 'locks'), { recursive: true })
  await writeFile(join(folder, 'locks', 'x.lock'), `${pid} ${hostname()} abc\n`)
  expect(await cache.locked('x', () => Promise.resolve('done'))).toBe('done')
})

test.each([
  [{ XDG_CACHE_HOME: '/var/tmp/c', HOME: '/home/u' }, '/var/tmp/c/doppel'],
  [{ HOME: '/home/u' }, '/home/u/.cache/doppel'],
])('the cache folder of %o is %s', (env, expected) => expect(cacheFolder(env)).toBe(expected))

test('a relative XDG_CACHE_HOME is refused', () => {
  expect(() => cacheFolder({ XDG_CACHE_HOME: 'c' })).toThrow(expect.objectContaining({ code: 'cache.folder' }))
})
