import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClassWriter } from '../../jvm/test/class-writer.ts'
import { doppel } from './doppel-process.ts'

// The judge is Debian's OpenJDK 17: class files changed at random are accepted or refused here as there.
const SOURCES = join(import.meta.dirname, 'java-verify')
const MUTANTS = 700
/**
 * OpenJDK checks a class's methods in the order of addresses, so that of two errors in one file now one, now the other
 * comes first: so many in a hundred may be refused for another of these reasons.
 */
const OTHER_REASON_PERCENT = 2
const REFUSED = /^java\.lang\.(VerifyError|ClassFormatError|NoClassDefFoundError)$/

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-verify-'))
  const sources = readdirSync(SOURCES).map(name => join(SOURCES, name))
  const compiled = spawnSync('javac', ['--release', '8', '-nowarn', '-d', folder, ...sources], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['inferring, as before version 50', 'Classic', 11, 49],
  ['by type checking', 'Modern', 13, 0],
])('mutants are judged as OpenJDK judges them: %s', async (_how, victim, seed, version) => {
  const args = ['-cp', folder, 'Fuzz', victim, folder, String(MUTANTS), String(seed), String(version)]
  const expected = spawnSync('java', args, { encoding: 'utf8' }).stdout.trim().split('\n')
  const ours = (await doppel(['java', ...args])).stdout.toString().trim().split('\n')
  expect(ours.length).toBe(expected.length)
  const differ = expected.flatMap((line, i) => (line === ours[i] ? [] : [[line, ours[i] as string]]))
  const reasons = differ
    .map(pair => pair.map(line => line.replace(/^\d+ /, '')))
    // Inference of OpenJDK's loads some classes that only use would need; here they are missed when they are used.
    .filter(([theirs]) => version === 0 || theirs !== 'java.lang.NoClassDefFoundError')
  expect(reasons.filter(pair => !pair.every(reason => REFUSED.test(reason)))).toEqual([])
  expect(differ.length).toBeLessThan((MUTANTS * OTHER_REASON_PERCENT) / 100)
  // Some mutants must be sound and some not, or nothing was tried.
  expect(new Set(expected.map(line => line.replace(/^\d+ /, ''))).size).toBeGreaterThan(3)
})

test('a subroutine of an old class returns to each of its callers', async () => {
  const old = new ClassWriter('Old')
  old.major = 48
  // istore_1 of the argument, jsr twice to: astore_2, iinc 1 by 5, ret 2
  const code = [0x1a, 0x3c, 0xa8, 0, 8, 0xa8, 0, 5, 0x1b, 0xac, 0x4d, 0x84, 1, 5, 0xa9, 2]
  old.method(0x9, 'twice', '(I)I', code)
  writeFileSync(join(folder, 'Old.class'), old.bytes())
  const source = join(folder, 'UseOld.java')
  writeFileSync(
    source,
    `public class UseOld { public static void main(String[] a) throws Exception {
      System.out.println(Class.forName("Old").getMethod("twice", int.class).invoke(null, 1)); } }`,
  )
  spawnSync('javac', ['-d', folder, source])
  const ours = await doppel(['java', '-cp', folder, 'UseOld'])
  expect(ours.stdout.toString()).toBe(spawnSync('java', ['-cp', folder, 'UseOld'], { encoding: 'utf8' }).stdout)
  expect(ours.stdout.toString()).toBe('11\n')
})
