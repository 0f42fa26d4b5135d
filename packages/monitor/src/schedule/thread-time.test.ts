import { expect, test } from 'vitest'
import { ThreadTime } from './thread-time.ts'

test('a long turn is what the thread had of it; a short one, and any where the host cannot tell, what passed', () => {
  let [busyNs, asked] = [0, 0]
  const time = new ThreadTime(() => {
    asked++
    return busyNs
  })
  busyNs += 1_000_000
  expect(time.ofTurn(4_000_000)).toBe(1_000_000)
  // Many short ones, for which nobody asks, are not counted once more by the next long one.
  for (let i = 0; i < 10; i++) {
    busyNs += 100_000
    expect(time.ofTurn(100_000)).toBe(100_000)
  }
  expect(asked).toBe(2)
  busyNs += 500_000
  expect(time.ofTurn(3_000_000)).toBe(500_000)
  expect(new ThreadTime(undefined).ofTurn(3_000_000)).toBe(3_000_000)
})

test('a host that counts coarsely makes no turn free', () => {
  expect(new ThreadTime(() => 0).ofTurn(1_000_000)).toBeGreaterThan(0)
})
