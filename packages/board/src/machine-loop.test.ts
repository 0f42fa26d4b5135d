import { TimerQueue, VirtualClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { StateHart } from '../test/state-hart.ts'
import { GuestClock } from './guest-clock.ts'
import type { HostTasks } from './host-tasks.ts'
import { MachineLoop } from './machine-loop.ts'

const STIE = 1n << 5n
const SEIE = 1n << 9n

/** A loop over harts in virtual time: sleeping passes the time, and runs what is queued for the outside world. */
function setUp(harts: StateHart[], clock: VirtualClock, outside: (() => void)[] = []) {
  const timers = new TimerQueue(clock)
  const sleeps: number[] = []
  let yields = 0
  let wake: (() => void) | undefined
  const host: HostTasks = {
    yield: () => {
      yields++
      return Promise.resolve()
    },
    sleep: delayMs => {
      sleeps.push(delayMs)
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      const event = outside.shift()
      if (event === undefined) {
        clock.advanceNs(delayMs * 1e6)
        resolve()
      } else {
        void Promise.resolve().then(event)
      }
      return { done: promise, wake: () => wake?.() }
    },
    close: () => undefined,
  }
  const loop = new MachineLoop({
    harts,
    timers,
    clock,
    guestClock: new GuestClock(clock),
    time: () => BigInt(Math.floor(clock.monotonicNs() / 100)),
    ticksPerSecond: 10_000_000,
    host,
    beforeRound: () => undefined,
    isSuspended: () => false,
    sliceInstructions: 100,
  })
  return { loop, timers, sleeps, yields: () => yields }
}

const begin = { pc: 0n, privilege: 1, a0: 0n, a1: 0n } as const

test('harts take turns, a slice each', async () => {
  const order: number[] = []
  const harts = [0, 1].map(
    id =>
      new StateHart(
        id,
        () => 0n,
        hart => void (order.at(-1) === hart.id || order.push(hart.id)),
      ),
  )
  for (const hart of harts) hart.start(begin)
  const { loop } = setUp(harts, new VirtualClock())
  await loop.run(() => order.length >= 6)
  expect(order).toEqual([0, 1, 0, 1, 0, 1])
  expect(harts.map(hart => hart.retired)).toEqual([300n, 300n])
})

test('a waiting hart sleeps to its own timer’s deadline and goes on', async () => {
  const clock = new VirtualClock()
  const time = () => BigInt(Math.floor(clock.monotonicNs() / 100))
  const hart = new StateHart(0, time, () => 'wfi')
  hart.csrs.set('mie', STIE)
  hart.setSupervisorTimer(50_000n)
  hart.start(begin)
  const { loop, sleeps } = setUp([hart], clock)
  await loop.run(() => hart.retired >= 2n)
  expect(sleeps).toEqual([5])
})

test('a deadline that is past but masked does not keep the loop busy', async () => {
  const clock = new VirtualClock()
  const hart = new StateHart(
    0,
    () => BigInt(Math.floor(clock.monotonicNs() / 100)),
    () => 'wfi',
  )
  hart.setSupervisorTimer(10n)
  clock.advanceNs(1e6)
  hart.start(begin)
  let over = false
  const { loop, sleeps } = setUp([hart], clock, [
    () => {
      over = true
      loop.wake()
    },
  ])
  await loop.run(() => over)
  expect(sleeps).toEqual([60_000])
})

test('a device’s timer ends the wait and fires', async () => {
  const clock = new VirtualClock()
  const hart = new StateHart(
    0,
    () => 0n,
    () => 'wfi',
  )
  hart.start(begin)
  const { loop, timers, sleeps } = setUp([hart], clock)
  let fired = false
  timers.timer(() => void (fired = true)).arm(7.5e6)
  await loop.run(() => fired)
  expect(sleeps).toEqual([8])
})

test('input from outside ends the wait', async () => {
  const hart = new StateHart(
    0,
    () => 0n,
    () => 'wfi',
  )
  hart.csrs.set('mie', SEIE)
  hart.start(begin)
  const { loop, sleeps } = setUp([hart], new VirtualClock(), [
    () => {
      hart.setInterrupt(9, true)
      loop.wake()
    },
  ])
  await loop.run(() => hart.retired >= 2n)
  expect(sleeps).toHaveLength(1)
})

test('a busy machine yields to the host every few milliseconds', async () => {
  const clock = new VirtualClock()
  const hart = new StateHart(
    0,
    () => 0n,
    () => {
      clock.advanceNs(10_000)
      return undefined
    },
  )
  hart.start(begin)
  const { loop, yields } = setUp([hart], clock)
  await loop.run(() => clock.monotonicNs() >= 40e6)
  expect(yields()).toBe(9)
})

test('when every hart has stopped for good the machine has halted', async () => {
  const hart = new StateHart(
    0,
    () => 0n,
    self => self.stop() as undefined,
  )
  hart.start(begin)
  expect(await setUp([hart], new VirtualClock()).loop.run(() => false)).toBe('halted')
})

/** Its every instruction traps, so that none retires. */
const trapping = (id: number): StateHart =>
  new StateHart(
    id,
    () => 0n,
    hart => {
      hart.retired--
      return undefined
    },
  )

test('a hart whose trap handler traps makes the machine stuck', async () => {
  const hart = trapping(0)
  hart.start(begin)
  expect(await setUp([hart], new VirtualClock()).loop.run(() => false)).toBe('stuck')
})

test('a hart that waits for no interrupt does not keep a stuck machine going', async () => {
  const waits = new StateHart(
    1,
    () => 0n,
    () => 'wfi',
  )
  const harts = [trapping(0), waits]
  for (const hart of harts) hart.start(begin)
  expect(await setUp(harts, new VirtualClock()).loop.run(() => false)).toBe('stuck')
})

test('a stuck hart does not end a machine in which another one works', async () => {
  const works = new StateHart(0)
  const harts = [works, trapping(1)]
  for (const hart of harts) hart.start(begin)
  const { loop } = setUp(harts, new VirtualClock())
  expect(await loop.run(() => works.retired > 50_000n)).toBe('over')
})
