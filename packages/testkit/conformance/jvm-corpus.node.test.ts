import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageInMemory, RuntimeImage, parseClassFile, parseCode } from '@doppel/jvm'
import { doppel } from './doppel-process.ts'

// The judge is Debian's OpenJDK 17, beside us: the same programs, the same input, the same bytes out.
const SOURCES = join(import.meta.dirname, 'java')
const PROGRAMS = readdirSync(SOURCES).map(name => name.replace('.java', ''))
const INPUT = 'first line\nsecond line\n'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-java-'))
  const sources = PROGRAMS.map(name => join(SOURCES, `${name}.java`))
  const compiled = spawnSync('javac', ['-g', '-nowarn', '-d', folder, ...sources], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('programs print and end here as with OpenJDK', () => {
  test.each(PROGRAMS)('%s', async name => {
    // Compiled code of OpenJDK throws some exceptions without a stack when it has thrown them often.
    const args = ['-XX:-OmitStackTraceInFastThrow', '-cp', folder, name]
    const expected = spawnSync('java', args, { input: INPUT, encoding: 'utf8' })
    const ours = await doppel(['java', '-cp', folder, name], { input: INPUT })
    expect({ status: ours.status, stdout: ours.stdout.toString(), stderr: ours.stderr.toString() }).toEqual({
      status: expected.status,
      stdout: expected.stdout,
      stderr: expected.stderr,
    })
  })
})

test('a jar runs', async () => {
  const jar = join(folder, 'app.jar')
  spawnSync('jar', ['--create', '--file', jar, '--main-class', 'Reflective', '-C', folder, '.'])
  const expected = spawnSync('java', ['-jar', jar], { encoding: 'utf8' })
  const ours = await doppel(['java', '-jar', jar])
  expect(ours.stdout.toString()).toBe(expected.stdout)
})

test('an endless loop ends when its time is up, and run takes jars', async () => {
  const source = join(folder, 'Loop.java')
  writeFileSync(source, 'public class Loop { public static void main(String[] a) { for (long n = 0; ; n++) {} } }')
  spawnSync('javac', ['-d', folder, source])
  const jar = join(folder, 'loop.jar')
  spawnSync('jar', ['--create', '--file', jar, '--main-class', 'Loop', '-C', folder, 'Loop.class'])
  const ours = await doppel(['run', '--timeout', '8s', jar])
  expect(ours.status).toBe(124)
  expect(ours.stderr.toString()).toContain('[run.timeout]')
})

test('javac, run here, writes the class files that javac writes', async () => {
  const out = join(folder, 'ours')
  const ours = await doppel(['javac', '-g', '-nowarn', '-d', out, join(SOURCES, 'Concurrent.java')])
  expect([ours.stderr.toString(), ours.status]).toEqual(['', 0])
  const names = readdirSync(out).filter(name => name.startsWith('Concurrent'))
  expect(names.length).toBeGreaterThan(1)
  for (const name of names) expect(readFileSync(join(out, name))).toEqual(readFileSync(join(folder, name)))
})

test.each([
  [['java', '-cp', '.', 'no.such.Main'], 1, /Could not find or load main class no\.such\.Main/],
  [['java', '-jar', 'no-such.jar'], 1, /Unable to access jarfile no-such\.jar/],
  [['java', '-Xnonsense', 'Main'], 1, /\[java\.option\]/],
])('%j is refused', async (args, status, message) => {
  const ours = await doppel(args)
  expect(ours.status).toBe(status)
  expect(ours.stderr.toString()).toMatch(message)
})

test('every class of the library is parsed, its code included', () => {
  const home = spawnSync('java', ['-XshowSettings:properties', '-version'], { encoding: 'utf8' })
  const path = /java\.home = (.*)/.exec(home.stderr)?.[1] as string
  const image = new RuntimeImage(imageInMemory(readFileSync(join(path, 'lib', 'modules'))))
  let classes = 0
  for (const name of image.paths()) {
    if (!name.endsWith('.class') || name.endsWith('module-info.class')) continue
    const file = parseClassFile(image.find(name) as Uint8Array)
    for (const method of file.methods) parseCode(file, method)
    classes++
  }
  expect(classes).toBeGreaterThan(20_000)
})
