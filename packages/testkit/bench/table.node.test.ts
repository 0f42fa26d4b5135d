import { expect, test } from 'vitest'
import { compare, geometricMean, median, memoryLines, table } from './table.ts'

test('the median of an odd number of rounds is the middle one, of an even number the mean of two', () => {
  expect(median([9, 1, 2])).toBe(2)
  expect(median([4, 1, 9, 2])).toBe(3)
  expect(median([10, 9])).toBe(9.5)
  expect(median([])).toBeNaN()
})

test('the geometric mean of a ratio and its inverse is 1', () => {
  expect(geometricMean([4, 0.25])).toBeCloseTo(1, 12)
  expect(geometricMean([2, 8])).toBeCloseTo(4, 12)
})

const fast = compare({ name: 'fast', stresses: 'much', doppel: [1, 0.5, 7], qemu: [2, 3, 2.5], instructions: 400e6 })
const slow = compare({ name: 'slow', stresses: 'more', doppel: [5], qemu: [1], instructions: undefined })

test('a ratio above 1 means that doppel took less time, by medians', () => {
  expect(fast).toMatchObject({ doppelSeconds: 1, qemuSeconds: 2.5, ratio: 2.5, doppelMips: 400, qemuMips: 160 })
  expect(slow).toMatchObject({ ratio: 0.2, doppelMips: undefined, qemuMips: undefined })
})

test('a comparison keeps every sample for whoever reads the JSON', () => {
  expect(JSON.parse(JSON.stringify(fast))).toMatchObject({ doppel: [1, 0.5, 7], qemu: [2, 3, 2.5] })
})

test('the table has aligned columns, and leaves empty what is not known', () => {
  expect(table([fast, slow])).toBe(`\
| name | stresses       | doppel s | QEMU s | QEMU/doppel | instructions | doppel MIPS | QEMU MIPS |
| ---- | -------------- | -------: | -----: | ----------: | -----------: | ----------: | --------: |
| fast | much           |     1.00 |   2.50 |        2.50 |        400 M |         400 |       160 |
| slow | more           |     5.00 |   1.00 |        0.20 |              |             |           |
|      | geometric mean |          |        |        0.71 |              |             |           |
`)
})

test('one benchmark needs no mean', () => {
  expect(table([slow]).split('\n')).toHaveLength(4)
})

test('memory is told where it is known, the guest’s beside the emulator’s own', () => {
  const memory = { residentMib: 281, guestMib: 108 }
  expect(memoryLines([slow, { ...fast, memory }])).toBe(
    'fast: doppel held 281 MiB at most; the guest touched 108, so 173 are its own.\n',
  )
})
