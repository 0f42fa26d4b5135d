import { expect, test } from 'vitest'
import { memoryStore } from '../../test/ports.ts'
import { HistoryStore, type WriteHistory } from './write-history.ts'

type Change = readonly [offset: number, bytes: number[]] | readonly [offset: number, discarded: number]

async function historyOf(changes: readonly Change[]): Promise<WriteHistory> {
  const store = new HistoryStore(memoryStore(4096))
  for (const [offset, what] of changes) {
    if (typeof what === 'number') await store.discard(offset, what)
    else await store.write(offset, Uint8Array.from(what))
  }
  return store.history
}

test('disks with like histories are alike; what, where, how much and in which order tells others apart', async () => {
  const one: Change = [0, [1, 2, 3, 4]]
  const two: Change = [8, [1, 2, 3, 4]]
  const [first] = [await historyOf([one, two])]
  expect(await historyOf([one, two])).toEqual(first)
  const others = [
    [two, one],
    [one],
    [one, two, two],
    [one, [8, [1, 2, 3, 5]]],
    [one, [12, [1, 2, 3, 4]]],
    [one, [8, 4]],
  ]
  for (const other of others as Change[][]) expect(await historyOf(other)).not.toEqual(first)
  expect(await historyOf([[0, 8]])).not.toEqual(await historyOf([[0, [0, 0, 0, 0, 0, 0, 0, 0]]]))
})

test('reading leaves no trace', async () => {
  const store = new HistoryStore(memoryStore(4096))
  const before = store.history
  await store.read(0, new Uint8Array(512))
  await store.flush()
  expect(store.history).toEqual(before)
})
