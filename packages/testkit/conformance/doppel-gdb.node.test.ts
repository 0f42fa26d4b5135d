import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DapClient } from './dap-client.ts'
import { doppel, DOPPEL, TerminalSession } from './doppel-process.ts'

const execute = promisify(execFile)
/** A program that sums up the numbers to 1000 in memory, and ends well. */
const SOURCE = `
.globl _start
_start: la sp, stack
  li a0, 0
  la s1, counter
loop: addi a0, a0, 1
  call add
  li t0, 1000
  blt a0, t0, loop
over: la t1, tohost
  li t2, 1
  sd t2, 0(t1)
end: j end
add: ld t3, 0(s1)
  add t3, t3, a0
store: sd t3, 0(s1)
  ret
.data
.align 3
counter: .dword 0
.align 6
.globl tohost
tohost: .dword 0
.globl fromhost
fromhost: .dword 0
.space 1024
stack:
`

let folder: string
let program: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-gdb-'))
  const source = join(folder, 'sum.s')
  program = join(folder, 'sum.elf')
  await writeFile(source, SOURCE)
  const flags = '-g -nostdlib -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,--no-relax -Wl,-Ttext=0x80000000'
  await execute('riscv64-unknown-elf-gcc', [...flags.split(' '), '-o', program, source])
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Debian's GDB on a machine that waits for it: what it prints for these commands. */
async function gdb(commands: readonly string[], port: string): Promise<string[]> {
  const all = ['set confirm off', 'set style enabled off', `target remote :${port}`, ...commands]
  const args = ['-batch', '-nx', ...all.flatMap(command => ['-ex', command]), program]
  const { stdout } = await execute('gdb-multiarch', args, { timeout: 60_000 })
  return stdout.split('\n').filter(line => line !== '')
}
async function waiting(args: string): Promise<{ readonly machine: TerminalSession; readonly port: string }> {
  const machine = new TerminalSession(`${process.execPath} ${DOPPEL} run --gdb 0 --gdb-wait ${args}`)
  const [, port = ''] = await machine.shows(/target remote :(\d+)/)
  return { machine, port }
}

test('GDB debugs a program: breakpoints, conditions, steps, registers, memory, watchpoints, its end', async () => {
  const { machine, port } = await waiting(program)
  const lines = await gdb(
    [
      'break add if $a0 == 500',
      'continue',
      'info registers a0',
      'print *(long *)&counter',
      'backtrace 1',
      'stepi',
      'print (long)$pc - (long)&add',
      'delete',
      'watch *(long *)&counter',
      'continue',
      'delete',
      'rwatch *(long *)&counter',
      'continue',
      'delete',
      'set var *(long *)&counter = 0',
      'set var $t3 = 0',
      'break over',
      'continue',
      'print *(long *)&counter',
      'print $priv',
      'continue',
    ],
    port,
  )
  const text = lines.join('\n')
  expect(text).toMatch(/Breakpoint 1, add \(\)/)
  expect(text).toMatch(/^a0 +0x1f4/m)
  // 499 * 500 / 2 before the call, 500 more after it.
  expect(text).toContain('$1 = 124750')
  expect(text).toMatch(/#0 +add \(\)/)
  expect(text).toContain('$2 = 4')
  expect(text).toMatch(/Old value = 124750\nNew value = 125250\nstore \(\)/)
  expect(text).toMatch(/Hardware read watchpoint 3[^]*Value = 125250/)
  // The sum of 501 to 1000: what 501 is about to be added to has been set to 0.
  expect(text).toContain('$3 = 375250')
  expect(text).toContain('$4 = 3')
  expect(text).toContain('exited normally')
  expect(await machine.ended).toBe(0)
})

test('stops and steps of a debugger leave a deterministic run what it is', async () => {
  const plain = await doppel(['run', '--deterministic', '--hash', program])
  const { machine, port } = await waiting(`--deterministic --hash ${program}`)
  const stops = ['break add if $a0 == 500', 'continue', 'delete', 'stepi 7', 'watch *(long *)&counter', 'continue']
  const text = (await gdb([...stops, 'delete', 'stepi', 'print $a0', 'continue'], port)).join('\n')
  expect(text).toContain('$1 = 501')
  const [hash = ''] = await machine.shows(/[0-9a-f]{16}/)
  expect(`${hash}\n`).toBe(plain.stdout.toString())
  expect(await machine.ended).toBe(0)
})

test('GDB debugs a machine that runs already, which goes on when it leaves', async () => {
  const env = { XDG_RUNTIME_DIR: folder }
  await doppel(['run', '-d', '--name', 'debugged', 'linux'], { env })
  const stops = ['info threads', 'stepi', 'print $pc != 0']
  const target = `target remote | XDG_RUNTIME_DIR=${folder} ${process.execPath} ${DOPPEL} gdb --stdio debugged`
  const commands = ['set architecture riscv:rv64', target, ...stops, 'detach']
  const args = ['-batch', '-nx', ...commands.flatMap(command => ['-ex', command])]
  const { stdout } = await execute('gdb-multiarch', args, { timeout: 60_000 })
  expect(stdout).toMatch(/Thread 1 \(hart 0/)
  expect(stdout).toContain('$1 = 1')
  const after = await doppel(['exec', 'debugged', 'uname', '-m'], { env })
  expect(after.stdout.toString()).toBe('riscv64\n')
  await doppel(['rm', '-f', 'debugged'], { env })
})

test('a machine has one debugger at a time: the next is told so, and may come when the first has gone', async () => {
  const env = { XDG_RUNTIME_DIR: folder }
  const first = new TerminalSession(
    `XDG_RUNTIME_DIR=${folder} ${process.execPath} ${DOPPEL} run --name shared --gdb 0 --gdb-wait linux`,
  )
  const [, port = ''] = await first.shows(/target remote :(\d+)/)
  const editor = new DapClient(env)
  await editor.ask('initialize', { adapterID: 'doppel' })
  await editor.ask('attach', { machine: 'shared' })
  // GDB by its port and by the machine's name, and a second editor.
  await expect(gdb([], port)).rejects.toMatchObject({ stderr: expect.stringContaining('[debug.taken]') as string })
  const pipe = `target remote | XDG_RUNTIME_DIR=${folder} ${process.execPath} ${DOPPEL} gdb --stdio shared`
  const piped = execute('gdb-multiarch', ['-batch', '-nx', '-ex', pipe], { timeout: 60_000 })
  await expect(piped).rejects.toMatchObject({ stderr: expect.stringContaining('[debug.taken]') as string })
  const other = new DapClient(env)
  await other.ask('initialize', { adapterID: 'doppel' })
  expect((await other.tries('attach', { machine: 'shared' })).message).toBe('debug.taken')
  // What an editor asks wrongly does not hold the machine, or its place.
  await editor.ask('disconnect')
  await editor.close()
  expect((await other.tries('attach', { machine: 'shared', symbols: [program] })).message).not.toBe('debug.taken')
  await other.close()
  expect((await gdb(['print $pc != 0', 'detach'], port)).join('\n')).toContain('$1 = 1')
  expect((await gdb(['print $pc != 0', 'detach'], port)).join('\n')).toContain('$1 = 1')
  await first.shows(/# /)
  first.type('poweroff -f\r')
  expect(await first.ended).toBe(0)
})

test('GDB stops Linux where it starts, though that address has no page yet, and lets it go', async () => {
  const symbols = await doppel(['run', 'linux', '--', 'grep', '-E', ' T start_kernel$', '/proc/kallsyms'])
  const start = /^[0-9a-f]{16}/.exec(symbols.stdout.toString())?.[0] ?? ''
  const { machine, port } = await waiting('--cpus 2 linux')
  const lines = await gdb(
    [
      'print/x $pc',
      'print $satp',
      'info threads',
      `hbreak *0x${start}`,
      'continue',
      'print $satp != 0',
      'print/x $pc',
      'delete',
      'monitor info harts',
      'detach',
    ],
    port,
  )
  const text = lines.join('\n')
  expect(text).toContain('$1 = 0x80200000')
  expect(text).toContain('$2 = 0')
  expect(text).toMatch(/1 +Thread 1 \(hart 0, supervisor\)/)
  expect(text).toMatch(/2 +Thread 2 \(hart 1, stopped\)/)
  expect(text).toContain(`$3 = 1\n$4 = 0x${start}`)
  expect(text).toContain('detached')
  await machine.shows(/# /)
  machine.type('poweroff -f\r')
  expect(await machine.ended).toBe(0)
})
