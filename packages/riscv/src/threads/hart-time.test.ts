import { threadsNowMs } from '@doppel/base'
import { expect, test } from 'vitest'
import { HartTime } from './hart-time.ts'
import { SharedClock } from './shared-clock.ts'

const TICKS_PER_SECOND = 10_000_000
const LIMITS_AT = [64, 128]
interface Counting {
  readonly id: number
  retired: bigint
}
/** Two harts of one machine. */
function harts(): readonly { readonly hart: Counting; readonly time: HartTime }[] {
  const memory = new ArrayBuffer(256)
  const made = [0, 1].map(id => {
    const hart: Counting = { id, retired: 0n }
    const clock = new SharedClock(memory, 0, LIMITS_AT)
    clock.release(id)
    return { hart, clock, time: new HartTime(clock, hart) }
  })
  made[0]?.clock.set(0n, TICKS_PER_SECOND)
  return made
}
function pass(ms: number): void {
  for (const began = threadsNowMs(); threadsNowMs() - began < ms; );
}
const ticksOf = (ms: number): bigint => BigInt(ms * (TICKS_PER_SECOND / 1000))

test('a hart that the host keeps from running sees no time go by but that of its instructions', () => {
  const [{ hart, time }] = harts() as [ReturnType<typeof harts>[number]]
  time.hold()
  const before = time.ticks()
  pass(20)
  hart.retired += 1000n
  // 50 µs at 20 MIPS.
  expect(time.ticks() - before).toBe(ticksOf(0.05))
  expect(time.ticks() - before).toBe(ticksOf(0.05))
})

test('it makes up for that as it goes on, and at once when it waits', () => {
  const [{ hart, time }] = harts() as [ReturnType<typeof harts>[number]]
  time.hold()
  pass(20)
  const before = time.ticks()
  for (let i = 0; i < 10; i++) {
    hart.retired += 20_000n
    time.hold()
  }
  // Each time by 0.5 ms, which is where it holds others too; not by the 1 ms that the instructions might take.
  expect(time.ticks() - before).toBe(ticksOf(5))
  time.release()
  expect(time.ticks()).toBeGreaterThanOrEqual(ticksOf(20))
})

test('other harts wait for it, though what they do takes some time', () => {
  const [late, other] = harts() as [ReturnType<typeof harts>[number], ReturnType<typeof harts>[number]]
  late.time.hold()
  const before = late.time.ticks()
  pass(10)
  other.time.hold()
  other.hart.retired += 10_000_000n
  const seen = other.time.ticks()
  expect(seen - before).toBeLessThanOrEqual(ticksOf(1.5))
  other.hart.retired += 10_000n
  expect(other.time.ticks() - seen).toBe(10n)
})

test('a hart that waits holds nobody up, and sees all the time when it goes on', () => {
  const [waiting, other] = harts() as [ReturnType<typeof harts>[number], ReturnType<typeof harts>[number]]
  waiting.time.hold()
  waiting.time.release()
  pass(10)
  const seen = other.time.ticks()
  expect(seen).toBeGreaterThanOrEqual(ticksOf(10))
  waiting.time.hold()
  expect(waiting.time.ticks()).toBeGreaterThanOrEqual(seen)
})

test('an answer from the board may take a little while', () => {
  const [{ time }] = harts() as [ReturnType<typeof harts>[number]]
  time.hold()
  const before = time.ticks()
  pass(20)
  time.answered()
  expect(time.ticks() - before).toBe(ticksOf(0.1))
})
