import { expect, test } from 'vitest'
import { InstructionClock } from './instruction-clock.ts'

const EPOCH_NS = BigInt(Date.UTC(2025, 0, 1)) * 1_000_000n

test('time stands still during a turn, but for an instruction that asks exactly', () => {
  const clock = new InstructionClock(500)
  let retired = 10
  clock.beginTurn(() => retired, 1)
  retired = 40
  expect(clock.monotonicNs()).toBe(500)
  expect(clock.exactly(() => clock.monotonicNs())).toBe(530)
  expect(clock.monotonicNs()).toBe(500)
  retired = 60
  clock.endTurn()
  expect(clock.monotonicNs()).toBe(550)
  expect(clock.realtimeNs()).toBe(EPOCH_NS + 550n)
})

test('harts that take turns share the time', () => {
  const clock = new InstructionClock()
  for (let hart = 0; hart < 4; hart++) {
    let retired = 0
    clock.beginTurn(() => retired, 4)
    retired = 100
    clock.endTurn()
  }
  expect(clock.monotonicNs()).toBe(100)
  expect([clock.instructionsIn(25, 4), clock.instructionsIn(0, 4), clock.instructionsIn(Infinity, 1)]).toEqual([
    100,
    1,
    Infinity,
  ])
})

test('a wait is over at once, and the host cannot make time pass', () => {
  const clock = new InstructionClock()
  clock.skip(1e6)
  clock.catchUp()
  clock.skip(-5)
  expect(clock.monotonicNs()).toBe(1e6)
})
