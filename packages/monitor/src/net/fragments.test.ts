import { VirtualClock } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Reassembler } from './fragments.ts'
import { ipBytes } from './ip-address.ts'
import type { IpPacket } from './ip-packet.ts'

const part = (id: number, offset: number, bytes: Uint8Array, more: boolean): IpPacket => ({
  source: ipBytes('10.0.2.15'),
  destination: ipBytes('192.0.2.1'),
  protocol: 17,
  payload: bytes,
  fragment: { id, offset, more },
})
const setUp = () => {
  const clock = new VirtualClock()
  return { clock, reassembler: new Reassembler(clock) }
}

test('parts in any order make the whole, once', () => {
  const whole = Uint8Array.from({ length: 500 }, (_, i) => i & 0xff)
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 62 }), { maxLength: 8 })
  fc.assert(
    fc.property(cuts, fc.infiniteStream(fc.nat()), (at, order) => {
      const borders = [0, ...at.map(eighth => eighth * 8).sort((a, b) => a - b), whole.length]
      const parts = borders.slice(1).map((end, i) => {
        const start = borders[i] ?? 0
        return part(7, start, whole.subarray(start, end), end < whole.length)
      })
      const keys = new Map(parts.map(each => [each, order.next().value as number]))
      parts.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0))
      const { reassembler } = setUp()
      const results = parts.map(each => reassembler.add(each))
      expect(results.filter(result => result !== undefined).map(result => result.payload)).toEqual([whole])
      expect(results.at(-1)).toBeDefined()
    }),
  )
})

test('parts that overlap void their packet', () => {
  const { reassembler } = setUp()
  expect(reassembler.add(part(1, 0, new Uint8Array(16), true))).toBeUndefined()
  expect(reassembler.add(part(1, 8, new Uint8Array(16), false))).toBeUndefined()
  expect(reassembler.add(part(1, 16, new Uint8Array(8), false))).toBeUndefined()
})

test('what waits too long is forgotten', () => {
  const { reassembler, clock } = setUp()
  reassembler.add(part(1, 0, new Uint8Array(8), true))
  clock.advanceNs(31e9)
  expect(reassembler.add(part(1, 8, new Uint8Array(8), false))).toBeUndefined()
})

test('a flood of first parts pushes out the oldest, not the newest', () => {
  const { reassembler } = setUp()
  for (let id = 0; id < 100; id++) reassembler.add(part(id, 0, new Uint8Array(8), true))
  expect(reassembler.add(part(0, 8, new Uint8Array(8), false))).toBeUndefined()
  expect(reassembler.add(part(99, 8, new Uint8Array(8), false))?.payload).toHaveLength(16)
})

test('a part beyond the end of what an IP packet may hold is refused', () => {
  const { reassembler } = setUp()
  expect(reassembler.add(part(1, 65_528, new Uint8Array(100), false))).toBeUndefined()
})
