import { TimerQueue, VirtualClock } from '@doppel/base'
import { beforeEach, expect, test } from 'vitest'
import { Aclint } from './aclint.ts'
import { Bus } from './bus.ts'

const TICK_NS = 100
const MTIMECMP_1 = 0x4008
const MTIME = 0xbff8
let clock: VirtualClock
let timers: TimerQueue
let software: boolean[]
let timer: boolean[]
let bus: Bus

beforeEach(() => {
  clock = new VirtualClock()
  timers = new TimerQueue(clock)
  software = [false, false]
  timer = [false, false]
  bus = new Bus()
  const lines = (levels: boolean[]) =>
    levels.map((_, hart) => ({ set: (level: boolean) => void (levels[hart] = level) }))
  bus.map(
    0,
    new Aclint({
      counter: () => BigInt(Math.floor(clock.monotonicNs() / TICK_NS)),
      ticksPerSecond: 1e9 / TICK_NS,
      timers,
      software: lines(software),
      timer: lines(timer),
    }),
  )
})

const pass = (ticks: number): void => {
  clock.advanceNs(ticks * TICK_NS)
  timers.runDue()
}

test('msip of one hart interrupts that hart only, and reads back', () => {
  bus.write(4, 4, 0xffff_ffffn)
  expect(software).toEqual([false, true])
  expect([bus.read(0, 4), bus.read(4, 4)]).toEqual([0n, 1n])
  bus.write(4, 4, 0n)
  expect(software).toEqual([false, false])
})

test('the timer interrupt is high from the tick that mtime reaches mtimecmp until mtimecmp moves on', () => {
  bus.write(MTIMECMP_1, 8, 1000n)
  expect(timers.nextDeadlineNs()).toBe(1000 * TICK_NS)
  pass(999)
  expect(timer).toEqual([false, false])
  pass(1)
  expect(timer).toEqual([false, true])
  bus.write(MTIMECMP_1, 8, 2000n)
  expect(timer).toEqual([false, false])
  pass(1000)
  expect(timer).toEqual([false, true])
  bus.write(MTIMECMP_1, 8, 0xffff_ffff_ffff_ffffn)
  expect(timer).toEqual([false, false])
})

test('a compare value in the past interrupts at once', () => {
  pass(50)
  bus.write(MTIMECMP_1, 8, 50n)
  expect(timer[1]).toBe(true)
})

test('halves of mtimecmp can be written and read apart', () => {
  bus.write(MTIMECMP_1 + 4, 4, 1n)
  bus.write(MTIMECMP_1, 4, 2n)
  expect(bus.read(MTIMECMP_1, 8)).toBe(0x1_0000_0002n)
  expect(bus.read(MTIMECMP_1 + 4, 4)).toBe(1n)
})

test('mtime counts, and a guest may set it', () => {
  pass(7)
  expect(bus.read(MTIME, 8)).toBe(7n)
  bus.write(MTIMECMP_1, 8, 0x5_0000_0000n)
  bus.write(MTIME, 8, 0x4_ffff_fff0n)
  expect(timer[1]).toBe(false)
  pass(16)
  expect(bus.read(MTIME, 8)).toBe(0x5_0000_0000n)
  expect(timer[1]).toBe(true)
})

test('a 64-bit read never shows halves of two moments', () => {
  let count = 0xffff_fffen
  const aclint = new Aclint({ counter: () => count++, ticksPerSecond: 1e7, timers, software: [], timer: [] })
  const running = new Bus()
  running.map(0, aclint)
  expect([running.read(MTIME, 8), running.read(MTIME, 8), running.read(MTIME, 8)]).toEqual([
    0xffff_fffen,
    0xffff_ffffn,
    0x1_0000_0000n,
  ])
})
