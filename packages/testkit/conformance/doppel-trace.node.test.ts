import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'doppel-trace-'))
const env = { XDG_RUNTIME_DIR: folder }
afterAll(() => rmSync(folder, { recursive: true }))

/** Counts to 200 in calls, and traps each 8th time: environment calls, illegal instructions, loads from nowhere. */
const SOURCE = `
.globl _start
_start: la t0, handler
  csrw mtvec, t0
  li s0, 0
loop: addi s0, s0, 1
  call step
  andi t1, s0, 7
  bnez t1, next
  ecall
  .word 0
  li t2, 0x2000
  ld t3, 0(t2)
next: li t4, 200
  blt s0, t4, loop
over: li t5, 0x100000
  li t6, 0x5555
  sw t6, 0(t5)
end: j end
step: slli a0, s0, 1
  ret
.align 2
handler: csrr s1, mepc
  addi s1, s1, 4
  csrw mepc, s1
  mret
`
function program(): string {
  const [source, elf] = [join(folder, 'traps.s'), join(folder, 'traps.elf')]
  writeFileSync(source, SOURCE)
  const flags = '-nostdlib -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,--no-relax -Wl,-Ttext=0x80000000'
  execFileSync('riscv64-unknown-elf-gcc', [...flags.split(' '), '-o', elf, source])
  return elf
}
interface Event {
  readonly event: string
  readonly hart: number
  readonly pc: string
  readonly name?: string
  readonly value?: string
  readonly call?: string
  readonly arguments?: readonly string[]
  readonly result?: string
  readonly task?: string
}
const events = (path: string): Event[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Event)

test('instructions and traps are those that QEMU runs and takes', async () => {
  const elf = program()
  const [log, trace] = [join(folder, 'qemu.log'), join(folder, 'trace.json')]
  const machine = '-M virt -bios none -nographic -singlestep -d exec,int,nochain'
  execFileSync('qemu-system-riscv64', [...machine.split(' '), '-D', log, '-kernel', elf], {
    stdio: 'ignore',
    timeout: 60_000,
  })
  const expected = readFileSync(log, 'utf8')
    .split('\n')
    .flatMap(line => {
      // "Trace 0: 0x7f… [00000000/0000000080000000/00000303/00000001]", and "riscv_cpu_do_interrupt: hart:0, …, epc:0x…, tval:0x…, desc=…"
      const pc = /^Trace 0: \S+ \[[0-9a-f]+\/([0-9a-f]+)\//.exec(line)?.[1]
      const [, cause, epc, tval] = /async:0, cause:([0-9a-f]+), epc:0x([0-9a-f]+), tval:0x([0-9a-f]+)/.exec(line) ?? []
      if (pc !== undefined) return [`at ${BigInt(`0x${pc}`)}`]
      return cause === undefined ? [] : [`trap at ${BigInt(`0x${epc}`)}, ${BigInt(`0x${tval}`)}`]
    })
  await doppel(['trace', '--events', 'instructions,traps', '--format', 'json', '-o', trace, elf])
  const told = events(trace)
    .filter(({ event }) => event !== 'return')
    .map(({ event, pc, value }) =>
      event === 'trap' ? `trap at ${BigInt(pc)}, ${BigInt(value ?? 0)}` : `at ${BigInt(pc)}`,
    )
  // QEMU begins in its reset vector, and ends in the middle of the program's last loop.
  const from = expected.indexOf('at 2147483648')
  const last = told.lastIndexOf(told.findLast(line => line.startsWith('trap')) ?? '')
  expect(from).toBeGreaterThan(0)
  expect(last).toBeGreaterThan(1500)
  expect(told.slice(0, last + 20)).toEqual(expected.slice(from, from + last + 20))
})

test('a function alone is traced, each time that it is called, and the trace ends after so many events', async () => {
  const { stderr } = await doppel(['trace', '--events', 'instructions', '--symbol', 'step', '--limit', '5', program()])
  expect(
    stderr
      .toString()
      .trimEnd()
      .split('\n')
      .map(line => line.replace(/^ *\d+ 0 M [0-9a-f]{16} +/, '')),
  ).toEqual([
    expect.stringMatching(/^step +slli a0, s0, 0x1$/),
    expect.stringMatching(/^step\+0x4 +c.jr ra$/),
    expect.stringMatching(/^step +slli/),
    expect.stringMatching(/^step\+0x4 +/),
    expect.stringMatching(/^step +slli/),
  ])
})

test("system calls of a guest's programs are told with arguments and results, task by task", async () => {
  const trace = join(folder, 'calls.json')
  const command = ['sh', '-c', 'cat /proc/version /not/there; mkdir -m 750 /tmp/made; exit 3']
  const { status } = await doppel(['trace', '--format', 'json', '-o', trace, 'linux', '--', ...command])
  expect(status).toBe(3)
  const calls = events(trace).map(({ task = '', call = '', arguments: words = [], result = '' }) => {
    return `${task.replace(/\[\d+\]/, '')} ${call}(${words.join(', ')}) = ${result}`
  })
  expect(calls).toContainEqual(expect.stringMatching(/^cat openat\(AT_FDCWD, "\/proc\/version", \w+, \w+\) = 3$/))
  expect(calls).toContainEqual(expect.stringMatching(/^cat openat\(AT_FDCWD, "\/not\/there", \w+, \w+\) = -2 ENOENT$/))
  expect(calls).toContainEqual(expect.stringMatching(/^mkdir fchmodat\(AT_FDCWD, "\/tmp\/made", 0750\) = 0$/))
  expect(calls).toContainEqual('sh exit_group(3) = ?')
  expect(calls.some(call => /^\w+ execve\("\/\S+", 0x\w+, 0x\w+\) = 0$/.test(call))).toBe(true)
})

test('a machine that runs is traced, goes on when the trace ends, and keeps its state', async () => {
  await doppel(['run', '-d', '--name', 'traced', 'linux'], { env })
  const trace = join(folder, 'running.json')
  // One kind at a time: of all at once, which come first is the guest's own affair.
  for (const kind of ['trap', 'interrupt', 'device', 'walk', 'syscall']) {
    let over = false
    const flags = ['--events', `${kind}s`, '--format', 'chrome', '--limit', '50', '-o', trace, 'traced']
    const tracing = doppel(['trace', ...flags], { env }).finally(() => {
      over = true
    })
    do {
      const { stdout } = await doppel(['exec', 'traced', 'ls', '/'], { env })
      expect(stdout.toString()).toContain('etc')
    } while (!over)
    expect((await tracing).status).toBe(0)
    const told = JSON.parse(readFileSync(trace, 'utf8')) as { readonly cat?: string; readonly ph: string }[]
    expect(new Set(told.map(({ cat }) => cat))).toEqual(new Set([undefined, kind]))
    expect(told.filter(({ ph }) => ph !== 'M' && ph !== 'E')).toHaveLength(50)
  }
  expect((await doppel(['exec', 'traced', 'echo', 'on'], { env })).stdout.toString()).toBe('on\n')
  await doppel(['rm', '-f', 'traced'], { env })
})

test('whoever looks on does not change a deterministic run', async () => {
  const run = ['--deterministic', '--hash', 'linux', '--', 'uname']
  const plain = await doppel(['run', ...run])
  const flags = '--events traps,interrupts,devices,syscalls --symbol do_sys_openat2 -o'
  const traced = await doppel(['trace', ...flags.split(' '), join(folder, 'all.txt'), ...run])
  expect(traced.stdout.toString()).toBe(plain.stdout.toString())
})

test.each([
  [['--events', 'everything'], 'cli.flag-value'],
  [['--symbol', 'no_such_function'], 'trace.symbol'],
  [['--address', '80000000'], 'cli.flag-value'],
  [['-o', '/not/there/trace'], 'run.output'],
])('what cannot be traced is refused: %s', async (flags, code) => {
  const { status, stderr } = await doppel(['trace', ...flags, program()])
  expect([status, stderr.toString()]).toEqual([expect.any(Number), expect.stringContaining(code)])
  expect(status).not.toBe(0)
})

test('samples by count are the same in each tier, change nothing, and perf script is their form', async () => {
  const elf = program()
  const found: string[] = []
  for (const engine of ['interpreter', 'translator']) {
    const profile = join(folder, `${engine}.json`)
    const flags = ['--deterministic', '--hash', '--engine', engine, '--sample', '100', '-o', profile]
    const { stdout } = await doppel(['run', ...flags, elf])
    found.push(stdout.toString() + readFileSync(profile, 'utf8'))
  }
  expect(found[0]).toBe(found[1])
  const plain = await doppel(['run', '--deterministic', '--hash', elf])
  expect(found[0]?.startsWith(plain.stdout.toString())).toBe(true)
  const { samples, stacks } = JSON.parse(readFileSync(join(folder, 'translator.json'), 'utf8')) as {
    readonly samples: number
    readonly stacks: readonly { readonly stack: readonly string[]; readonly samples: number }[]
  }
  expect(stacks.reduce((sum, stack) => sum + stack.samples, 0)).toBe(samples)
  const script = join(folder, 'linux.txt')
  await doppel(['run', '--sample', '1000000', '-o', script, 'linux', '--', 'sh', '-c', 'ls -R /proc > /dev/null'])
  const text = readFileSync(script, 'utf8')
  // As FlameGraph's stackcollapse-perf.pl and speedscope read it.
  for (const sample of text.trimEnd().split('\n\n')) {
    const [head, ...frames] = sample.split('\n')
    expect(head).toMatch(/^\S+ \d+ \[\d{3}\] \d+\.\d{9}: 1000000 instructions:$/)
    for (const frame of frames) expect(frame).toMatch(/^\t *[0-9a-f]+ \S+ \(\S+\)$/)
  }
  expect(text).toMatch(/^ls \d+ .*\n(?:\t.*\n)*\t *[0-9a-f]+ do_trap_ecall_u\+/m)
})
