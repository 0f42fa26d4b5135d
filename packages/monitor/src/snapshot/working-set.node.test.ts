import { createHash } from 'node:crypto'
import { PAGE_BYTES } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SnapshotHost } from './format.ts'
import { MemoryPages } from './pages.ts'
import { decodeHeldPages, encodeHeldPages, WorkingSet } from './working-set.ts'

const host: Pick<SnapshotHost, 'hash'> = { hash: bytes => createHash('sha256').update(bytes).digest() }
const ID = new Uint8Array(32).fill(7)
const PAGES = 64
const filled = (value: number): Uint8Array => new Uint8Array(PAGE_BYTES).fill(value)
const memory = new MemoryPages(
  PAGES,
  Array.from({ length: PAGES }, (_, i) => [i, filled(i)] as const),
  undefined,
)
const first = (source: { read(page: number, into: Uint8Array): void }, page: number): number => {
  const into = new Uint8Array(PAGE_BYTES)
  source.read(page, into)
  return into[0] as number
}
const noted = (pages: readonly number[]): Uint8Array => {
  const set = new WorkingSet(memory, undefined)
  for (const page of pages) first(set, page)
  const held = set.takeNoted()
  if (!held) throw new Error('nothing was noted')
  return encodeHeldPages(held, ID, host)
}

test('what one machine touched first is held for the next, which asks the snapshot for the rest only', () => {
  const held = decodeHeldPages(noted([5, 9, 5, 60]), ID, host)
  const asked: number[] = []
  const next = new WorkingSet(
    {
      pages: () => memory.pages(),
      read: (page, into) => {
        asked.push(page)
        memory.read(page, into)
      },
    },
    held,
  )
  expect([5, 60, 9, 8].map(page => first(next, page))).toEqual([5, 60, 9, 8])
  expect(asked).toEqual([8])
  expect([...next.pages()]).toEqual([...memory.pages()])
  expect(next.takeNoted()).toBeUndefined()
})

test('pages of zeros are not held, nor is anything noted after the noting has been taken', () => {
  const set = new WorkingSet(memory, undefined)
  first(set, 0)
  expect(set.takeNoted()).toBeUndefined()
  first(set, 3)
  expect(set.takeNoted()).toBeUndefined()
})

test('a file of another snapshot, or with any byte changed or missing, holds nothing', () => {
  const file = noted([1, 2])
  expect(decodeHeldPages(file, new Uint8Array(32), host)).toBeUndefined()
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = file.slice()
      changed[at] = (changed[at] as number) ^ flip
      expect(decodeHeldPages(changed, ID, host)).toBeUndefined()
      expect(decodeHeldPages(file.subarray(0, at), ID, host)).toBeUndefined()
    }),
  )
})
