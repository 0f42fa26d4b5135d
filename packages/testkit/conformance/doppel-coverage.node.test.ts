import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'doppel-coverage-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Some of it never runs: a function, an arm. */
const SOURCE = `
volatile int sink;
__attribute__((noinline)) int never(int n) {
  return n * 3;
}
__attribute__((noinline)) int classify(int n) {
  if (n < 0)
    return never(n);
  switch (n & 3) {
    case 0: return 10;
    case 1: return sink + 20;
    case 2: return 30 - sink;
    default: return n;
  }
}
int main(void) {
  int total = 0;
  for (int i = 0; i < 9; i += 2) {
    total += classify(i);
    if (total > 1000)
      sink = never(total);
  }
  sink = total;
  for (;;) *(volatile unsigned *)0x100000 = 0x5555;
}
__asm__(".globl _start\\n_start: la sp, stack\\n call main\\n.pushsection .bss\\n.align 4\\n.space 4096\\nstack:\\n.popsection\\n");
`

test('lines and blocks that have run are those that QEMU ran', async () => {
  const [source, elf, log] = ['cover.c', 'cover.elf', 'qemu.log'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(source, SOURCE)
  const flags = '-g -O1 -ffreestanding -nostdlib -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,-Ttext=0x80000000'
  execFileSync('riscv64-unknown-elf-gcc', [...flags.split(' '), '-o', elf, source])
  const machine = '-M virt -bios none -nographic -singlestep -d exec,nochain'
  execFileSync('qemu-system-riscv64', [...machine.split(' '), '-D', log, '-kernel', elf], {
    stdio: 'ignore',
    timeout: 60_000,
  })
  const ran = new Set(
    [...readFileSync(log, 'utf8').matchAll(/^Trace 0: \S+ \[[0-9a-f]+\/([0-9a-f]+)\//gm)]
      .map(([, pc]) => BigInt(`0x${pc}`))
      .filter(pc => pc >= 0x8000_0000n),
  )
  const [info, blocks] = [join(folder, 'out.info'), join(folder, 'out.blocks')]
  await doppel(['run', '--coverage', info, elf])
  const args = ['-e', elf, ...[...ran].map(pc => pc.toString(16))]
  const told = execFileSync('riscv64-unknown-elf-addr2line', args).toString()
  const lines = new Set([...told.matchAll(/cover\.c:(\d+)/g)].map(([, line]) => Number(line)))
  const report = readFileSync(info, 'utf8')
  const hits = [...report.matchAll(/^DA:(\d+),(\d)$/gm)].map(([, line, hit]) => [Number(line), hit === '1'] as const)
  expect(new Set(hits.flatMap(([line, hit]) => (hit ? [line] : [])))).toEqual(lines)
  expect(hits.filter(([, hit]) => !hit).length).toBeGreaterThan(3)
  expect([...report.matchAll(/^FNDA:(\d),(\w+)$/gm)].map(([, hit, name]) => `${name} ${hit}`).sort()).toEqual([
    'classify 1',
    'main 1',
    'never 0',
  ])
  const found = [...report.matchAll(/^L[FH]:(\d+)$/gm)].map(([, count]) => Number(count))
  expect(found).toEqual([hits.length, lines.size])

  // Without line tables: blocks. Each instruction that QEMU ran is in one, and each begins where one ran.
  execFileSync('riscv64-unknown-elf-objcopy', ['--strip-debug', elf])
  const { stderr } = await doppel(['run', '--coverage', blocks, elf])
  expect(stderr.toString()).toContain('basic blocks, since no file with line tables was given')
  const ranges = [...readFileSync(blocks, 'utf8').matchAll(/^0x([0-9a-f]+) (\d+) (\S+)$/gm)].map(
    ([, start, length, name]) => ({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${start}`) + BigInt(length ?? 0),
      name,
    }),
  )
  expect(ranges.every(({ start }) => ran.has(start))).toBe(true)
  expect([...ran].filter(pc => !ranges.some(({ start, end }) => pc >= start && pc < end))).toEqual([])
  expect(ranges.some(({ name }) => name?.startsWith('classify+'))).toBe(true)
  expect(ranges.some(({ name }) => name?.startsWith('never'))).toBe(false)
})

test('a kernel is covered as far as it came', async () => {
  const path = join(folder, 'linux.blocks')
  const { status } = await doppel(['run', '--coverage', path, 'linux', '--', 'true'])
  expect(status).toBe(0)
  const text = readFileSync(path, 'utf8')
  for (const name of ['start_kernel', '__riscv_sys_execve', 'do_trap_ecall_u'])
    expect(text).toMatch(new RegExp(` ${name}$`, 'm'))
  expect(text).not.toMatch(/ sysrq_handle_crash/)
})
