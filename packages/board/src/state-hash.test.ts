import { FlatMemory, type Saved } from '@doppel/base'
import { expect, test } from 'vitest'
import { StateHash } from './state-hash.ts'

const PAGE = 4096
const BASE = 0x8000_0000

/** Four pages of memory, those that have been touched, and those written since it was asked. */
function memoryOf() {
  const memory = new FlatMemory(BASE, 4 * PAGE)
  const touched = new Set<number>()
  const dirty: number[] = []
  return {
    memory,
    touch: (page: number) => void touched.add(page),
    write: (page: number, value: number) => {
      touched.add(page)
      dirty.push(page)
      memory.write(BASE + page * PAGE + 8, Uint8Array.of(value))
    },
    touchedPages: () =>
      [...touched].map(page => [page, memory.bytes.subarray(page * PAGE, (page + 1) * PAGE)] as const),
    takeDirty: () => dirty.splice(0),
  }
}
const STATE: Saved = { pc: 0x80000000n, names: ['a'] }

test('equal states have one hash, however they came about; others have others', () => {
  const [a, b] = [memoryOf(), memoryOf()]
  const [first, second] = [new StateHash(a), new StateHash(b)]
  a.write(1, 5)
  b.write(1, 7)
  expect(first.take(STATE)).not.toBe(second.take(STATE))
  b.write(1, 5)
  b.touch(3)
  expect(second.take(STATE)).toBe(first.take(STATE))
  expect(second.take({ pc: 0x80000002n, names: ['a'] })).not.toBe(first.take(STATE))
  a.write(2, 5)
  b.write(1, 0)
  b.write(2, 5)
  expect(first.take(STATE)).not.toBe(second.take(STATE))
  a.write(1, 0)
  expect(first.take(STATE)).toBe(second.take(STATE))
  expect(new StateHash(a).take(STATE)).toBe(first.take(STATE))
})

test('the same bytes on another page are another state', () => {
  const [a, b] = [memoryOf(), memoryOf()]
  a.write(1, 5)
  b.write(2, 5)
  expect(new StateHash(a).take(STATE)).not.toBe(new StateHash(b).take(STATE))
})
