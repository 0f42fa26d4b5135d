import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HostIoError } from '../runtime/vm.ts'
import { MemoryFiles } from './memory-files.ts'

const READ = { read: true, write: false, append: false, create: false, truncate: false, exclusive: false }
const WRITE = { ...READ, write: true, create: true }
const files = (): MemoryFiles => new MemoryFiles({ '/lib/a': Uint8Array.of(1, 2, 3) }, '/home', () => 7)
const errno = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof HostIoError) return error.errno
    throw error
  }
  return 'none'
}

test('what was there at first is read; paths are worked out from the folder', () => {
  const f = files()
  const into = new Uint8Array(2)
  expect([f.open('../lib/./a', READ).read(into, 1), ...into]).toEqual([2, 2, 3])
  expect(f.stat('/lib/a')).toMatchObject({ kind: 'file', sizeBytes: 3, modifiedMs: 7 })
  expect([f.stat('/home')?.kind, f.list('/'), f.realPath('x/../y')]).toEqual(['folder', ['home', 'lib'], '/home/y'])
})

test('bytes are what was written last, whatever the pieces, gaps zero', () => {
  const piece = fc.record({ at: fc.nat(300), bytes: fc.uint8Array({ maxLength: 60 }) })
  const step = fc.oneof(piece, fc.record({ cut: fc.nat(300) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const file = files().open('f', WRITE)
      let expected: number[] = []
      for (const each of steps) {
        if ('cut' in each) {
          file.truncate(each.cut)
          expected = Array.from({ length: each.cut }, (_, i) => expected[i] ?? 0)
        } else {
          file.write(each.bytes, each.at)
          const end = Math.max(expected.length, each.at + each.bytes.length)
          expected = Array.from({ length: end }, (_, i) => each.bytes[i - each.at] ?? expected[i] ?? 0)
        }
      }
      const into = new Uint8Array(expected.length)
      expect([file.sizeBytes(), file.read(into, 0), [...into]]).toEqual([expected.length, expected.length, expected])
    }),
  )
})

test('folders are made, renamed and removed as a file system does it', () => {
  const f = files()
  f.makeFolder('d')
  f.open('d/x', WRITE).write(Uint8Array.of(9), 0)
  f.rename('d', '/lib/e')
  expect([f.list('/lib'), f.stat('/lib/e/x')?.sizeBytes, f.stat('d')]).toEqual([['a', 'e'], 1, undefined])
  expect(errno(() => f.remove('/lib/e'))).toBe('ENOTEMPTY')
  expect(errno(() => f.rename('/lib', '/lib/e/below'))).toBe('EINVAL')
  f.remove('/lib/e/x')
  f.remove('/lib/e')
  expect(f.list('/lib')).toEqual(['a'])
})

test.each([
  ['a file that is not there', (f: MemoryFiles) => f.open('none', READ), 'ENOENT'],
  ['a folder that is not there', (f: MemoryFiles) => f.open('none/x', WRITE), 'ENOENT'],
  ['a folder as a file', (f: MemoryFiles) => f.open('/lib', READ), 'EISDIR'],
  ['a file as a folder', (f: MemoryFiles) => f.open('/lib/a/x', WRITE), 'ENOTDIR'],
  ['a file that may not be there yet', (f: MemoryFiles) => f.open('/lib/a', { ...WRITE, exclusive: true }), 'EEXIST'],
  ['more than there is room for', (f: MemoryFiles) => f.open('big', WRITE).truncate(2 ** 32), 'ENOSPC'],
  ['the root, made again', (f: MemoryFiles) => f.makeFolder('/'), 'EEXIST'],
])('%s: %s', (_what, run, expected) => expect(errno(() => run(files()))).toBe(expected))
