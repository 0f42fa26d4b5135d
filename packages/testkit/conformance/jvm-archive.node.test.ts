import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

// Compiled code kept from run to run; the judge is Debian's OpenJDK 17.
const SOURCES = join(import.meta.dirname, 'java')
const PROGRAMS = ['References', 'Reflective']

let folder = ''
let expected = new Map<string, string>()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-archive-'))
  compile(...PROGRAMS.map(name => join(SOURCES, `${name}.java`)))
  expected = new Map(PROGRAMS.map(name => [name, openjdk(name)]))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function compile(...sources: readonly string[]): void {
  const compiled = spawnSync('javac', ['-g', '-nowarn', '-d', folder, ...sources], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
}
const openjdk = (name: string): string => {
  const { stdout, stderr, status } = spawnSync('java', ['-cp', folder, name], { encoding: 'utf8' })
  return `${stdout}${stderr}${status}`
}
async function ours(name: string, cache: string): Promise<string> {
  const { stdout, stderr, status } = await doppel(['java', '-cp', folder, name], { env: { XDG_CACHE_HOME: cache } })
  return `${stdout.toString()}${stderr.toString()}${status}`
}
/** Files of the archive in a cache folder. */
function files(cache: string): string[] {
  const at = join(cache, 'doppel', 'java')
  return readdirSync(at).map(name => join(at, name))
}
const bytecodeOf = (stderr: string): number =>
  (JSON.parse(stderr.trim().split('\n').at(-1) as string) as { bytecodeBytes: number }).bytecodeBytes

test('programs run the same from kept code, also where another program has kept it, and hardly translate again', async () => {
  const cache = join(folder, 'cache-same')
  for (const name of [...PROGRAMS, ...PROGRAMS]) expect(await ours(name, cache)).toBe(expected.get(name))
  const run = (env: Record<string, string>) => doppel(['java', '--statistics', '-cp', folder, 'Reflective'], { env })
  const warm = await run({ XDG_CACHE_HOME: cache })
  const cold = await run({ XDG_CACHE_HOME: join(folder, 'cache-none') })
  expect(bytecodeOf(warm.stderr.toString()) * 5).toBeLessThan(bytecodeOf(cold.stderr.toString()))
})

test('two machines may keep their code at once', async () => {
  const cache = join(folder, 'cache-two')
  const both = await Promise.all(PROGRAMS.map(name => ours(name, cache)))
  expect(both).toEqual(PROGRAMS.map(name => expected.get(name)))
  expect(await ours('References', cache)).toBe(expected.get('References'))
})

test('a damaged archive is not used, and made anew', async () => {
  const cache = join(folder, 'cache-damaged')
  await ours('References', cache)
  const [path = ''] = files(cache)
  const whole = readFileSync(path)
  for (const damage of [whole.subarray(0, 5000), Buffer.from(whole).fill(7, 90_000, 90_004)]) {
    writeFileSync(path, damage)
    expect(await ours('References', cache)).toBe(expected.get('References'))
    expect(readFileSync(path).length).toBeGreaterThan(whole.length / 2)
  }
})

test('a class that has changed runs as it is now, and so do those that depend on it', async () => {
  const cache = join(folder, 'cache-changed')
  const user =
    'public class User { public static void main(String[] a) { Used u = new Used(); System.out.println(u.value() + u.field); } }'
  const first = 'public class Used { int field = 5; String value() { return "first "; } }'
  const second =
    'public class Used extends java.util.ArrayList<String> { long other; int field = 7; int more() { return 1; } String value() { return "second " + size(); } }'
  const source = join(folder, 'src')
  mkdirSync(source)
  const put = (name: string, text: string): string => {
    writeFileSync(join(source, `${name}.java`), text)
    return join(source, `${name}.java`)
  }
  compile(put('Used', first), put('User', user))
  for (const _ of [1, 2]) expect(await ours('User', cache)).toBe('first 5\n0')
  // Only the class that is used is compiled anew.
  const userClass = readFileSync(join(folder, 'User.class'))
  compile(put('Used', second))
  writeFileSync(join(folder, 'User.class'), userClass)
  for (const _ of [1, 2]) expect(await ours('User', cache)).toBe('second 07\n0')
})

test('a cache that cannot be written is no reason not to run', async () => {
  const blocked = join(folder, 'blocked')
  writeFileSync(blocked, '')
  expect(await ours('Reflective', blocked)).toBe(expected.get('Reflective'))
})
