import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PAGE_BYTES } from '@doppel/base'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { notedMemory } from './working-sets.ts'

let home = ''
let env: Record<string, string> = {}
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'doppel-working-sets-'))
  env = { XDG_CACHE_HOME: home }
})
afterEach(async () => {
  await rm(home, { recursive: true })
})

const ID = new Uint8Array(32).fill(3)
/** A snapshot whose every page holds its number, and the pages that it was asked for. */
function snapshot(): { asked: number[]; pages(): number[]; read(page: number, into: Uint8Array): void } {
  const asked: number[] = []
  return {
    asked,
    pages: () => [],
    read: (page, into) => {
      asked.push(page)
      into.fill(page)
    },
  }
}
const read = (memory: ReturnType<typeof notedMemory>, page: number): number | undefined => {
  const into = new Uint8Array(PAGE_BYTES)
  memory.pages.read(page, into)
  return into[0]
}

test('what a machine touched first is there for the next one of the same snapshot', async () => {
  const earlier = notedMemory(snapshot(), ID, env)
  read(earlier, 5)
  await earlier.close()
  const source = snapshot()
  const later = notedMemory(source, ID, env)
  expect([read(later, 5), read(later, 6)]).toEqual([5, 6])
  expect(source.asked).toEqual([6])
  const other = snapshot()
  read(notedMemory(other, new Uint8Array(32), env), 5)
  expect(other.asked).toEqual([5])
})

test('the cache does not grow: what was kept longest ago makes room', async () => {
  for (let i = 0; i < 15; i++) {
    const memory = notedMemory(snapshot(), new Uint8Array(32).fill(i), env)
    read(memory, 1)
    await memory.close()
  }
  expect(await readdir(join(home, 'doppel', 'working-sets'))).toHaveLength(12)
})

test('a cache that cannot be written or read is no matter', async () => {
  await writeFile(join(home, 'doppel'), 'a file where the folder should be')
  const source = snapshot()
  const memory = notedMemory(source, ID, env)
  expect(read(memory, 5)).toBe(5)
  await memory.close()
  expect(source.asked).toEqual([5])
})
