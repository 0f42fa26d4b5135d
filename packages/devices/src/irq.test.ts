import { expect, test } from 'vitest'
import { SharedLine } from './irq.ts'

test('a shared line is high while any of its inputs is', () => {
  const levels: boolean[] = []
  const shared = new SharedLine({ set: level => levels.push(level) })
  const [a, b] = [shared.input(), shared.input()]
  a.set(true)
  a.set(true)
  b.set(true)
  a.set(false)
  b.set(false)
  expect(levels).toEqual([true, true, true, false])
})
