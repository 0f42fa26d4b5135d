import { expect, test } from 'vitest'
import { EM_RISCV } from './elf.ts'
import { parseSymbols, placeText, SymbolTable } from './symbols.ts'
import { utf8Bytes } from './text.ts'

const MAP = `ffffffff80000000 T _start
ffffffff80000100 t memcpy
ffffffff80000180 d some_data
ffffffff80000200 W memset
`
const parse = (offset?: bigint): SymbolTable => parseSymbols(utf8Bytes(MAP), { name: 'System.map' }, offset)

test('an address has the name of the code that begins before it, and data is found by name', () => {
  const symbols = parse()
  expect(placeText(symbols.at(0xffff_ffff_8000_01ffn))).toBe('memcpy+0xff')
  expect(placeText(symbols.at(0xffff_ffff_8000_0200n))).toBe('memset')
  // Neither before the first nor long after the last.
  expect(symbols.at(0x1000n)).toBeUndefined()
  expect(symbols.at(0xffff_ffff_9000_0000n)).toBeUndefined()
  expect(symbols.find('some_data')?.address).toBe(0xffff_ffff_8000_0180n)
  expect(symbols.find('memcpy') && symbols.endOf(symbols.find('memcpy') as never)).toBe(0xffff_ffff_8000_0200n)
})

test('what is loaded elsewhere has its names there', () => {
  expect(placeText(parse(0x1000n).at(0xffff_ffff_8000_1104n))).toBe('memcpy+0x4')
  // Back to where the kernel has its own before paging is on.
  expect(placeText(parse(0x8020_0000n - 0xffff_ffff_8000_0000n).at(0x8020_0100n))).toBe('memcpy')
})

test('behind the end of code whose size is known there is no name', () => {
  const symbols = new SymbolTable([
    { name: 'label', address: 0x100n, sizeBytes: 0n, isCode: true },
    { name: 'sized', address: 0x100n, sizeBytes: 16n, isCode: true },
  ])
  expect(symbols.at(0x10fn)?.name).toBe('sized')
  expect(symbols.at(0x110n)).toBeUndefined()
})

test('tables are searched together', () => {
  const other = new SymbolTable([{ name: 'main', address: 0x1_0000n, sizeBytes: 8n, isCode: true }])
  const all = SymbolTable.join([parse(), new SymbolTable([]), other])
  expect([all.at(0x1_0004n)?.name, all.at(0xffff_ffff_8000_0000n)?.name]).toEqual(['main', '_start'])
})

test('a file without symbols is refused, and one for another machine', () => {
  const name = 'notes.txt'
  expect(() => parseSymbols(utf8Bytes('nothing\n'), { name })).toThrow(
    expect.objectContaining({ code: 'symbols.none' }),
  )
  const elf = new Uint8Array(64)
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  elf[18] = 62
  expect(() => parseSymbols(elf, { name, machine: EM_RISCV })).toThrow(/x86-64.*expected 243 \(RISC-V\)/)
})
