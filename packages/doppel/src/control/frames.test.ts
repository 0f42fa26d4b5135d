import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frame, FrameReader, messageFrame, readMessage } from './frames.ts'

test('frames are found however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.nat({ max: 4 }), bytes: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, cuts) => {
        const all = Buffer.concat(frames.map(({ type, bytes }) => frame(type, bytes)))
        const reader = new FrameReader()
        const found: unknown[] = []
        for (let at = 0, i = 0; at < all.length; i++) {
          const length = cuts[i % cuts.length] as number
          found.push(...reader.feed(new Uint8Array(all.subarray(at, at + length))))
          at += length
        }
        expect(found).toEqual(frames)
      },
    ),
  )
})

test('what is no frame, or no message, is refused', () => {
  expect(() => new FrameReader().feed(Uint8Array.of(9, 0, 0, 0, 0))).toThrow('none of doppel')
  expect(() => new FrameReader().feed(Uint8Array.of(0, 255, 0, 0, 0))).toThrow('none of doppel')
  for (const text of ['', '[]', 'null', '3', '{']) {
    expect(() => readMessage(new TextEncoder().encode(text))).toThrow('JSON object')
  }
  expect(readMessage(messageFrame({ a: 1 }).subarray(5))).toEqual({ a: 1 })
})
