import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EM_RISCV, parseElf } from './elf.ts'
import { DoppelError } from './errors.ts'
import { utf8Bytes } from './text.ts'

/** A RISC-V executable of one segment (two code bytes, eight in memory) and one symbol, `tohost`. */
function smallElf(): Uint8Array {
  const bytes = new Uint8Array(64 + 56 + 8 + 48 + 8 + 3 * 64)
  const view = new DataView(bytes.buffer)
  const [code, symbols, strings, sections] = [120, 128, 176, 184]
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, 2, true)
  view.setUint16(18, EM_RISCV, true)
  view.setBigUint64(24, 0x8000_0000n, true)
  view.setBigUint64(32, 64n, true)
  view.setBigUint64(40, BigInt(sections), true)
  view.setUint16(54, 56, true)
  view.setUint16(56, 1, true)
  view.setUint16(58, 64, true)
  view.setUint16(60, 3, true)
  view.setUint32(64, 1, true)
  view.setUint32(68, 5, true)
  view.setBigUint64(72, BigInt(code), true)
  view.setBigUint64(80, 0xffff_ffff_8000_0000n, true)
  view.setBigUint64(88, 0x8000_0000n, true)
  view.setBigUint64(96, 2n, true)
  view.setBigUint64(104, 8n, true)
  bytes.set([0x01, 0xa0], code)
  view.setUint32(symbols + 24, 1, true)
  view.setUint8(symbols + 28, 1)
  view.setBigUint64(symbols + 32, 0x8000_1000n, true)
  view.setBigUint64(symbols + 40, 8n, true)
  bytes.set(utf8Bytes('tohost'), strings + 1)
  const section = (index: number, type: number, offset: number, size: number, link: number): void => {
    view.setUint32(sections + index * 64 + 4, type, true)
    view.setBigUint64(sections + index * 64 + 24, BigInt(offset), true)
    view.setBigUint64(sections + index * 64 + 32, BigInt(size), true)
    view.setUint32(sections + index * 64 + 40, link, true)
  }
  section(1, 2, symbols, 48, 2)
  section(2, 3, strings, 8, 0)
  return bytes
}

test('a well-formed file gives entry, segments and symbols', () => {
  const elf = parseElf(smallElf(), { name: 'small', machine: EM_RISCV })
  expect(elf.entry).toBe(0x8000_0000n)
  expect(elf.segments).toEqual([
    {
      virtualAddress: 0xffff_ffff_8000_0000n,
      physicalAddress: 0x8000_0000n,
      bytes: Uint8Array.of(0x01, 0xa0),
      memoryBytes: 8,
      executable: true,
      writable: false,
    },
  ])
  expect(elf.symbols).toEqual([{ name: 'tohost', value: 0x8000_1000n, sizeBytes: 8n, type: 1 }])
})

describe('what is wrong is told by its code', () => {
  const patched = (change: (view: DataView) => void): Uint8Array => {
    const bytes = smallElf()
    change(new DataView(bytes.buffer))
    return bytes
  }
  test.each([
    ['elf.magic', new Uint8Array(0)],
    ['elf.magic', utf8Bytes('#!/bin/sh\n')],
    ['elf.truncated', smallElf().subarray(0, 40)],
    ['elf.truncated', smallElf().subarray(0, 121)],
    ['elf.class', patched(v => v.setUint8(4, 1))],
    ['elf.class', patched(v => v.setUint16(54, 32, true))],
    ['elf.machine', patched(v => v.setUint16(18, 62, true))],
    ['elf.segment', patched(v => v.setBigUint64(96, 9n, true))],
    ['elf.segment', patched(v => v.setBigUint64(104, 1n << 63n, true))],
    ['elf.truncated', patched(v => v.setBigUint64(72, (1n << 64n) - 1n, true))],
  ])('%s', (code, bytes) => {
    expect(() => parseElf(bytes, { name: 'bad', machine: EM_RISCV })).toThrow(expect.objectContaining({ code }))
  })

  test('a file for another machine names both', () => {
    expect(() =>
      parseElf(
        patched(v => v.setUint16(18, 62, true)),
        { name: 'a.out', machine: EM_RISCV },
      ),
    ).toThrow('a.out is for e_machine 62 (x86-64); expected 243 (RISC-V)')
  })
})

test('damaged files fail only with coded errors', () => {
  const valid = smallElf()
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 12 })
  fc.assert(
    fc.property(edits, fc.nat(valid.length), (changes, cut) => {
      const bytes = valid.slice(0, cut % 4 === 0 ? cut : valid.length)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      try {
        parseElf(bytes, { name: 'fuzz' })
      } catch (error) {
        expect(error).toBeInstanceOf(DoppelError)
      }
    }),
    { numRuns: 3000 },
  )
})
