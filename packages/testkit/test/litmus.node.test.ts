import { expect, test } from 'vitest'
import { litmusInTurn, litmusOnThreads } from '../conformance/litmus/run.ts'
import { LITMUS_TESTS } from '../conformance/litmus/tests.ts'

// Longer runs, and all tests on threads, are in ../conformance/litmus.node.test.ts.
const ROUNDS = 400
/** Where there are more harts than processors, each meeting of theirs takes the host milliseconds. */
const THREAD_ROUNDS = 40
const TIERS = [
  ['interpreted', 0],
  ['translated', 1],
] as const
const all = TIERS.flatMap(([tier, translateAfter]) =>
  LITMUS_TESTS.map(each => [each.name, tier, translateAfter] as const),
)
const ON_THREADS = [
  'MP with fences',
  'SB with ordered atomics',
  'IRIW with fences',
  'reserved additions are all counted',
]
const named = (name: string): (typeof LITMUS_TESTS)[number] =>
  LITMUS_TESTS.find(each => each.name === name) as (typeof LITMUS_TESTS)[number]

test.each(all)('%s, harts in turn, %s: nothing forbidden is seen', (name, _tier, translateAfter) => {
  const { seen, forbidden } = litmusInTurn(named(name), { rounds: ROUNDS, translateAfter })
  expect([...forbidden]).toEqual([])
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(ROUNDS)
})

test.each(ON_THREADS)('%s, harts on threads: nothing forbidden is seen', async name => {
  const { seen, forbidden } = await litmusOnThreads(named(name), { rounds: THREAD_ROUNDS, translateAfter: 1 })
  expect([...forbidden]).toEqual([])
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(THREAD_ROUNDS)
})
