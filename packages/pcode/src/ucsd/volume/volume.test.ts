import { describe, expect, it } from 'vitest'
import { memoryDisk } from '../units/disk.ts'
import { emptyVolume, putVolumeFile, readVolumeFile } from './change.ts'
import { datedDisk } from './dated-disk.ts'
import { readDirectory } from './directory.ts'

const bytes = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff)

describe.each([
  ['little', false],
  ['big', true],
] as const)('a %s-endian volume', (_, bigEndian) => {
  const disk = () => memoryDisk(emptyVolume('WORK', 32, bigEndian))

  it('is empty when it is new, and knows its byte sex', () => {
    expect(readDirectory(disk())).toEqual({ name: 'WORK', bigEndian, blocks: 32, files: [] })
  })
  it('gives back what was put on it', () => {
    const volume = disk()
    putVolumeFile(volume, 'a.data', bytes(700), { year: 26, month: 11, day: 23 })
    const { file, bytes: got } = readVolumeFile(volume, 'A.DATA')
    expect(got).toEqual(bytes(700))
    expect(file).toEqual({
      name: 'A.DATA',
      kind: 'data',
      firstBlock: 6,
      nextBlock: 8,
      lastBytes: 188,
      date: { year: 26, month: 11, day: 23 },
    })
  })
  it('puts a file where there is first room, and in place of its namesake', () => {
    const volume = disk()
    for (const name of ['A.CODE', 'B.TEXT', 'C.DATA']) putVolumeFile(volume, name, bytes(1024))
    putVolumeFile(volume, 'A.CODE', bytes(1500))
    putVolumeFile(volume, 'D.DATA', bytes(1000, 9))
    expect(readDirectory(volume).files.map(({ name, kind, firstBlock }) => [name, kind, firstBlock])).toEqual([
      ['D.DATA', 'data', 6],
      ['B.TEXT', 'text', 8],
      ['C.DATA', 'data', 10],
      ['A.CODE', 'code', 12],
    ])
    expect(readVolumeFile(volume, 'B.TEXT').bytes).toEqual(bytes(1024))
  })
  it('that has no room says so', () => {
    expect(() => putVolumeFile(disk(), 'BIG', bytes(32 * 512))).toThrow(
      expect.objectContaining({ code: 'ucsd.volume-full' }),
    )
  })
  it('has today’s date for who boots it, and keeps its own', () => {
    const volume = disk()
    const block = new Uint8Array(512)
    datedDisk(volume, bigEndian, { year: 26, month: 11, day: 23 }).read(1024, block)
    const word = new DataView(block.buffer).getUint16(20, !bigEndian)
    expect([word & 15, (word >> 4) & 31, word >> 9]).toEqual([11, 23, 26])
    volume.read(1024, block)
    expect([block[20], block[21]]).toEqual([0, 0])
  })
})

describe('what is no volume is refused', () => {
  const change = (at: number, ...values: number[]): Uint8Array => {
    const image = emptyVolume('WORK', 32, false)
    putVolumeFile(memoryDisk(image), 'A.DATA', bytes(700))
    image.set(values, at)
    return image
  }
  it.each<readonly [string, Uint8Array, string]>([
    ['an image that is no whole blocks', new Uint8Array(6000), 'ucsd.volume-size'],
    ['an image that is too short', new Uint8Array(2048), 'ucsd.volume-size'],
    ['an image without a directory', new Uint8Array(16384), 'ucsd.volume-directory'],
    ['a name that is too long', change(1024 + 6, 8), 'ucsd.volume-directory'],
    ['more files than a directory has', change(1024 + 16, 78), 'ucsd.volume-count'],
    ['a file that begins in the directory', change(1024 + 26, 3), 'ucsd.volume-entry'],
    ['a file that ends before it begins', change(1024 + 28, 5), 'ucsd.volume-entry'],
  ])('%s', (_, image, code) => {
    expect(() => readDirectory(memoryDisk(image))).toThrow(expect.objectContaining({ code }))
  })
  it('a file that is not there', () => {
    expect(() => readVolumeFile(memoryDisk(change(0, 0)), 'B.DATA')).toThrow(
      expect.objectContaining({ code: 'ucsd.volume-file' }),
    )
  })
  it.each(['', 'lower case', 'TOOLONGFORANAME1', 'A:B'])('the name %j', name => {
    expect(() => putVolumeFile(memoryDisk(change(0, 0)), name, bytes(1))).toThrow(
      expect.objectContaining({ code: 'ucsd.volume-name' }),
    )
  })
})
