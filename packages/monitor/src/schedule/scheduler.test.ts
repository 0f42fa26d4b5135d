import { VirtualClock } from '@doppel/base'
import { expect, test } from 'vitest'
import type { CpuLimits } from './limits.ts'
import type { Member } from './member.ts'
import { CpuScheduler } from './scheduler.ts'

/** Machines that want to run: each in turn asks, and runs a slice where it may. One instruction takes a nanosecond. */
class Host {
  readonly clock = new VirtualClock()
  readonly scheduler = new CpuScheduler(this.clock)
  readonly guests: Guest[] = []
  /** What passes while nobody runs. */
  idleNs = 100_000

  guest(limits: CpuLimits, slice: (turn: number) => number = () => 1_000_000): Guest {
    const made = new Guest(this, limits, slice)
    this.guests.push(made)
    return made
  }
  run(turns: number): void {
    for (let turn = 0; turn < turns; turn++) {
      const ran = this.guests.map(guest => guest.turn(turn))
      if (!ran.some(Boolean)) this.clock.advanceNs(this.idleNs)
    }
  }
}

class Guest {
  readonly member: Member
  instructions = 0
  /** How long an instruction of this guest's takes. */
  nsEach = 1
  ranNs = 0
  /** What this guest does instead of running, at times. */
  sleeps: (turn: number) => boolean = () => false
  #held = false
  readonly #host: Host
  readonly #slice: (turn: number) => number

  constructor(host: Host, limits: CpuLimits, slice: (turn: number) => number) {
    this.#host = host
    this.#slice = slice
    this.member = host.scheduler.join(limits, () => BigInt(this.instructions))
  }
  turn(turn: number): boolean {
    if (this.sleeps(turn)) {
      this.member.idle()
      return false
    }
    if (this.#held) return false
    const held = this.member.gate()
    if (held && this.member.isActive) {
      this.#held = true
      void held.then(() => (this.#held = false))
    }
    if (held) return false
    const count = this.#slice(turn)
    this.instructions += count
    this.ranNs += count * this.nsEach
    this.#host.clock.advanceNs(count * this.nsEach)
    this.member.ran(count * this.nsEach)
    return true
  }
}

/** Runs turns with the event loop in between, so that whoever was held hears of it. */
async function play(host: Host, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    host.run(1)
    await Promise.resolve()
  }
}

test('shares of 3 to 1 give 3 to 1 of the instructions, however long the slices are', async () => {
  const host = new Host()
  const [a, b] = [host.guest({ share: 300 }, turn => 300_000 + (turn % 7) * 100_000), host.guest({ share: 100 })]
  await play(host, 4000)
  expect(a.instructions / b.instructions).toBeGreaterThan(2.94)
  expect(a.instructions / b.instructions).toBeLessThan(3.06)
})

test('five equal machines get equal parts, though one takes slices ten times as long', async () => {
  const host = new Host()
  const guests = [1, 1, 1, 1, 10].map(length => host.guest({}, () => length * 200_000))
  await play(host, 8000)
  const most = Math.max(...guests.map(guest => guest.instructions))
  for (const guest of guests) expect(guest.instructions).toBeGreaterThan(most * 0.95)
})

test('a machine that slept saves nothing up, and loses nothing', async () => {
  const host = new Host()
  const [busy, sleeper] = [host.guest({}), host.guest({})]
  sleeper.sleeps = turn => turn === 0
  host.run(1)
  sleeper.sleeps = () => true
  await play(host, 2000)
  sleeper.sleeps = () => false
  const before = busy.instructions
  await play(host, 2000)
  expect(sleeper.instructions / (busy.instructions - before)).toBeGreaterThan(0.95)
  expect(sleeper.instructions / (busy.instructions - before)).toBeLessThan(1.05)
})

test('a machine that comes new, when the other sleeps after long work, owes and is owed nothing', async () => {
  const host = new Host()
  const old = host.guest({})
  await play(host, 1000)
  old.sleeps = () => true
  host.run(1)
  old.member.setLimits({ share: 300 })
  const young = host.guest({})
  host.run(1)
  old.sleeps = () => false
  const before = [old.instructions, young.instructions] as const
  await play(host, 2000)
  const ratio = (old.instructions - before[0]) / (young.instructions - before[1])
  expect(ratio).toBeGreaterThan(2.9)
  expect(ratio).toBeLessThan(3.1)
})

test.each([2.5, 25, 1000])(
  'a neighbour whose instructions take %d times as long takes no more than its part',
  async nsEach => {
    const host = new Host()
    const [victim, storm] = [host.guest({}), host.guest({}, () => 1_000_000 / nsEach)]
    storm.nsEach = nsEach
    await play(host, 8000)
    expect(victim.ranNs / (victim.ranNs + storm.ranNs)).toBeGreaterThan(0.5 * 0.95)
  },
)

test('machines of about one speed have their parts in instructions', async () => {
  const host = new Host()
  const [a, b] = [host.guest({ share: 300 }), host.guest({ share: 100 })]
  b.nsEach = 1.9
  await play(host, 8000)
  expect(a.instructions / b.instructions).toBeGreaterThan(2.94)
  expect(a.instructions / b.instructions).toBeLessThan(3.06)
})

test('one alone has all of the processor; one that leaves holds nobody up', async () => {
  const host = new Host()
  const [a, b] = [host.guest({}), host.guest({ share: 1 })]
  await play(host, 100)
  b.member.leave()
  host.guests.pop()
  const before = [a.instructions, host.clock.monotonicNs()] as const
  await play(host, 1000)
  expect(a.instructions - before[0]).toBe(host.clock.monotonicNs() - before[1])
})

test('what makes no sense is refused', () => {
  const { scheduler } = new Host()
  const wrong: CpuLimits[] = [
    { share: 0 },
    { share: Number.NaN },
    { share: 10_001 },
    { cap: 0 },
    { cap: 1.1 },
    { entitlement: -0.1 },
    { entitlement: 1.1 },
    { entitlement: Number.NaN },
    { entitlement: 0.6, cap: 0.5 },
    { latency: 'soon' as 'batch' },
  ]
  for (const limits of wrong) expect(() => scheduler.join(limits, () => 0n), JSON.stringify(limits)).toThrow('expected')
})

test('entitlements are for certain, so they cannot be more than there is', () => {
  const { scheduler } = new Host()
  const first = scheduler.join({ entitlement: 0.7 }, () => 0n)
  expect(() => scheduler.join({ entitlement: 0.4 }, () => 0n)).toThrow('others on its thread are entitled to 0.7')
  const second = scheduler.join({ latency: 'realtime' }, () => 0n)
  expect(second.limits.entitlement).toBe(0.25)
  expect(() => first.setLimits({ entitlement: 0.8 })).toThrow('expected 0 to 0.75')
  second.leave()
  first.setLimits({ entitlement: 0.8 })
})

test('an entitled machine has its part beside any shares, and what is left goes by shares, to it too', async () => {
  const host = new Host()
  const entitled = host.guest({ entitlement: 0.4, share: 100 })
  const [large, small] = [host.guest({ share: 400 }), host.guest({ share: 100 })]
  await play(host, 20_000)
  const part = (guest: Guest): number => guest.ranNs / host.clock.monotonicNs()
  // 0.4 and a sixth of the rest; four sixths; a sixth.
  expect(part(entitled)).toBeCloseTo(0.5, 1)
  expect(part(large)).toBeCloseTo(0.4, 1)
  expect(part(small)).toBeCloseTo(0.1, 1)
  expect(part(entitled)).toBeGreaterThan(0.47)
})

test('one that wants nothing of its entitlement leaves it to the others, and cannot claim it later', async () => {
  const host = new Host()
  const [entitled, other] = [host.guest({ entitlement: 0.9, share: 1 }), host.guest({ share: 100 })]
  entitled.sleeps = () => true
  await play(host, 2000)
  expect(other.ranNs / host.clock.monotonicNs()).toBeGreaterThan(0.99)
  entitled.sleeps = () => false
  const [beganNs, ranNs] = [host.clock.monotonicNs(), entitled.ranNs]
  await play(host, 4000)
  const part = (entitled.ranNs - ranNs) / (host.clock.monotonicNs() - beganNs)
  expect(part).toBeGreaterThan(0.89)
  expect(part).toBeLessThan(0.92)
})

/** A real-time machine that waits for its timer each period beside storms; how late it had its turns, ns, sorted. */
async function latenessNs(host: Host, limits: CpuLimits, storms: number): Promise<number[]> {
  const periodNs = 1_000_000
  const late: number[] = []
  let wakes = 0
  const timer = host.scheduler.join(limits, () => BigInt(late.length))
  for (let i = 0; i < storms; i++) {
    const storm = host.guest({ share: 10_000 }, () => Math.min(1_000_000, storm.member.pace(Infinity).instructions))
  }
  await play(host, 50)
  let dueNs = host.clock.monotonicNs() + periodNs
  const sleep = (): void => timer.idle({ inNs: dueNs - host.clock.monotonicNs(), wake: () => void wakes++ })
  sleep()
  for (let round = 0; late.length < 200; round++) {
    await play(host, 1)
    expect(round).toBeLessThan(20_000)
    if (wakes === 0 && host.clock.monotonicNs() < dueNs) continue
    if (timer.gate()) continue
    late.push(host.clock.monotonicNs() - dueNs)
    host.clock.advanceNs(10_000)
    timer.ran(10_000)
    wakes = 0
    dueNs = Math.max(dueNs, host.clock.monotonicNs()) + periodNs
    sleep()
  }
  return late.sort((a, b) => a - b)
}

test('a real-time machine has its turn when its timer is due, whatever storms', async () => {
  const host = new Host()
  host.idleNs = 100
  const late = await latenessNs(host, { latency: 'realtime' }, 3)
  // What a turn cannot be shorter than, once for each neighbour; instructions take a nanosecond here.
  expect(late[0]).toBeGreaterThanOrEqual(0)
  expect(late.at(-1)).toBeLessThanOrEqual(3 * 2000 + 100)
  // Without the class it is one of four.
  expect((await latenessNs(new Host(), {}, 3)).at(-1)).toBeGreaterThan(1_000_000)
})

test('a real-time machine that never stops has its entitlement, and no more than its share of the rest', async () => {
  const host = new Host()
  const [greedy, other] = [host.guest({ latency: 'realtime', entitlement: 0.25 }), host.guest({})]
  await play(host, 8000)
  const part = greedy.ranNs / (greedy.ranNs + other.ranNs)
  expect(part).toBeGreaterThan(0.59)
  expect(part).toBeLessThan(0.66)
})

test('a cap of a half holds a half of the time, and whoever waits under one holds nobody up', async () => {
  let nowNs = 0
  const scheduler = new CpuScheduler({ monotonicNs: () => nowNs, realtimeNs: () => 0n })
  let instructions = 0
  const capped = scheduler.join({ cap: 0.5 }, () => BigInt(instructions))
  let ranNs = 0
  for (let step = 0; step < 200_000; step++) {
    if (capped.gate()) nowNs += 10_000
    else {
      nowNs += 1_000_000
      ranNs += 1_000_000
      instructions += 1_000_000
      capped.ran(1_000_000)
    }
    if (nowNs > 5e9) break
  }
  expect(ranNs / nowNs).toBeGreaterThan(0.49)
  expect(ranNs / nowNs).toBeLessThan(0.51)
  await Promise.resolve()
})

test('what other programs of the host take is nobody’s debt', () => {
  let [nowNs, busyNs] = [0, 0]
  const scheduler = new CpuScheduler({ monotonicNs: () => nowNs, realtimeNs: () => 0n }, () => busyNs)
  const retired = [0, 0]
  const members = retired.map((_, i) => scheduler.join({}, () => BigInt(retired[i] ?? 0)))
  for (let turn = 0; turn < 8000; turn++) {
    for (const [i, member] of members.entries()) {
      if (member.gate()) continue
      retired[i] = (retired[i] ?? 0) + 1_000_000
      busyNs += 1_000_000
      // The host takes the thread away while the second one runs, for four times as long.
      const elapsedNs = i === 1 ? 5_000_000 : 1_000_000
      nowNs += elapsedNs
      member.ran(elapsedNs)
    }
  }
  expect((retired[0] ?? 0) / (retired[1] ?? 1)).toBeCloseTo(1, 1)
})

test('a machine whose instructions turn very slow pays for the time from its first turns on', () => {
  let nowNs = 0
  const scheduler = new CpuScheduler({ monotonicNs: () => nowNs, realtimeNs: () => 0n })
  const retired = [0, 0]
  const ranNs = [0, 0]
  const members = retired.map((_, i) => scheduler.join({}, () => BigInt(retired[i] ?? 0)))
  const turn = (i: number, tookNs: number, count: number): void => {
    if (members[i]?.gate()) return
    retired[i] = (retired[i] ?? 0) + count
    ranNs[i] = (ranNs[i] ?? 0) + tookNs
    nowNs += tookNs
    members[i]?.ran(tookNs)
  }
  for (let i = 0; i < 200; i++) for (const each of [0, 1]) turn(each, 1_000_000, 1_000_000)
  ranNs.fill(0)
  // Long turns that hardly get anywhere, as a guest's that rewrites its code.
  for (let i = 0; i < 500; i++) {
    turn(0, 1_000_000, 1_000_000)
    turn(1, 10_000_000, 1000)
  }
  const part = (ranNs[0] ?? 0) / ((ranNs[0] ?? 0) + (ranNs[1] ?? 0))
  expect(part).toBeGreaterThan(0.47)
})

test('a capped machine gets what a host with other work withheld for some time', () => {
  let [nowNs, busyNs] = [0, 0]
  const scheduler = new CpuScheduler({ monotonicNs: () => nowNs, realtimeNs: () => 0n }, () => busyNs)
  let instructions = 0
  const capped = scheduler.join({ cap: 0.5 }, () => BigInt(instructions))
  for (let turn = 0; nowNs < 5e9; ) {
    if (capped.gate()) nowNs += 1_000_000
    else {
      turn++
      // At times the thread is without a processor for 36 ms.
      const withheldNs = turn % 40 === 0 ? 36_000_000 : 0
      nowNs += 1_000_000 + withheldNs
      busyNs += 1_000_000
      instructions += 1_000_000
      capped.ran(1_000_000 + withheldNs)
    }
  }
  expect(busyNs / nowNs).toBeGreaterThan(0.49)
  expect(busyNs / nowNs).toBeLessThan(0.51)
})
