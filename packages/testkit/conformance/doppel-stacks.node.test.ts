import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { doppel, DOPPEL } from './doppel-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'doppel-stacks-'))
const env = { XDG_RUNTIME_DIR: folder }
afterAll(() => rmSync(folder, { recursive: true }))

/** Never comes out of \`stuck\`, seven calls deep, in a function with a stack of its own. */
const SOURCE = `
volatile int never;
__attribute__((noinline)) void stuck(int *p) { while (!never) ; *p = 1; }
__attribute__((noinline)) int large(int n) { int list[200]; list[n] = 3; stuck(list); return list[0] + n; }
__attribute__((noinline)) int down(int n) { return n == 0 ? large(n) : down(n - 1) * 3 + n; }
int main(void) { return down(4) + 1; }
__asm__(".globl _start\\n_start: la sp, stack\\n li s0, 0\\n li ra, 0\\n call main\\nend: j end\\n.pushsection .bss\\n.align 4\\n.space 65536\\nstack:\\n.popsection\\n");
`
interface Stack {
  readonly task?: { readonly name: string; readonly pid: number }
  readonly frames: readonly { readonly place?: string; readonly line?: { readonly line: number } }[]
}
async function stacks(name: string): Promise<readonly Stack[]> {
  const { stdout } = await doppel(['inspect', '--stack', '--json', name], { env })
  return (JSON.parse(stdout.toString()) as [{ stacks: Stack[] }])[0].stacks
}
const functions = ({ frames }: Stack): string[] => frames.map(({ place = '?' }) => place.replace(/\+.*/, ''))

test.each(['-fno-omit-frame-pointer', '-fomit-frame-pointer'])(
  'a program that hangs is where GDB sees it (%s)',
  async how => {
    const [source, program] = [join(folder, 'hang.c'), join(folder, 'hang.elf')]
    writeFileSync(source, SOURCE)
    const flags = `-g -O1 -fno-optimize-sibling-calls -ffreestanding -nostdlib -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,-Ttext=0x80000000`
    execFileSync('riscv64-unknown-elf-gcc', [...flags.split(' '), how, '-o', program, source])
    const name = `hang${how}`
    await doppel(['run', '-d', '--name', name, program], { env })
    const target = `target remote | XDG_RUNTIME_DIR=${folder} ${process.execPath} ${DOPPEL} gdb --stdio ${name}`
    const told = execFileSync('gdb-multiarch', ['-batch', '-nx', '-ex', target, '-ex', 'backtrace', program]).toString()
    // GDB's frames begin "#1 0x80000026 in large (n=…) at /…/hang.c:4".
    const expected = [...told.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(\w+) .*?(?:hang\.c:(\d+))?$/gm)]
    const [stack] = await stacks(name)
    expect(stack && functions(stack)).toEqual([
      'stuck',
      'large',
      'down',
      'down',
      'down',
      'down',
      'down',
      'main',
      '_start',
    ])
    const lines = stack?.frames.map(({ line }) => line?.line).slice(0, 8)
    expect(lines).toEqual(expected.map(([, , line]) => Number(line)).slice(0, 8))
    expect(expected.map(([, f]) => f).slice(0, 8)).toEqual(stack && functions(stack).slice(0, 8))
    await doppel(['rm', '-f', name], { env })
  },
)

test('a Linux that hangs tells which task it hangs in, and how it came there', async () => {
  await doppel(['run', '-d', '--name', 'linux', '--append', 'panic=0', 'linux'], { env })
  // With panic=0 a kernel that panics stands still for ever, interrupts off.
  const crash = doppel(['exec', 'linux', 'sh', '-c', 'echo c > /proc/sysrq-trigger'], { env })
  let calls: string[] = []
  let task: Stack['task']
  for (let tries = 0; tries < 60 && !calls.includes('panic'); tries++) {
    const [stack] = await stacks('linux')
    if (stack) [calls, task] = [functions(stack), stack.task]
  }
  expect(task?.name).toBe('sh')
  const path = ['panic', 'sysrq_handle_crash', '__handle_sysrq', 'write_sysrq_trigger', 'vfs_write', 'do_trap_ecall_u']
  expect(calls.filter(name => path.includes(name))).toEqual(path)
  const text = (await doppel(['inspect', '--stack', 'linux'], { env })).stdout.toString()
  expect(text).toMatch(/^hart 0: supervisor, [0-9,]+ instructions retired, task \d+ \(sh\)\n {2}#0 /)
  expect(text).toMatch(/-- trap --\n {2}#\d+ +0x0000[0-9a-f]{12} {2}\(no name\)/)
  await doppel(['rm', '-f', 'linux'], { env })
  await crash
})

test('symbols of another kernel are refused', async () => {
  const map = join(folder, 'System.map')
  writeFileSync(map, 'ffffffff80001000 T _start\nffffffff81000000 D linux_banner\nffffffff81c00000 D init_task\n')
  await doppel(['run', '-d', '--name', 'other', 'linux'], { env })
  const { status, stderr } = await doppel(['inspect', '--stack', '--symbols', map, 'other'], { env })
  expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('[symbols.kernel]')])
  await doppel(['rm', '-f', 'other'], { env })
})
