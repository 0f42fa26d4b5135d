import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generatedStore } from './generated-store.ts'

let home = ''
let env: Record<string, string> = {}
let program = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'doppel-generated-'))
  env = { XDG_CACHE_HOME: home }
  program = join(home, 'program')
  await mkdir(program)
  await writeFile(join(program, 'generator.ts'), 'a generator')
})
afterEach(async () => {
  await rm(home, { recursive: true })
})

const BYTES = Uint8Array.of(0, 97, 115, 109)
const folder = (): string => join(home, 'doppel', 'generated')
async function kept(): Promise<string> {
  generatedStore(env, [program]).keep('interpreter', BYTES)
  await sleep(50)
  const [name = ''] = await readdir(folder())
  return join(folder(), name)
}

test('what one run generated is there for the next of the same program', async () => {
  await kept()
  const store = generatedStore(env, [program])
  expect(store.load('interpreter')).toEqual(BYTES)
  expect(store.load('another')).toBeUndefined()
  store.keep('another', BYTES)
  await sleep(50)
  const next = generatedStore(env, [program])
  expect([next.load('interpreter'), next.load('another')]).toEqual([BYTES, BYTES])
})

test('a program that has changed generates anew', async () => {
  await kept()
  await writeFile(join(program, 'generator.ts'), 'another generator')
  expect(generatedStore(env, [program]).load('interpreter')).toBeUndefined()
})

test('a damaged file holds nothing, and a cache that cannot be read or written is no matter', async () => {
  const path = await kept()
  const file = await readFile(path)
  file[file.length - 3] = (file[file.length - 3] ?? 0) ^ 1
  await writeFile(path, file)
  expect(generatedStore(env, [program]).load('interpreter')).toBeUndefined()
  await rm(folder(), { recursive: true })
  await writeFile(folder(), 'a file where the folder should be')
  const store = generatedStore(env, [program])
  expect(store.load('interpreter')).toBeUndefined()
  store.keep('interpreter', BYTES)
  await sleep(50)
  expect(await readFile(folder(), 'utf8')).toBe('a file where the folder should be')
})
