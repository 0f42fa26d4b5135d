import { expect, test } from 'vitest'
import { TierComparison } from '../test/tiers.ts'

const PROGRAMS = 12

test('programs do the same in every tier', { timeout: 60_000 }, () => {
  const tiers = new TierComparison()
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const difference = tiers.difference(seed)
    const where = `seed ${seed}, slice ${difference?.slice}\n${difference?.program}`
    expect(difference?.found, where).toBe(difference?.expected)
  }
  for (const regions of tiers.regions) expect(regions).toBeGreaterThan(PROGRAMS)
})
