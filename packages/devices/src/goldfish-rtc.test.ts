import { TimerQueue, VirtualClock } from '@doppel/base'
import { beforeEach, expect, test } from 'vitest'
import { GoldfishRtc } from './goldfish-rtc.ts'

const BOOT_NS = 1_700_000_000_123_456_789n
let clock: VirtualClock
let timers: TimerQueue
let level: boolean
let rtc: GoldfishRtc

beforeEach(() => {
  clock = new VirtualClock(BOOT_NS)
  timers = new TimerQueue(clock)
  level = false
  rtc = new GoldfishRtc({ timers, line: { set: now => void (level = now) } })
})

const readTime = (): bigint => {
  const low = rtc.read(0x00, 4)
  return (BigInt(rtc.read(0x04, 4)) << 32n) | BigInt(low)
}
/** High half first, as the driver does. */
const writePair = (lowRegister: number, value: bigint): void => {
  rtc.write(lowRegister + 4, 4, Number(value >> 32n))
  rtc.write(lowRegister, 4, Number(value & 0xffff_ffffn))
}
const pass = (ns: number): void => {
  clock.advanceNs(ns)
  timers.runDue()
}

test('the time is the host’s, in nanoseconds', () => {
  expect(readTime()).toBe(BOOT_NS)
  pass(5e9)
  expect(readTime()).toBe(BOOT_NS + 5_000_000_000n)
})

test('a guest that sets the time sees it run on from there', () => {
  writePair(0x00, 1_000_000_000_000_000_000n)
  pass(1e9)
  expect(readTime()).toBe(1_000_000_001_000_000_000n)
})

test('the alarm interrupts when its time comes, until the interrupt is cleared', () => {
  rtc.write(0x10, 4, 1)
  writePair(0x08, BOOT_NS + 2_000_000_000n)
  expect(rtc.read(0x18, 4)).toBe(1)
  pass(1e9)
  expect(level).toBe(false)
  pass(1e9)
  expect([level, rtc.read(0x18, 4)]).toEqual([true, 0])
  rtc.write(0x1c, 4, 1)
  expect(level).toBe(false)
})

test('a cleared alarm does not interrupt, and a disabled one stays pending', () => {
  rtc.write(0x10, 4, 1)
  writePair(0x08, BOOT_NS + 1_000_000_000n)
  rtc.write(0x14, 4, 1)
  pass(2e9)
  expect(level).toBe(false)
  rtc.write(0x10, 4, 0)
  writePair(0x08, BOOT_NS)
  expect(level).toBe(false)
  rtc.write(0x10, 4, 1)
  expect(level).toBe(true)
})
