import { threadsNowMs } from '@doppel/base'
import { expect, test } from 'vitest'
import { SharedClock } from './shared-clock.ts'

const TICKS_PER_SECOND = 10_000_000
const LIMITS_AT = [64, 128]
/** Both harts' clocks, on threads of their own in a machine. */
function clocks(): readonly [SharedClock, SharedClock] {
  const memory = new ArrayBuffer(256)
  const [first, second] = [new SharedClock(memory, 0, LIMITS_AT), new SharedClock(memory, 0, LIMITS_AT)]
  for (const hart of [0, 1]) first.release(hart)
  first.set(1000n, TICKS_PER_SECOND)
  return [first, second]
}
function pass(ms: number): void {
  for (const began = threadsNowMs(); threadsNowMs() - began < ms; );
}
const ticksOf = (ms: number): bigint => BigInt(ms * (TICKS_PER_SECOND / 1000))

test('time goes by as on the host while no hart holds it', () => {
  const [first, second] = clocks()
  const before = first.ticks()
  pass(3)
  expect(second.ticks() - before).toBeGreaterThanOrEqual(ticksOf(3))
  expect(before).toBeGreaterThanOrEqual(1000n)
})

test('time stands still for all harts when one has not got on that is awake', () => {
  const [first, second] = clocks()
  const before = first.ticks()
  first.hold(0, first.ticks() + ticksOf(1))
  second.hold(1, second.ticks() + ticksOf(1000))
  pass(5)
  const held = second.ticks()
  expect(held - before).toBeGreaterThan(0n)
  pass(2)
  expect([first.ticks(), second.ticks()]).toEqual([held, held])
})

test('time that was held is made up for step by step, each as long as the hart says', () => {
  const [first, second] = clocks()
  first.hold(0, first.ticks() + ticksOf(1))
  pass(8)
  for (let i = 0; i < 4; i++) {
    const before = second.ticks()
    first.hold(0, first.ticks() + ticksOf(1))
    expect(second.ticks() - before).toBe(ticksOf(1))
  }
  first.release(0)
  expect(second.hostTicks()).toBeGreaterThanOrEqual(1000n + ticksOf(8))
  expect(second.ticks()).toBeGreaterThanOrEqual(1000n + ticksOf(8))
})

test('a hart that waits holds nobody up, and time never goes back when it holds again', () => {
  const [first, second] = clocks()
  first.hold(0, first.ticks() + ticksOf(1))
  first.release(0)
  pass(4)
  const before = second.ticks()
  expect(before).toBeGreaterThanOrEqual(1000n + ticksOf(4))
  first.hold(0, first.ticks() + ticksOf(0))
  expect(second.ticks()).toBeGreaterThanOrEqual(before)
})

test('a hart that reads the clock may be given less than the host has, and more than others hold it at', () => {
  const [first, second] = clocks()
  first.hold(0, first.ticks() + ticksOf(1))
  pass(5)
  const held = second.ticks()
  expect(second.ticks(held + 5n, held + 3n)).toBe(held + 3n)
  first.release(0)
  expect(second.ticks(held + 5n)).toBe(held + 5n)
  expect(first.ticks()).toBeGreaterThan(held + 5n)
})
