import { EM_RISCV, parseElf } from '@doppel/base'
import { expect, test } from 'vitest'
import { PROGRAM_ENTRY } from './elf.ts'
import { ptyProgram } from './pty-program.ts'

test('the terminal’s program is an ELF file that begins with its code', () => {
  const elf = parseElf(ptyProgram(), { name: 'pty', machine: EM_RISCV })
  expect(elf.entry).toBe(PROGRAM_ENTRY)
  const [segment] = elf.segments
  expect(elf.segments.length).toBe(1)
  expect(segment?.memoryBytes).toBe((segment?.bytes.length ?? 0) + 4096)
  // ld s0, 0(sp)
  expect([...(segment?.bytes.subarray(120, 124) ?? [])]).toEqual([0x03, 0x34, 0x01, 0x00])
})
