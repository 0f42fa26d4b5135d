import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteQueue } from './byte-queue.ts'

test('a queue gives back what fitted, in order, whatever the pattern of pushes and takes', () => {
  const step = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 40 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const queue = new ByteQueue(100)
      const model: number[] = []
      for (const s of steps) {
        if (typeof s === 'number') {
          expect([...queue.take(s)]).toEqual(model.splice(0, s))
        } else {
          const fitted = queue.push(s)
          expect(fitted).toBe(Math.min(s.length, 100 - model.length))
          model.push(...s.subarray(0, fitted))
        }
        expect(queue.length).toBe(model.length)
      }
    }),
  )
})
