import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel, DOPPEL, TerminalSession } from './doppel-process.ts'

const execute = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'doppel-break-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Prints A and B, traps, writes CSRs; each from a place with a name of its own. */
const SOURCE = `
.globl _start
_start: la t0, handler
  csrw mtvec, t0
  lui s1, 0x10000
  li a0, 65
print: call put
  addi a0, a0, 1
  li t1, 67
  blt a0, t1, print
mark: csrw mscratch, a0
bad: .word 0
over: la t1, tohost
  li t2, 1
  sd t2, 0(t1)
end: j end
put:
write: sb a0, 0(s1)
  ret
.align 2
handler: csrr t5, mepc
  addi t5, t5, 4
  csrw mepc, t5
  mret
.data
.align 6
.globl tohost
tohost: .dword 0
.globl fromhost
fromhost: .dword 0
`
const program = join(folder, 'events.elf')
beforeAll(() => {
  const source = join(folder, 'events.s')
  writeFileSync(source, SOURCE)
  const flags = '-g -nostdlib -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,--no-relax -Wl,-Ttext=0x80000000'
  execFileSync('riscv64-unknown-elf-gcc', [...flags.split(' '), '-o', program, source])
})

test.each([
  ['trap:illegal', 'trap illegal instruction, value 0x0', 'bad', 'AB'],
  ['trap:2', 'trap illegal instruction, value 0x0', 'bad', 'AB'],
  ['csr:mscratch', 'csr mscratch <- 0x43', 'bad', 'AB'],
  ['device:uart.thr', 'write to uart.thr', 'write', ''],
  ['device:uart', 'write to uart.thr', 'write', ''],
])('%s stops a program there, before it or right behind it', async (event, what, place, printed) => {
  for (const engine of ['interpreter', 'translator']) {
    const { status, stdout, stderr } = await doppel(['run', '--engine', engine, '--break-on', event, program])
    const [head, , first] = stderr.toString().split('\n')
    expect([status, stdout.toString(), head]).toEqual([3, printed, `doppel: stopped at ${what}`])
    expect(first).toMatch(new RegExp(`#0 +0x[0-9a-f]{16} +${place}  .*events.s:\\d+$`))
  }
})

test('a call of Linux stops it in the task that makes it', async () => {
  const { status, stderr } = await doppel(['run', '--break-on', 'syscall:mkdirat', 'linux', '--', 'mkdir', '/tmp/made'])
  expect(status).toBe(3)
  expect(stderr.toString()).toMatch(
    /^doppel: stopped at system call mkdirat\nhart 0: user, [0-9,]+ instructions retired, task \d+ \(\w+\)\n/,
  )
})

test("GDB takes over where it is connected, and lets it go on, past the event's access too", async () => {
  const machine = new TerminalSession(
    `${process.execPath} ${DOPPEL} run --gdb 0 --gdb-wait --break-on device:uart.thr --break-on trap:illegal ${program}`,
  )
  const [, port = ''] = await machine.shows(/target remote :(\d+)/)
  const commands = ['set confirm off', `target remote :${port}`, 'continue', 'print/c $a0', 'continue', 'print/c $a0']
  const all = [...commands, 'continue', 'print (long)$pc - (long)&handler', 'continue']
  const args = ['-batch', '-nx', ...all.flatMap(command => ['-ex', command]), program]
  const { stdout } = await execute('gdb-multiarch', args, { timeout: 60_000 })
  expect(stdout).toContain("$1 = 65 'A'")
  expect(stdout).toContain("$2 = 66 'B'")
  expect(stdout).toContain('$3 = 0')
  expect(stdout).toContain('exited normally')
  expect(await machine.ended).toBe(0)
})

test.each(['trap:nothing', 'syscall:nothing', 'csr:nothing', 'device:nothing', 'nothing:at-all', 'csr'])(
  'what never happens is refused: %s',
  async event => {
    const { status, stderr } = await doppel(['run', '--break-on', event, program])
    expect([status, stderr.toString()]).toEqual([expect.any(Number), expect.stringContaining('[break.event]')])
    expect(status).not.toBe(3)
  },
)
