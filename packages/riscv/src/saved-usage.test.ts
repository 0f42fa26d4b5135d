import { decodeUsages, encodeUsages, isaUsage } from '@doppel/engine'
import { expect, test } from 'vitest'
import { riscvIsa } from './isa.ts'
import { CONTEXTS, STATE } from './state.ts'

test('what rows use is the same once it has been kept', () => {
  const usages = isaUsage(riscvIsa(CONTEXTS))
  const again = decodeUsages(encodeUsages(usages, STATE.files), STATE.files)
  expect(again).toEqual(usages)
  // Not only alike: register files are told apart by what they are.
  for (const [i, usage] of again.entries()) {
    const [expected, found] = [usages[i]?.writes ?? [], usage.writes]
    expect(found.map(({ file }) => Object.values(STATE.files).indexOf(file))).toEqual(
      expected.map(({ file }) => Object.values<unknown>(STATE.files).indexOf(file)),
    )
  }
})
