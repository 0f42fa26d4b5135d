import { VirtualClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { GuestClock } from './guest-clock.ts'

/** A host clock, the instruction counts of two harts, and the guest's clock over them; the first hart's turn. */
function setUp() {
  const host = new VirtualClock(1_000n)
  const retired = [0, 0]
  const clock = new GuestClock(host)
  const turn = (hart: number, turns: number) => clock.beginTurn(() => retired[hart] ?? 0, turns)
  turn(0, 1)
  const run = (hart: number, instructions: number) => void (retired[hart] = (retired[hart] ?? 0) + instructions)
  return { host, clock, turn, run }
}

test('a machine that runs sees the host’s time', () => {
  const { host, run, clock } = setUp()
  for (let read = 1; read <= 10; read++) {
    run(0, 100_000)
    host.advanceNs(1e6)
    expect(clock.monotonicNs()).toBe(read * 1e6)
  }
})

test('a pause of the host in the middle of a handler is not seen there', () => {
  const { host, run, clock } = setUp()
  run(0, 1e6)
  host.advanceNs(1e6)
  expect(clock.monotonicNs()).toBe(1e6)
  run(0, 1000)
  host.advanceNs(50e6)
  expect(clock.monotonicNs()).toBe(1e6 + 50_000)
})

test('what a pause took is made up for while the machine runs on', () => {
  const { host, run, clock } = setUp()
  host.advanceNs(50e6)
  expect(clock.monotonicNs()).toBe(0)
  run(0, 2_000_000)
  host.advanceNs(5e6)
  expect(clock.monotonicNs()).toBe(55e6)
})

test('harts that take turns pass the time side by side, not one after the other', () => {
  const { host, run, clock, turn } = setUp()
  host.advanceNs(50e6)
  for (const hart of [0, 1]) {
    turn(hart, 2)
    run(hart, 1000)
  }
  expect(clock.monotonicNs()).toBe(50_000)
})

test('instructions do not push time beyond the host’s', () => {
  const { host, run, clock } = setUp()
  run(0, 1e9)
  host.advanceNs(3)
  expect(clock.monotonicNs()).toBe(3)
})

test('an idle machine takes the host’s time whole', () => {
  const { host, clock } = setUp()
  host.advanceNs(7e9)
  clock.catchUp()
  expect(clock.monotonicNs()).toBe(7e9)
})

test('the date is the host’s', () => {
  const { host, clock } = setUp()
  host.advanceNs(500)
  expect(clock.realtimeNs()).toBe(1_500n)
})
