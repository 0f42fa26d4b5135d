import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { litmusOnThreads } from './litmus/run.ts'
import { LITMUS_TESTS } from './litmus/tests.ts'

/** As long as harts have a processor each; where they have not, each meeting of theirs takes the host milliseconds. */
const ROUNDS = 10_000
const CROWDED_ROUNDS = 300
const TIERS = [
  ['interpreted', 0],
  ['translated', 1],
] as const

describe.each(TIERS)('harts on threads, %s', (_tier, translateAfter) => {
  test.each(LITMUS_TESTS)('$name: nothing forbidden is seen', async litmus => {
    const rounds = litmus.harts.length <= availableParallelism() ? ROUNDS : CROWDED_ROUNDS
    const { seen, forbidden } = await litmusOnThreads(litmus, { rounds, translateAfter })
    expect([...forbidden]).toEqual([])
    expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(rounds)
  })
})

test.skipIf(availableParallelism() < 2)(
  'without fences threads see what fences forbid: the tests mean something',
  async () => {
    const bare = {
      name: 'SB',
      harts: ['sw t0, 0(a0)\n lw a2, 0(a1)', 'sw t0, 0(a1)\n lw a2, 0(a0)'],
      forbidden: (LITMUS_TESTS.find(({ name }) => name === 'SB with fences') as (typeof LITMUS_TESTS)[number])
        .forbidden,
    }
    const { forbidden } = await litmusOnThreads(bare, { rounds: 20_000, translateAfter: 1 })
    expect(forbidden.size).toBeGreaterThan(0)
  },
)
