import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ImageCache, type RecipeStep } from '@doppel/images'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BuildCache } from './build-cache.ts'

let folder: string
let images: ImageCache
let cache: BuildCache
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-steps-'))
  images = new ImageCache(join(folder, 'cache'))
  cache = new BuildCache(images)
  await mkdir(join(folder, 'context/sub'), { recursive: true })
  await writeFile(join(folder, 'context/sub/file'), 'one')
})
afterEach(() => rm(folder, { recursive: true }))

const BASE = { sha256: '0'.repeat(64), sizeBytes: 1 }
const at = { env: {}, folder: '/', user: undefined }
const RUN: RecipeStep = { ...at, kind: 'run', text: 'RUN a', command: 'a' }
const COPY: RecipeStep = { ...at, kind: 'copy', text: 'COPY sub /x', sources: ['sub'], target: '/x' }
const keys = (steps: readonly RecipeStep[] = [RUN, COPY], base = BASE): Promise<string[]> =>
  cache.keys(base, steps, join(folder, 'context'))

test('a step has the same key as long as the base, what precedes it, and what it copies are the same', async () => {
  const first = await keys()
  expect(await keys([{ ...RUN, text: 'RUN  a' }, COPY])).toEqual(first)
  const others = [
    await keys([{ ...RUN, command: 'b' }, COPY]),
    await keys([{ ...RUN, env: { A: '1' } }, COPY]),
    await keys([{ ...RUN, user: 'me' }, COPY]),
    await keys([RUN, COPY], { ...BASE, sha256: '1'.repeat(64) }),
  ]
  for (const [run, copy] of others) expect([run, copy].some(key => first.includes(key ?? ''))).toBe(false)

  for (const change of [
    () => writeFile(join(folder, 'context/sub/file'), 'two'),
    () => writeFile(join(folder, 'context/sub/new'), ''),
    () => symlink('file', join(folder, 'context/sub/link')),
    () => rm(join(folder, 'context/sub/file')),
  ]) {
    const before = await keys()
    await change()
    const after = await keys()
    expect([after[0] === before[0], after[1] === before[1]]).toEqual([true, false])
  }
})

test('the last step that was kept is found; one whose disk is gone is none', async () => {
  expect(await cache.find(await keys())).toBeUndefined()
  const [run = '', copy = ''] = await keys()
  const disk = await images.write(Uint8Array.of(1))
  const later = await images.write(Uint8Array.of(2))
  await cache.keep(run, disk)
  await cache.keep(copy, later)
  expect(await cache.find([run, copy])).toEqual({ done: 2, disk: later })
  await images.removeObject(later.sha256)
  expect(await cache.find([run, copy])).toEqual({ done: 1, disk })
})

test('twelve disks are kept, those used last', async () => {
  const disks = await Promise.all(Array.from({ length: 16 }, (_, i) => images.write(Uint8Array.of(i))))
  for (const [i, disk] of disks.entries()) {
    await cache.keep(`${i}-`.padEnd(64, 'a'), disk)
    // The first is used again and again.
    if (i > 0) expect(await cache.find([`0-`.padEnd(64, 'a')])).toBeDefined()
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  const there = await Promise.all(disks.map(disk => images.hasFile(disk)))
  expect(there.filter(Boolean)).toHaveLength(12)
  expect([there[0], there[1], there[15]]).toEqual([true, false, true])
})
