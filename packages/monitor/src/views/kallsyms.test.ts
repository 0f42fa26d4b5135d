import { FlatMemory, utf8Bytes } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readKallsyms } from './kallsyms.ts'

const BASE = 0x8000_0000
const COUNT = 600

/** What scripts/kallsyms.c of Linux 6.4 and later writes, every token standing for itself but one. */
function tables(): Uint8Array {
  const bytes: number[] = []
  const align = (): void => {
    while (bytes.length % 8 !== 0) bytes.push(0)
  }
  const word = (value: number): void => void bytes.push(...new Uint8Array(Uint32Array.of(value).buffer))
  const names = Array.from({ length: COUNT }, (_, i) => `${i % 3 === 0 ? 'D' : 'T'}~${i}`)
  word(COUNT)
  align()
  const marks: number[] = []
  const from = bytes.length
  for (const [i, name] of names.entries()) {
    if (i % 256 === 0) marks.push(bytes.length - from)
    bytes.push(name.length, ...utf8Bytes(name))
  }
  align()
  for (const mark of marks) word(mark)
  align()
  const index: number[] = []
  const tokens = bytes.length
  for (let token = 0; token < 256; token++) {
    index.push(bytes.length - tokens)
    const text = token === 0x7e ? 'sys_' : token > 0x20 && token < 0x7f ? String.fromCharCode(token) : 'ab'
    bytes.push(...utf8Bytes(text), 0)
  }
  align()
  bytes.push(...new Uint8Array(Uint16Array.from(index).buffer))
  for (let i = 0; i < COUNT; i++) word(i * 16)
  align()
  bytes.push(...new Uint8Array(BigUint64Array.of(0xffff_ffff_8000_0000n).buffer))
  return Uint8Array.from(bytes)
}
function memoryWith(bytes: Uint8Array): FlatMemory {
  const memory = new FlatMemory(BASE, 64 << 10)
  memory.write(BASE + 0x1000, bytes)
  return memory
}

test('names are put together from tokens, addresses from the base and offsets', () => {
  const table = readKallsyms(memoryWith(tables()))
  expect(table?.symbols.length).toBe(COUNT)
  expect(table?.find('sys_599')?.address).toBe(0xffff_ffff_8000_0000n + 599n * 16n)
  expect(table?.at(0xffff_ffff_8000_0018n)?.name).toBe('sys_1')
  // Data: the code before it is what is there.
  expect(table?.at(0xffff_ffff_8000_0030n)?.name).toBe('sys_2')
})

test('memory without tables, or with damaged ones, has no symbols, or others, but no end of them', () => {
  expect(readKallsyms(new FlatMemory(BASE, 64 << 10))).toBeUndefined()
  const valid = tables()
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
  fc.assert(
    fc.property(edits, changes => {
      const bytes = valid.slice()
      for (const [at, value] of changes) bytes[at] = value
      const found = readKallsyms(memoryWith(bytes))
      expect(found === undefined || found.symbols.length <= 1_000_000).toBe(true)
    }),
    { numRuns: 300 },
  )
})
