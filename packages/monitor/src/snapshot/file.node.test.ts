import { createHash } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { PAGE_BYTES } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type SnapshotHost, SnapshotFile, writeSnapshot } from './file.ts'
import { MemoryPages } from './pages.ts'

const host: SnapshotHost = {
  hash: bytes => createHash('sha256').update(bytes).digest(),
  compress: bytes => zstdCompressSync(bytes),
  decompress: (bytes, limit) => zstdDecompressSync(bytes, { maxOutputLength: limit }),
}
const PAGES = 400
const filled = (value: number): Uint8Array => new Uint8Array(PAGE_BYTES).fill(value)
const source = new MemoryPages(
  PAGES,
  [...Array.from({ length: 100 }, (_, i) => [i * 3, filled(i + 1)] as const), [399, filled(0)]],
  undefined,
)

async function written(): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const machine = { version: 1, registers: [1n, 2n] }
  await writeSnapshot({ machine, pageCount: PAGES, pages: source }, host, async bytes => {
    await Promise.resolve()
    parts.push(bytes)
  })
  return Uint8Array.from(Buffer.concat(parts))
}
const opened = (bytes: Uint8Array): SnapshotFile =>
  new SnapshotFile(
    { name: 'a.snap', sizeBytes: bytes.length, read: (at, length) => bytes.slice(at, at + length) },
    host,
  )

test('what was written comes back, page by page; pages of zeros take no room', async () => {
  const file = opened(await written())
  expect(file.machine).toEqual({ version: 1, registers: [1n, 2n] })
  expect([...file.pages()]).toEqual(Array.from({ length: 100 }, (_, i) => i * 3))
  for (const page of [0, 297, 150, 3, 1, 399]) {
    const into = new Uint8Array(PAGE_BYTES)
    file.read(page, into)
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
  const first = (page: number): number | undefined => {
    const into = new Uint8Array(PAGE_BYTES)
    clone.read(page, into)
    return into[0]
  }
  expect([0, 1, 2, 3, 399].map(first)).toEqual([0, 77, 0, 2, 0])
  expect([...clone.pages()].slice(0, 3)).toEqual([1, 3, 6])
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
  new DataView(bytes.buffer).setUint32(bytes.length - 68, 2)
  expect(() => opened(bytes)).toThrow('a snapshot of version 2, this doppel reads 1')
})
