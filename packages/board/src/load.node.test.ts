import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FlatMemory, MIB } from '@doppel/base'
import { describe, expect, test } from 'vitest'
import { BootLoader } from './load.ts'

const GCC = '/usr/bin/riscv64-linux-gnu-gcc'

/** Builds a freestanding program from assembly and returns the ELF file. */
function build(source: string, flags: readonly string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-load-'))
  try {
    const output = join(folder, 'a.elf')
    const common = ['-nostdlib', '-nostartfiles', '-static', '-no-pie', '-Wl,--build-id=none', '-x', 'assembler', '-']
    execFileSync(GCC, [...flags, ...common, '-o', output], { input: source })
    return new Uint8Array(readFileSync(output))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const PROGRAM = `
  .globl _start, tohost
  .text
_start: li t0, 1
  la t1, tohost
  sd t0, 0(t1)
1: j 1b
  .data
  .align 3
tohost: .dword 0
`

describe.skipIf(!existsSync(GCC))('what the GNU toolchain links is loaded', () => {
  test('code at its address, entry and symbols known', () => {
    const memory = new FlatMemory(0x8000_0000, 2 * MIB)
    const bytes = build(PROGRAM, ['-Wl,-Ttext=0x80000000', '-Wl,-Tdata=0x80001000'])
    const elf = new BootLoader(memory).elf({ name: 'a.elf', bytes })
    expect(elf.entry).toBe(0x8000_0000n)
    expect(elf.symbols.find(symbol => symbol.name === 'tohost')?.value).toBe(0x8000_1000n)
    // li t0, 1 is c.li: 0x4285.
    expect([...memory.bytes.subarray(0, 2)]).toEqual([0x85, 0x42])
  })

  test('a program for another address is refused with the place it wanted', () => {
    const loader = new BootLoader(new FlatMemory(0x8000_0000, 2 * MIB))
    const bytes = build(PROGRAM, ['-Wl,-Ttext=0x20000'])
    expect(() => loader.elf({ name: 'a.elf', bytes })).toThrow(expect.objectContaining({ code: 'load.outside' }))
  })
})
