import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededEntropy } from '@doppel/base'
import { OPCODES } from '@doppel/jvm'
import { RandomSource } from '@doppel/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'
import { JavaGenerator } from './java-generator.ts'

// Programs nobody has written, on Debian's OpenJDK 17 and here: every line that they print must be the same.
const SEEDS = [1, 2]
const METHODS = 60
const CORPUS = join(import.meta.dirname, 'java')
/** Instructions that OpenJDK’s compiler does not make, or only for methods of 64 kilobytes. */
const NEVER_COMPILED = ['nop', 'swap', 'jsr', 'ret', 'goto_w', 'jsr_w']

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-generated-'))
  for (const seed of SEEDS) {
    const generator = new JavaGenerator(new RandomSource(seededEntropy(BigInt(seed))))
    writeFileSync(join(folder, `Generated${seed}.java`), generator.program(`Generated${seed}`, METHODS))
  }
  const sources = readdirSync(folder).map(name => join(folder, name))
  const compiled = spawnSync('javac', ['-nowarn', '-Xlint:none', '-d', folder, ...sources], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each(SEEDS)('program %i prints what it prints on OpenJDK', async seed => {
  const expected = spawnSync('java', ['-cp', folder, `Generated${seed}`], { encoding: 'utf8' })
  const ours = await doppel(['java', '-cp', folder, `Generated${seed}`])
  expect(expected.stdout.split('\n').length).toBeGreaterThan(METHODS * 4)
  expect([ours.stdout.toString(), ours.stderr.toString(), ours.status]).toEqual([expected.stdout, '', 0])
})

test('these programs and the corpus have every instruction that the compiler makes', () => {
  const corpus = join(folder, 'corpus')
  const sources = readdirSync(CORPUS).map(name => join(CORPUS, name))
  spawnSync('javac', ['-nowarn', '-Xlint:none', '-d', corpus, ...sources])
  const classes = [folder, corpus].flatMap(at =>
    readdirSync(at)
      .filter(name => name.endsWith('.class'))
      .map(name => join(at, name)),
  )
  const text = spawnSync('javap', ['-c', '-p', ...classes], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout
  const seen = new Set([...text.matchAll(/^ +\d+: (\w+)/gm)].map(([, name = '']) => name.replace(/_w$/, '')))
  const missing = OPCODES.flatMap(row =>
    row && row.name !== 'wide' && !seen.has(row.name.replace(/_w$/, '')) ? [row.name] : [],
  )
  expect(missing.filter(name => !NEVER_COMPILED.includes(name))).toEqual([])
})
