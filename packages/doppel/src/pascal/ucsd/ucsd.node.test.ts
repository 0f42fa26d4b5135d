import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codefileBytes, segmentBytes } from '../../../../pcode/test/ucsd/assembler.ts'
import { ECHO, systemVolume } from '../../../../pcode/test/ucsd/small-system.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-ucsd-'))
  writeFileSync(join(folder, 'system.vol'), systemVolume(ECHO))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs doppel in the folder, as a shell would. */
function doppel(words: readonly string[], input = ''): { status: number | null; out: string; err: string } {
  const node = ['--conditions=source', MAIN, ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd: folder, input, encoding: 'utf8' })
  return { status, out: stdout, err: stderr }
}
const block = (path: string, number: number): Buffer => readFileSync(join(folder, path)).subarray(512 * number)

describe('doppel run of a p-System volume', () => {
  test('boots it over pipes, and keeps what it writes', () => {
    writeFileSync(join(folder, 'system.vol'), Buffer.from(systemVolume(ECHO)).fill(1, 63 * 512))
    expect(doppel(['run', 'system.vol'], 'ab\ncQ')).toEqual({ status: 0, out: '>ab\nc0', err: '' })
    expect(block('system.vol', 63).equals(Buffer.alloc(512))).toBe(true)
  })
  test('with :ro refuses what it writes, by its own means', () => {
    const before = readFileSync(join(folder, 'system.vol'))
    // 16, write-protected, from the character 0 on.
    expect(doppel(['run', 'system.vol:ro'], 'Q')).toEqual({ status: 0, out: '>@', err: '' })
    expect(readFileSync(join(folder, 'system.vol')).equals(before)).toBe(true)
  })
  test('loses nothing of much input', () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join('')
    expect(doppel(['run', 'system.vol'], lines)).toEqual({ status: 0, out: `>${lines}`, err: '' })
  })
  test('ends with its input', () => {
    expect(doppel(['run', 'system.vol'], 'abc')).toEqual({ status: 0, out: '>abc', err: '' })
  })
  test('ends an endless system after --timeout', () => {
    const loop = { level: -1, dataWords: 1, jumps: [0], code: [['LDCN'], ['FJP', -10], 'exit', ['XIT']] as const }
    writeFileSync(join(folder, 'loop.vol'), systemVolume({ procedures: [loop] }))
    expect(doppel(['run', 'loop.vol', '--timeout', '200ms'])).toEqual({ status: 124, out: '', err: '' })
  })
  test('is no place for two at once', () => {
    expect(doppel(['run', 'system.vol', 'system.vol']).err).toContain('[disk.locked]')
  })
  test.each<readonly [string, () => void, string]>([
    [
      'is not there',
      () => rmSync(join(folder, 'system.vol')),
      'system.vol cannot be read and written (ENOENT) [ucsd.volume-open]',
    ],
    [
      'is no volume',
      () => writeFileSync(join(folder, 'system.vol'), Buffer.alloc(8192)),
      'begins no directory of a UCSD p-System volume [ucsd.volume-directory]',
    ],
    [
      'is cut within a block',
      () => writeFileSync(join(folder, 'system.vol'), Buffer.alloc(8000)),
      '[ucsd.volume-size]',
    ],
    [
      'has no system',
      () => {
        rmSync(join(folder, 'system.vol'))
        doppel(['pascal', 'volume', 'new', 'system.vol'])
      },
      'SYSTEM: has no SYSTEM.PASCAL, which a system is booted from [ucsd.boot]',
    ],
  ])('a volume that %s is refused', (_, prepare, message) => {
    prepare()
    const { status, err } = doppel(['run', 'system.vol'])
    expect([status, err.includes(message)], err).toEqual([1, true])
  })
  test('a volume of the other byte sex cannot stand beside', () => {
    doppel(['pascal', 'volume', 'new', '--big-endian', 'work.vol'])
    expect(doppel(['run', 'system.vol', 'work.vol']).err).toContain('WORK: has the other byte sex than SMALL:')
  })
})

describe('doppel pascal volume', () => {
  test('makes a volume, puts text on it, lists it and gets it back', () => {
    const text = 'program p;\nbegin\n    writeln(1)\nend.\n'
    writeFileSync(join(folder, 'p.text'), text)
    expect(doppel(['pascal', 'volume', 'new', 'work.vol', '100']).status).toBe(0)
    expect(statSync(join(folder, 'work.vol')).size).toBe(51_200)
    expect(doppel(['pascal', 'volume', 'put', 'work.vol', 'p.text']).out).toBe('P.TEXT: 4 blocks at 6\n')
    const { files, ...volume } = JSON.parse(doppel(['pascal', 'volume', 'ls', '--json', 'work.vol']).out) as {
      files: { name: string; kind: string }[]
    }
    expect(volume).toEqual({ name: 'WORK', bigEndian: false, blocks: 100 })
    expect(files.map(({ name, kind }) => [name, kind])).toEqual([['P.TEXT', 'text']])
    expect(doppel(['pascal', 'volume', 'get', 'work.vol', 'p.text']).out).toBe(text)
  })
  test('does not overwrite a file with a new volume', () => {
    expect(doppel(['pascal', 'volume', 'new', 'system.vol']).err).toContain('system.vol is there already')
  })
  test('says what it can do', () => {
    const { status, err } = doppel(['pascal', 'volume', 'cat', 'system.vol'])
    expect([status, err.includes('ls VOLUME.vol, or get VOLUME.vol NAME [FILE]')]).toEqual([2, true])
  })
  test('says that a file is write-protected before anything is written', () => {
    if (process.getuid?.() === 0) return
    chmodSync(join(folder, 'system.vol'), 0o444)
    expect(doppel(['run', 'system.vol']).err).toContain('system.vol:ro is for reading only')
  })
})

test('doppel pascal disassemble shows the p-code of a codefile', () => {
  const code = segmentBytes(1, [
    { code: [['SLDC', 5], ['LSA', 'HI'], ['CSP', 2], 'exit', ['RBP', 0]], dataWords: 3, parameterWords: 2 },
  ])
  writeFileSync(join(folder, 'p.code'), codefileBytes([{ number: 1, name: 'PROG', code }]))
  expect(doppel(['pascal', 'disassemble', 'p.code']).out).toBe(`; UCSD p-System codefile, little-endian

segment PROG  ; 1, LINKED, slot 1, block 1, 24 bytes

procedure 1  ; level 0, parameters 2, variables 3 words
     0  SLDC    5
     1  LSA     'HI'
     5  CSP     MVL
     7= RBP     0
`)
  writeFileSync(join(folder, 'bad.code'), Buffer.alloc(600))
  expect(doppel(['pascal', 'disassemble', 'bad.code']).err).toContain('[ucsd.codefile-size]')
})
