import { hostClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { TierComparison } from '../../riscv/test/tiers.ts'

/** So long new programs are made; each has its seed in the message of a failure. */
const SECONDS = 120
/** A machine keeps what it has learnt of earlier programs' places; now and then all begin anew. */
const PROGRAMS_EACH = 200
/** The unit test has the first seeds. */
const FIRST_SEED = 1000

test(`for ${SECONDS} s, random programs do the same in every tier`, () => {
  const clock = hostClock()
  const endNs = clock.monotonicNs() + SECONDS * 1e9
  let tiers = new TierComparison()
  let seed = FIRST_SEED
  for (; clock.monotonicNs() < endNs; seed++) {
    if (seed % PROGRAMS_EACH === 0) tiers = new TierComparison()
    const difference = tiers.difference(seed)
    const where = `seed ${seed}, slice ${difference?.slice}\n${difference?.program}`
    expect(difference?.found, where).toBe(difference?.expected)
  }
  expect(seed).toBeGreaterThan(FIRST_SEED + PROGRAMS_EACH)
})
