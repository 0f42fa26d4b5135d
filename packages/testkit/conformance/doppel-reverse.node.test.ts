import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel, DOPPEL, TerminalSession } from './doppel-process.ts'

const execute = promisify(execFile)
const SOURCE = fileURLToPath(new URL('gdb/ledger.c', import.meta.url))
const FLAGS =
  '-g -O0 -nostdlib -ffreestanding -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,-Ttext=0x80000000 -Wl,--no-relax -Wl,--no-warn-rwx-segments'

let folder: string
let program: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-reverse-'))
  program = join(folder, 'ledger.elf')
  await execute('riscv64-unknown-elf-gcc', [...FLAGS.split(' '), '-o', program, SOURCE])
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Debian's GDB on a machine that waits for it: what it prints for these commands, what `monitor` says, and the machine. */
async function debug(
  args: string,
  commands: readonly string[],
  symbols: readonly string[] = [],
): Promise<{ readonly text: string; readonly said: string; readonly machine: TerminalSession }> {
  const machine = new TerminalSession(`${process.execPath} ${DOPPEL} ${args}`)
  const [, port = ''] = await machine.shows(/target remote :(\d+)/)
  const first = ['set confirm off', 'set style enabled off', 'set architecture riscv:rv64', `target remote :${port}`]
  const options = ['-batch', '-nx', ...[...first, ...commands].flatMap(command => ['-ex', command]), ...symbols]
  const { stdout, stderr } = await execute('gdb-multiarch', options, { timeout: 100_000 })
  return { text: stdout, said: stderr, machine }
}
const deterministic = (more: string): string => `run --deterministic --hash --gdb 0 --gdb-wait ${more}`

test('GDB runs a program backwards to the write that corrupted a variable, and to its start', async () => {
  const plain = await doppel(['run', '--deterministic', '--hash', program])
  const { text, machine } = await debug(
    deterministic(program),
    [
      'break fail',
      'continue',
      'print ledger.limit',
      'watch ledger.limit',
      'reverse-continue',
      'backtrace',
      'reverse-stepi',
      'print (long)$pc - (long)&credit',
      'reverse-finish',
      'print account',
      'delete',
      'reverse-continue',
      'print ledger.limit',
      // What was is not disturbed by having been gone through again.
      'watch ledger.limit if ledger.limit != 100',
      'continue',
      'delete',
      'continue',
    ],
    [program],
  )
  expect(text).toMatch(/Breakpoint 1, fail \(\) at .*ledger\.c:\d+\n.*\n\$1 = 101\n/)
  expect(text).toMatch(
    /Hardware watchpoint 2: ledger\.limit\n\nOld value = 101\nNew value = 100\n.* in credit \(account=8, amount=1\)/,
  )
  expect(text).toMatch(/#0 .* in credit \(account=8.*\n#1 .* in pay_all \(round=300\).*\n#2 .* in main \(\)/)
  expect(text).toMatch(/\$2 = \d+\n.* in pay_all \(round=300\) at .*\n.*credit\(account, 1\);\n\$3 = 8\n/)
  expect(text).toMatch(/No more reverse-execution history\.\n_start \(\) at .*\n.*\n\$4 = 100\n/)
  expect(text).toMatch(/Old value = 100\nNew value = 101\n/)
  expect(text).toContain('exited with code 01')
  await machine.shows(new RegExp(plain.stdout.toString().trim()))
  expect(await machine.ended).toBe(1)
})

test('GDB goes back in the replay of a boot of Linux: to a breakpoint, to the last write, to the start', async () => {
  const tape = join(folder, 'boot.tape')
  await doppel(['record', '-o', tape, 'linux', '--', 'echo', 'only once'])
  const names = ' (start_kernel|do_exit|total_forks)$'
  const symbols = await doppel(['run', 'linux', '--', 'grep', '-E', names, '/proc/kallsyms'])
  const address = (name: string): string =>
    `0x${new RegExp(`^([0-9a-f]+) . ${name}$`, 'm').exec(symbols.stdout.toString())?.[1] ?? ''}`
  const forks = `*(long *)${address('total_forks')}`
  const { text, said, machine } = await debug(`replay --gdb 0 --gdb-wait ${tape}`, [
    // To the end of the recording: the machine has powered itself off.
    'continue',
    'set $end = $pc',
    `set $forks = ${forks}`,
    `watch ${forks}`,
    'reverse-continue',
    `print $forks - ${forks}`,
    'delete',
    `hbreak *${address('do_exit')}`,
    'reverse-continue',
    `print $pc == ${address('do_exit')}`,
    'monitor info tlb',
    'delete',
    `hbreak *${address('start_kernel')}`,
    'reverse-continue',
    `print $pc == ${address('start_kernel')}`,
    'reverse-stepi',
    'stepi',
    `print $pc == ${address('start_kernel')}`,
    'delete',
    'reverse-continue',
    'print/x $pc',
    'continue',
    'print $pc == $end',
    'continue',
  ])
  expect(text).toContain('No more reverse-execution history.')
  expect(text).toMatch(/Old value = (\d+)\nNew value = \d+\n[^]*\$1 = 1\n/)
  expect(text).toContain('$2 = 1\n')
  expect(said).toMatch(/^0xffffffff80000000-0x[0-9a-f]+ 0x80200000 r-x-gad$/m)
  expect(text).toContain('$3 = 1\n')
  expect(text).toContain('$4 = 1\n')
  expect(text).toContain('$5 = 0x80200000\n')
  expect(text).toContain('$6 = 1\n')
  expect(text).toContain('exited normally')
  // All of it has been printed once, and the state at the end is that of the recording.
  await machine.shows(/the same state, [0-9a-f]{16}/)
  expect(machine.shown.match(/only once/g)).toHaveLength(1)
  expect(await machine.ended).toBe(0)
})

test('the race of examples/race is found by its seed, happens again, and its last write is found backwards', async () => {
  const example = (file: string): string => fileURLToPath(new URL(`../../../examples/race/${file}`, import.meta.url))
  const race = join(folder, 'race.elf')
  await execute(example('build.sh'), [race])
  const run = (...args: string[]): ReturnType<typeof doppel> =>
    doppel(['run', '--deterministic', '--hash', '--cpus', '2', ...args, race])
  expect((await run()).status).toBe(0)
  const search = await doppel(['search', '--json', '--cpus', '2', '--output', folder, race])
  const { failed } = JSON.parse(search.stdout.toString()) as {
    readonly failed: readonly { readonly seed: number; readonly recording: string }[]
  }
  expect([search.status, failed.length]).toEqual([1, 1])
  const [{ seed: found, recording } = { seed: 0, recording: '' }] = failed
  const seed = String(found)
  const first = await run('--seed', seed)
  const replayed = await doppel(['replay', recording])
  expect([replayed.status, replayed.stderr.toString()]).toEqual([
    1,
    expect.stringContaining(first.stdout.toString().trim()),
  ])
  expect([first.status, first.stderr.toString()]).toEqual([1, expect.stringContaining('failed test')])
  expect((await run('--engine', 'interpreter', '--seed', seed)).stdout).toEqual(first.stdout)
  const { text, machine } = await debug(
    deterministic(`--cpus 2 --seed ${seed} ${race}`),
    [`source ${example('last-write.gdb')}`],
    [race],
  )
  const hit =
    /Thread (\d) hit Hardware watchpoint 2: owner\[\$ticket\]\n\nOld value = (\d+)\nNew value = (\d+)\n.* in claim /g
  const [last, lost] = [...text.matchAll(hit)].map(match => match.slice(1).map(Number))
  // Each hart has written its name, in the hundreds, over that of the other.
  expect(new Set([last?.[1], last?.[2]].map(value => Math.floor((value ?? 0) / 100)))).toEqual(new Set([1, 2]))
  expect(lost?.slice(1)).toEqual([last?.[2], 0])
  expect(new Set([last?.[0], lost?.[0]])).toEqual(new Set([1, 2]))
  await machine.shows(new RegExp(first.stdout.toString().trim()))
  expect(await machine.ended).toBe(1)
})

test('a search tells the lowest seed that fails, all of them, or none, by status and by what is printed', async () => {
  const search = async (...flags: readonly string[]): Promise<unknown> => {
    const { status, stdout } = await doppel([
      'search',
      '--json',
      '--output',
      folder,
      '--seeds',
      '5-8',
      ...flags,
      program,
    ])
    const { tried, failed } = JSON.parse(stdout.toString()) as {
      tried: number
      failed: { seed: number; reason: string }[]
    }
    return [status, tried, failed.map(({ seed, reason }) => `${seed} ${reason}`)]
  }
  expect(await search('--status', '1')).toEqual([0, 4, []])
  const all = await search('--all')
  expect(all).toEqual([1, 4, [5, 6, 7, 8].map(seed => `${seed} it ends with status 1`)])
  expect(await search('-j', '1')).toEqual([1, 1, ['5 it ends with status 1']])
  expect(await search('-j', '1', '--status', '1', '--expect', 'nonsense')).toEqual([
    1,
    1,
    ["5 it does not print 'nonsense'"],
  ])
  expect(await search('-j', '1', '--status', '1', '--reject', 'failed test')).toEqual([
    1,
    1,
    ["5 it prints 'failed test'"],
  ])
})

test('monitor commands name moments and go to them, and tell what is mapped; load puts the program there anew', async () => {
  const refresh = 'maintenance flush register-cache'
  const { text, said, machine } = await debug(
    deterministic(program),
    [
      'print (ledger.limit = 7)',
      'load',
      'print ledger.limit',
      'break pay_all if round == 5',
      'continue',
      'monitor snapshot five',
      'delete',
      'break fail',
      'continue',
      'monitor restore five',
      refresh,
      'print round',
      'monitor checkpoints',
      'monitor info devices',
      'monitor info tlb',
      'monitor reset',
      refresh,
      'print $pc == (long)&_start',
      'monitor restore six',
      'monitor help',
      'continue',
      'kill',
    ],
    [program],
  )
  expect(text).toMatch(/\$1 = 7\n[^]*Loading section \.text[^]*\$2 = 100\n[^]*\$3 = 5\n\$4 = 1\n/)
  expect(said).toMatch(/five: step \d+\n[^]*step 0\n[^]*of pages\n[^]*0x10000000-0x100000ff uart\n[^]*paging is off\n/)
  expect(said).toMatch(/'six'; there are: five \[gdb\.name\]\n[^]*restore NAME +go to a moment/)
  // It goes on from where it was brought to.
  expect(text.match(/Breakpoint 2, fail/g)).toHaveLength(2)
  await machine.ended
})

test('a debugger that disconnects while it goes back leaves a run that ends as it would have', async () => {
  const plain = await doppel(['run', '--deterministic', '--hash', program])
  const { stdout } = await execute('riscv64-unknown-elf-nm', [program])
  const address = /^0*([0-9a-f]+) T credit$/m.exec(stdout)?.[1] ?? ''
  const machine = new TerminalSession(`${process.execPath} ${DOPPEL} ${deterministic(program)}`)
  const [, port = ''] = await machine.shows(/target remote :(\d+)/)
  const socket = connect(Number(port))
  const packet = (words: string): string => {
    const sum = Array.from(words).reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff
    return `$${words}#${sum.toString(16).padStart(2, '0')}`
  }
  socket.write(packet(`Z0,${address},2`) + packet('c'))
  let heard = ''
  while (!heard.includes('$T05')) heard += String((await once(socket, 'data'))[0])
  socket.write(packet('c'))
  heard = ''
  while (!heard.includes('$T05')) heard += String((await once(socket, 'data'))[0])
  socket.write(`${packet('bc')}${packet('bc')}$bc#`)
  socket.destroy()
  await machine.shows(new RegExp(plain.stdout.toString().trim()))
  expect(await machine.ended).toBe(1)
})
