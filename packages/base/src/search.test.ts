import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countBefore } from './search.ts'

test('as many are counted as come before, also of equal ones, of none, and at both ends', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -9, max: 9 })), fc.integer({ min: -10, max: 10 }), (list, limit) => {
      const sorted = list.toSorted((a, b) => a - b)
      expect(countBefore(sorted, element => element <= limit)).toBe(sorted.filter(each => each <= limit).length)
    }),
  )
})
