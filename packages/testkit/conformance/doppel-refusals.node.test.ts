import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DOPPEL, doppel, TerminalSession } from './doppel-process.ts'

// Each is one line on stderr that says what, where and what was expected, and no stack; 2 for a command line that
// makes no sense, 1 for anything else.
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-refusals-'))
  const here = (name: string): string => join(folder, name)
  const host = await readFile(process.execPath)
  await writeFile(here('host.elf'), host.subarray(0, 1 << 20))
  const riscv = Buffer.from(host.subarray(0, 300))
  riscv.writeUInt16LE(243, 18)
  await writeFile(here('short.elf'), riscv)
  await writeFile(here('empty'), '')
  await writeFile(here('text'), 'no kernel\n')
  await writeFile(here('odd.raw'), 'x'.repeat(1000))
  await writeFile(here('bad.qcow2'), Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(508, 0xff)]))
  await writeFile(here('unreadable'), 'x')
  await chmod(here('unreadable'), 0)
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe.each([
  [
    'an ELF for another machine',
    ['run', 'host.elf'],
    1,
    /host\.elf is for e_machine \d+ .*; expected 243 \(RISC-V\) \[elf/,
  ],
  ['a truncated ELF', ['run', 'short.elf'], 1, /short\.elf is truncated: .* of 300 \[elf\.truncated\]/],
  ['an empty program', ['run', 'empty'], 1, /empty is not an ELF file.*\[elf\.magic\]/],
  ['an empty kernel', ['run', '--kernel', 'empty'], 1, /empty is empty; expected .*\[load\.empty\]/],
  ['an empty firmware', ['run', '--firmware', 'empty'], 1, /empty is empty; expected .*\[load\.empty\]/],
  ['an empty initrd', ['run', '--initrd', 'empty', 'linux'], 1, /empty is empty; expected .*\[load\.empty\]/],
  ['a kernel that is none', ['run', '--kernel', 'text'], 1, /the guest is stuck: .*\[run\.stuck\]/],
  ['a missing program', ['run', 'nothing.elf'], 1, /nothing\.elf: there is no such file \[run\.file\]/],
  ['a folder for a program', ['run', '.'], 1, /it is a folder \[run\.file\]/],
  ['a folder for a disk', ['run', '--disk', '.', 'linux'], 1, /--disk: .* it is a folder \[run\.file\]/],
  ['an odd disk', ['run', '--disk', 'odd.raw', 'linux'], 1, /odd\.raw has 1000 bytes; .*\[disk\.format\]/],
  ['a damaged disk', ['run', '--disk', 'bad.qcow2', 'linux'], 1, /bad\.qcow2.*\[disk\.\w+\]/],
  [
    'a missing volume',
    ['run', '--volume', './nothing:/x', 'linux'],
    1,
    /nothing cannot be read \(ENOENT\); .*\[run\.volume\]/,
  ],
  ['too little memory', ['run', '-m', '16M', 'linux'], 1, /16\.0 MiB is too little for linux; .*\[run\.memory\]/],
  ['too much memory', ['run', '-m', '16G', 'linux'], 2, /--memory is '16G'; expected .* to .*\[cli\.flag-value\]/],
  ['memory that is no size', ['run', '-m', 'lots', 'linux'], 2, /'lots' is not a size; write .*\[cli\.flag-value\]/],
  [
    'a search on a disk that is written',
    ['search', '--disk', 'odd.raw', 'linux'],
    1,
    /odd\.raw; expected --disk FILE:overlay .*\[search\.disk\]/,
  ],
  ['a search of no seeds', ['search', '--seeds', '9-3', 'linux'], 2, /--seeds is '9-3'; expected how many/],
  [
    'faults of a run that is not repeatable',
    ['run', '--faults', 'bit-flip=1/9', 'linux'],
    2,
    /--faults needs --deterministic/,
  ],
  [
    'an unknown fault',
    ['run', '--deterministic', '--faults', 'fire=1/9', 'linux'],
    2,
    /'fire=1\/9'; .*kinds are disk-error, /,
  ],
  ['no harts', ['run', '--cpus', '0', 'linux'], 2, /--cpus is '0'; expected a whole number from 1 to 8/],
  ['too many harts', ['run', '--cpus', '9', 'linux'], 2, /--cpus is '9'; expected a whole number from 1 to 8/],
  [
    'an unknown engine',
    ['run', '--engine', 'fast', 'linux'],
    2,
    /--engine is 'fast'; expected interpreter or translator/,
  ],
  ['a misspelt flag', ['run', '--cpu', '2', 'linux'], 2, /no flag --cpu; did you mean --cpus\?/],
  ['a flag without its value', ['run', 'linux', '--disk'], 2, /--disk needs a value: --disk FILE/],
  ['no time at all', ['run', '--timeout', '0', 'linux'], 2, /--timeout is '0'; expected a time such as 30s/],
  ['a misspelt command', ['rum'], 2, /no command 'rum'; did you mean 'doppel run'\?/],
  ['nothing to run', ['run'], 2, /nothing to run; expected an image such as linux/],
  ['an empty command', ['run', 'linux', '--'], 2, /no command follows --; for example: /],
  ['an unknown image', ['image', 'pull', 'linus'], 1, /no image 'linus'; did you mean 'linux'\?/],
  [
    'a mirror that is none',
    ['image', 'pull', '--mirror', 'x', 'linux'],
    1,
    /--mirror is 'x'; expected an address such as /,
  ],
] as const)('%s', (_, args, expectedStatus, message) => {
  test('is refused', async () => {
    const { status, stdout, stderr } = await doppel(args, { cwd: folder })
    expect(stderr.toString()).toMatch(message)
    expect(stderr.toString()).toMatch(/^doppel: .* \[[a-z0-9.-]+\]\n$/)
    expect([status, stdout.toString()]).toEqual([expectedStatus, ''])
  })
})

test.skipIf(process.getuid?.() === 0)('an unreadable file is refused', async () => {
  const { status, stderr } = await doppel(['run', '--kernel', 'unreadable'], { cwd: folder })
  expect(stderr.toString()).toMatch(/unreadable: not readable \(EACCES\) \[run\.file\]/)
  expect(status).toBe(1)
})

test('without a network and with an empty cache, linux says so', async () => {
  const env = {
    XDG_CACHE_HOME: join(folder, 'cache'),
    http_proxy: 'http://127.0.0.1:9',
    https_proxy: 'http://127.0.0.1:9',
  }
  const { status, stderr } = await doppel(['run', 'linux', '--', 'true'], { env: { ...env, no_proxy: '' } })
  expect(stderr.toString()).toMatch(/^doppel: no answer from http.*\[net\.unreachable\]\n$/)
  expect(status).toBe(1)
})

test('the terminal is as it was after a refusal and after a signal', async () => {
  // The loader meets this kernel, a program of this computer's, after the terminal was made ready.
  const refused = new TerminalSession(`'${process.execPath}' '${DOPPEL}' run --kernel '${process.execPath}'; stty -a`)
  await refused.shows(/\[elf\.machine\]/)
  await refused.shows(/\bisig icanon/)
  const ended = new TerminalSession(
    `timeout --foreground -s TERM 3 '${process.execPath}' '${DOPPEL}' run linux; echo "status <$?>"; stty -a`,
  )
  await ended.shows(/status <(124|143)>/)
  await ended.shows(/\bisig icanon/)
})

test('a reader that goes away ends the run', async () => {
  const session = new TerminalSession(
    `'${process.execPath}' '${DOPPEL}' run linux -- yes </dev/null | head -n 1; echo "status \${PIPESTATUS[*]}"`,
    { SHELL: '/bin/bash' },
  )
  await session.shows(/^y\r\nstatus \d+ 0/m)
})
