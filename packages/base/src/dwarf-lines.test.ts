import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseLineTable } from './dwarf-lines.ts'
import { DoppelError } from './errors.ts'
import { utf8Bytes } from './text.ts'

const text = (...words: readonly string[]): number[] => words.flatMap(word => [...utf8Bytes(word), 0])
const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)]
const u64 = (value: bigint): number[] => [...new Uint8Array(BigUint64Array.of(value).buffer)]

/** One unit of DWARF 5, as §6.2.4 lays it out: minimum 2, line base -3, range 12, opcode base 10. */
function unit(program: readonly number[]): Uint8Array {
  const folders = [1, 1, 0x08, 2, ...text('/src', 'include')]
  const files = [...folders, 2, 1, 0x08, 2, 0x0b, 2, ...text('main.c'), 0, ...text('list.h'), 1]
  const after = [2, 1, 1, 0xfd, 12, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1, ...files]
  const body = [5, 0, 8, 0, ...u32(after.length), ...after, ...program]
  return Uint8Array.from([...u32(body.length), ...body])
}
/** A special opcode: instructions of 2 bytes on, lines on. */
const step = (instructions: number, lines: number): number => lines + 3 + 12 * instructions + 10
const setAddress = (address: bigint): number[] => [0, 9, 2, ...u64(address)]
const END = [0, 1, 1]
const UPPER = [4, 0, 3, 9, 1, step(2, 1), 4, 1, step(3, 8), 2, 2, ...END]
// Below the first, with code that has no line.
const LOWER = [step(0, 0), 3, 0x7f, step(1, 0), 2, 1, ...END]
const PROGRAM = [...setAddress(0xffff_ffff_8000_0000n), ...UPPER, ...setAddress(0x1000n), ...LOWER]

test('an address has the line of the row before it, within its sequence', () => {
  const table = parseLineTable({ line: unit(PROGRAM) }, 'a.elf')
  const at = (address: bigint): string | undefined => {
    const found = table.at(address)
    return found && `${found.file}:${found.line}`
  }
  expect(at(0xffff_ffff_8000_0000n)).toBe('/src/main.c:10')
  expect(at(0xffff_ffff_8000_0003n)).toBe('/src/main.c:10')
  expect(at(0xffff_ffff_8000_0004n)).toBe('/src/main.c:11')
  expect(at(0xffff_ffff_8000_000an)).toBe('/src/include/list.h:19')
  expect(at(0xffff_ffff_8000_000dn)).toBe('/src/include/list.h:19')
  expect(at(0xffff_ffff_8000_000en)).toBeUndefined()
  expect(at(0x1001n)).toBe('/src/include/list.h:1')
  expect(at(0x1002n)).toBeUndefined()
  expect([...table.ranges()].map(({ start }) => start)).toEqual([
    0x1000n,
    0xffff_ffff_8000_0000n,
    0xffff_ffff_8000_0004n,
    0xffff_ffff_8000_000an,
  ])
})

test('damaged tables fail only with coded errors', () => {
  const valid = unit(PROGRAM)
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
  fc.assert(
    fc.property(edits, fc.nat(valid.length), (changes, cut) => {
      const line = valid.slice(0, cut % 3 === 0 ? cut : valid.length)
      for (const [at, value] of changes) if (at < line.length) line[at] = value
      try {
        const table = parseLineTable({ line }, 'fuzz')
        for (const { start, end, file } of table.ranges())
          expect(start < end && table.at(start)?.file === file).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(DoppelError)
      }
    }),
    { numRuns: 5000 },
  )
})

test('a version that is not known is named', () => {
  const line = unit(PROGRAM)
  line[4] = 6
  expect(() => parseLineTable({ line }, 'a.elf')).toThrow(/version 6, expected 2 to 5/)
})
