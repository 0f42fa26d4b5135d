import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, findJavaLibrary, ImageCache, pullJavaLibrary } from '@doppel/images'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

// Needs Debian's archive or a filled cache.
let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-java-image-'))
  const source =
    'public class Main { public static void main(String[] a) { System.out.println(System.getProperty("java.home") + " " + String.join(",", a)); } }'
  writeFileSync(join(folder, 'Main.java'), source)
  const compiled = spawnSync('javac', ['-d', folder, join(folder, 'Main.java')], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  await pullJavaLibrary({ cache: new ImageCache(cacheFolder()) })
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

test('a program runs on the library that was pulled', async () => {
  const library = await findJavaLibrary(new ImageCache(cacheFolder()))
  const ran = await doppel(['java', '--library', 'openjdk-17', '-cp', folder, 'Main', 'x'])
  expect([ran.stdout.toString(), ran.status]).toEqual([`${library?.path} x\n`, 0])
  // Columns are as wide as what else is in the cache asks for.
  const listed = (await doppel(['image', 'ls'])).stdout.toString().split('\n')
  expect(listed.map(line => line.split(/\s+/).slice(0, 2))).toContainEqual(['openjdk-17', library?.version])
})

test('run takes a class path and the limits of machines; flags of computers are refused', async () => {
  const ran = await doppel(['run', '-m', '512M', '--network', 'none', '-cp', folder, 'Main', '--', 'a', 'b'])
  expect([ran.stdout.toString().trim().endsWith(' a,b'), ran.status]).toEqual([true, 0])
  const refused = await doppel(['run', '--cpus', '2', '-cp', folder, 'Main'])
  expect([refused.status, refused.stderr.toString()]).toEqual([2, expect.stringContaining('[cli.arguments]')])
})

test('the library is no machine, and without it the way to it is told', async () => {
  const asMachine = await doppel(['run', 'openjdk-17'])
  expect([asMachine.status, asMachine.stderr.toString()]).toEqual([1, expect.stringContaining('[run.file]')])
  const cache = join(folder, 'empty')
  const none = await doppel(['java', '--library', 'openjdk-17', 'Main'], { env: { XDG_CACHE_HOME: cache } })
  expect([none.status, none.stderr.toString()]).toEqual([1, expect.stringContaining('doppel image pull openjdk-17')])
  expect(existsSync(join(cache, 'doppel', 'java-homes'))).toBe(false)
})
