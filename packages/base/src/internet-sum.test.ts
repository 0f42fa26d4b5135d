import { expect, test } from 'vitest'
import { foldSum, internetSum } from './internet-sum.ts'

test('the example of RFC 1071 §3 gives its sum', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)
  expect(internetSum(bytes)).toBe(0x2ddf0)
  expect(foldSum(0x2ddf0)).toBe(0xddf2)
})

test('an odd last byte counts as the high one', () => {
  expect(internetSum(Uint8Array.of(0x12, 0x34, 0x56))).toBe(0x1234 + 0x5600)
})

test('parts of even length add up to the whole', () => {
  const bytes = Uint8Array.from({ length: 1001 }, (_, i) => (i * 37) & 0xff)
  for (const cut of [0, 2, 8, 14, 500, 1000]) {
    expect(internetSum(bytes.subarray(cut), internetSum(bytes.subarray(0, cut)))).toBe(internetSum(bytes))
  }
})

test('a packet that carries its own complement sums to all ones', () => {
  const header = Uint8Array.from([
    0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7,
  ])
  const sum = foldSum(internetSum(header)) ^ 0xffff
  expect(sum).toBe(0xb861)
  header.set([sum >> 8, sum & 0xff], 10)
  expect(foldSum(internetSum(header))).toBe(0xffff)
})
