import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { elfSections, FlatMemory, MIB, parseLineTable, parseSymbols } from '@doppel/base'
import { cacheFolder, ImageCache, linuxImage } from '@doppel/images'
import { readKallsyms } from '@doppel/monitor'
import { afterAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'doppel-names-'))
afterAll(() => rmSync(folder, { recursive: true }))

const SOURCE = `
__attribute__((noinline)) int twice(int n) { return n + n; }
int sum(const int *list, int count) {
  int total = 0;
  for (int i = 0; i < count; i++) {
    if (list[i] < 0)
      continue;
    total += twice(list[i]);
  }
  return total;
}
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
void _start(void) {
  static int numbers[] = {1, -2, 3};
  numbers[0] = sum(numbers, 3) + fib(10);
  for (;;);
}
`

test('the symbols found in memory are those that the kernel tells of itself', async () => {
  const told = (await doppel(['run', 'linux', '--', 'cat', '/proc/kallsyms'])).stdout.toString()
  // Modules have tables of their own.
  const expected = told
    .trim()
    .split('\n')
    .filter(line => !line.includes('['))
    .map(line => line.replace(/ . /, ' '))
  const image = await linuxImage({ cache: new ImageCache(cacheFolder(process.env)), progress: () => undefined })
  const memory = new FlatMemory(0x8000_0000, 64 * MIB)
  memory.write(0x8020_0000, image.kernel)
  const found = readKallsyms(memory)?.symbols.map(s => `${s.address.toString(16).padStart(16, '0')} ${s.name}`)
  expect(expected.length).toBeGreaterThan(50_000)
  expect(found).toEqual(expected)
})

test.each(['2', '3', '4', '5'])('every address has the line that addr2line tells (DWARF %s)', version => {
  const [source, program] = [join(folder, 'sum.c'), join(folder, `sum${version}.elf`)]
  writeFileSync(source, SOURCE)
  const flags = `-gdwarf-${version} -O2 -ffreestanding -nostdlib -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,-Ttext=0x80000000`
  execFileSync('riscv64-unknown-elf-gcc', [...flags.split(' '), '-o', program, source])
  const bytes = new Uint8Array(readFileSync(program))
  const [line, lineStrings, strings] = ['.debug_line', '.debug_line_str', '.debug_str'].map(name =>
    elfSections(bytes, program, [name]).get(name),
  )
  const table = parseLineTable({ line: line ?? new Uint8Array(), lineStrings, strings }, program)
  const names = parseSymbols(bytes, { name: program })
  const text = elfSections(bytes, program, ['.text']).get('.text') as Uint8Array
  const addresses = Array.from({ length: text.length / 2 }, (_, i) => 0x8000_0000n + BigInt(i * 2))
  const args = ['-f', '-e', program, ...addresses.map(address => address.toString(16))]
  const told = execFileSync('riscv64-unknown-elf-addr2line', args).toString().trim().split('\n')
  expect(addresses.length).toBeGreaterThan(50)
  for (const [i, address] of addresses.entries()) {
    const at = table.at(address)
    const where = /:(\d+)/.exec(told[i * 2 + 1] ?? '')?.[1]
    expect([address, names.at(address)?.name, at?.line]).toEqual([address, told[i * 2], Number(where)])
    expect(at?.file.endsWith('sum.c')).toBe(true)
  }
})
