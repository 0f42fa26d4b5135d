import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlockStore } from '@doppel/base'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryStore } from './memory.ts'
import { openRaw } from './raw.ts'

const SIZE = 10 * 4096 + 512
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-disk-'))
})
afterEach(() => rm(folder, { recursive: true }))

const pattern = (): Uint8Array => Uint8Array.from({ length: SIZE }, (_, i) => (i * 31) >> 4)

/** Random reads, writes and discards on a store and on a plain array must agree. */
async function agrees(make: () => Promise<BlockStore>): Promise<void> {
  const span = fc.tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: 9000 }), fc.nat(255))
  const step = fc.tuple(fc.constantFrom('read', 'write', 'discard'), span)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async steps => {
      const store = await make()
      const model = pattern()
      for (const [what, [offset, wanted, value]] of steps) {
        const length = Math.min(wanted, SIZE - offset)
        if (what === 'write') {
          await store.write(offset, new Uint8Array(length).fill(value))
          model.fill(value, offset, offset + length)
        } else if (what === 'discard') {
          await store.discard(offset, length)
          model.fill(0, offset, offset + length)
        } else {
          const into = new Uint8Array(length)
          await store.read(offset, into)
          expect(into).toEqual(model.slice(offset, offset + length))
        }
      }
      const all = new Uint8Array(SIZE)
      await store.read(0, all)
      expect(all).toEqual(model)
      await store.close()
    }),
    { numRuns: 40 },
  )
}

test('a disk in memory behaves as an array', () => agrees(() => Promise.resolve(new MemoryStore(pattern()))))

test('a raw file behaves as an array', () =>
  agrees(async () => {
    const path = join(folder, 'raw.img')
    await writeFile(path, pattern())
    return await openRaw(path)
  }))

test('a flushed raw disk is in its file', async () => {
  const path = join(folder, 'raw.img')
  await writeFile(path, new Uint8Array(1024))
  const disk = await openRaw(path)
  await disk.write(512, new Uint8Array(512).fill(7))
  await disk.flush()
  expect((await readFile(path)).subarray(510, 514)).toEqual(Buffer.from([0, 0, 7, 7]))
  await disk.close()
})

test.each([
  ['absent', undefined, 'disk.missing'],
  ['empty', new Uint8Array(0), 'disk.format'],
  ['not whole sectors', new Uint8Array(700), 'disk.format'],
])('a raw file that is %s is refused', async (_, bytes, code) => {
  const path = join(folder, 'raw.img')
  if (bytes) await writeFile(path, bytes)
  await expect(openRaw(path)).rejects.toThrow(expect.objectContaining({ code }))
})

test('a folder is no disk', async () => {
  await expect(openRaw(folder, { readOnly: true })).rejects.toThrow(expect.objectContaining({ code: 'disk.format' }))
})
