import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompressSync } from 'node:zlib'
import { PAGE_BYTES } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SnapshotFile } from './file.ts'
import type { SnapshotHost } from './format.ts'
import { MemoryPages } from './pages.ts'
import { pagesSpace, type SavedSpace, type SnapshotParts, writeSnapshot } from './write.ts'

const compress = promisify(zstdCompress)
const host: SnapshotHost = {
  hash: bytes => createHash('sha256').update(bytes).digest(),
  compress: async bytes => await compress(bytes),
  decompress: (bytes, limit) => zstdDecompressSync(bytes, { maxOutputLength: limit }),
}
const PAGES = 400
const filled = (value: number): Uint8Array => new Uint8Array(PAGE_BYTES).fill(value)
const source = new MemoryPages(
  PAGES,
  [...Array.from({ length: 100 }, (_, i) => [i * 3, filled(i + 1)] as const), [399, filled(0)]],
  undefined,
)
const MACHINE = { version: 1, registers: [1n, 2n] }

async function written(
  parts: SnapshotParts = { machine: MACHINE, spaces: [pagesSpace('memory', PAGES, source)] },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  await writeSnapshot(parts, host, async bytes => {
    await Promise.resolve()
    pieces.push(bytes)
  })
  return Uint8Array.from(Buffer.concat(pieces))
}
const opened = (bytes: Uint8Array, parent?: SnapshotFile): SnapshotFile =>
  new SnapshotFile(
    { name: 'a.snap', sizeBytes: bytes.length, read: (at, length) => bytes.slice(at, at + length) },
    host,
    parent && (() => parent),
  )
const first = (pages: { read(page: number, into: Uint8Array): void } | undefined, page: number): number | undefined => {
  const into = new Uint8Array(PAGE_BYTES)
  pages?.read(page, into)
  return into[0]
}

test('what was written comes back, page by page; pages of zeros take no room', async () => {
  const file = opened(await written())
  const memory = file.space('memory')
  expect(file.machine).toEqual(MACHINE)
  expect([...(memory?.pages() ?? [])]).toEqual(Array.from({ length: 100 }, (_, i) => i * 3))
  for (const page of [0, 297, 150, 3, 1, 399]) {
    const into = new Uint8Array(PAGE_BYTES)
    memory?.read(page, into)
    expect([page, into[0], into[4095]]).toEqual([
      page,
      ...(page % 3 === 0 && page < 300 ? [page / 3 + 1, page / 3 + 1] : [0, 0]),
    ])
  }
})

test('a clone’s pages lie over those it was made from; a page cleared since is zeros', () => {
  const clone = new MemoryPages(
    PAGES,
    [
      [0, filled(0)],
      [1, filled(77)],
    ],
    source,
  )
  expect([0, 1, 2, 3, 399].map(page => first(clone, page))).toEqual([0, 77, 0, 2, 0])
  expect([...clone.pages()].slice(0, 3)).toEqual([1, 3, 6])
})

test('a child holds what differs from its parent, whatever that is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.nat(40).map(String), fc.nat(3)), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (generations, isOverlay) => {
        let parent: SnapshotFile | undefined
        const told = new Set<number>()
        const model = new Map<number, number>()
        for (const generation of generations) {
          for (const [page, value] of Object.entries(generation)) {
            model.set(Number(page), value)
            if (value > 0 || isOverlay) told.add(Number(page))
          }
          const space: SavedSpace = {
            name: 'memory',
            pageCount: PAGES,
            isOverlay,
            // An overlay tells of all that it ever changed; memory of what is there.
            pages: () => [...model.keys()].filter(page => isOverlay || model.get(page)).sort((a, b) => a - b),
            read: (page, into) => {
              for (let i = 0; i < into.length; i += PAGE_BYTES)
                into.fill(model.get(page + i / PAGE_BYTES) ?? 0, i, i + PAGE_BYTES)
            },
          }
          const over: SnapshotParts['parent'] = parent && { file: parent, path: 'parent' }
          const file = opened(await written({ machine: MACHINE, spaces: [space], parent: over }), parent)
          const memory = file.space('memory')
          for (let page = 0; page <= 40; page++) expect(first(memory, page)).toBe(model.get(page) ?? 0)
          expect([...(memory?.pages() ?? [])]).toEqual(
            [...model].flatMap(([page, value]) => (value > 0 ? page : [])).sort((a, b) => a - b),
          )
          if (isOverlay) expect(new Set(memory?.toldPages())).toEqual(told)
          if (parent) expect([...(memory?.ownPages() ?? [])].length).toBeLessThanOrEqual(Object.keys(generation).length)
          parent = file
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('a child whose parent is another by now is refused', async () => {
  const [one, other] = [opened(await written()), opened(await written({ machine: { version: 2 }, spaces: [] }))]
  const child = await written({ machine: MACHINE, spaces: [], parent: { file: one, path: '/one.snap' } })
  expect(opened(child, one).depth).toBe(2)
  expect(() => opened(child, other)).toThrow('/one.snap, which is another snapshot by now')
  expect(() => opened(child)).toThrow('was not opened')
})

test('a file that was cut anywhere is refused', async () => {
  const whole = await written()
  for (const length of [0, 5, 16, 100, whole.length >> 1, whole.length - 1]) {
    expect(() => opened(whole.slice(0, length))).toThrow(/no snapshot|damaged/)
  }
})

test('a byte changed anywhere is noticed, before it is used', async () => {
  const whole = await written()
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = whole.slice()
      bytes[at] = (bytes[at] as number) ^ flip
      expect(() => opened(bytes).verify()).toThrow(/no snapshot|damaged|version/)
    }),
  )
})

test('a snapshot of a newer version says so', async () => {
  const bytes = await written()
  new DataView(bytes.buffer).setUint32(bytes.length - 68, 3)
  expect(() => opened(bytes)).toThrow('a snapshot of version 3, this doppel reads 2')
})
