import { VirtualClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { CpuScheduler, type CpuLimits, type Member } from './scheduler.ts'

/** Machines that want to run: each in turn asks, and runs a slice where it may. One instruction takes a nanosecond. */
class Host {
  readonly clock = new VirtualClock()
  readonly scheduler = new CpuScheduler(this.clock)
  readonly guests: Guest[] = []

  guest(limits: CpuLimits, slice: (turn: number) => number = () => 1_000_000): Guest {
    const made = new Guest(this, limits, slice)
    this.guests.push(made)
    return made
  }
  run(turns: number): void {
    for (let turn = 0; turn < turns; turn++) {
      const ran = this.guests.map(guest => guest.turn(turn))
      if (!ran.some(Boolean)) this.clock.advanceNs(100_000)
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
  for (const limits of [{ share: 0 }, { share: Number.NaN }, { share: 10_001 }, { cap: 0 }, { cap: 1.1 }]) {
    expect(() => scheduler.join(limits, () => 0n)).toThrow('expected')
  }
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
