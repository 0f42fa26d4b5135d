import { describe, expect, test } from 'vitest'
import { installed } from '../src/installed.ts'
import { differencesOf } from '../src/lockstep/differences.ts'
import { runInDoppel, type Tier } from '../src/lockstep/doppel.ts'
import { explain, firstDifference } from '../src/lockstep/explain.ts'
import { generateProgram } from '../src/lockstep/program.ts'
import { runInQemu } from '../src/lockstep/qemu.ts'
import { QEMU } from '../src/lockstep/qemu-version.ts'

// The judge is QEMU: random programs end every block with the same registers, traps and memory there and in both tiers.
// DOPPEL_LOCKSTEP_INSTRUCTIONS and DOPPEL_LOCKSTEP_SEED make it longer, or other.
const INSTRUCTIONS = Number(process.env.DOPPEL_LOCKSTEP_INSTRUCTIONS ?? 1_000_000)
const SEED = BigInt(process.env.DOPPEL_LOCKSTEP_SEED ?? 1)
const BLOCKS = 500
/** Measured over many seeds; what runs between the blocks does not count. */
const INSTRUCTIONS_PER_BLOCK = 375
const PROGRAMS = Math.ceil(INSTRUCTIONS / (BLOCKS * INSTRUCTIONS_PER_BLOCK))
const TIERS: readonly Tier[] = ['interpreter', 'translator']

const reason = installed(QEMU)
describe.skipIf(reason !== undefined)(`lockstep with QEMU${reason ?? ''}`, { timeout: 600_000 }, () => {
  test.each(Array.from({ length: PROGRAMS }, (_, i) => SEED + BigInt(i)))('random program %i', seed => {
    const program = generateProgram(seed, BLOCKS)
    const theirs = runInQemu(program)
    for (const tier of TIERS) {
      const ours = runInDoppel(program, tier)
      const difference = firstDifference(ours.log, theirs.log)
      if (difference) {
        expect.fail(`${tier}, seed ${seed}: ${difference.what}\n${explain(program, difference.block, tier)}`)
      }
      expect([ours.finished, theirs.finished]).toEqual([true, true])
      expect(ours.log.at(-1)).toMatchObject({ kind: 'end', block: BLOCKS - 1 })
    }
  })
})

describe('the comparison itself', () => {
  const program = generateProgram(1n, 30)
  const { log } = runInDoppel(program, 'interpreter')

  test('sees a single changed bit of any register or trap value', () => {
    for (const record of log.slice(0, 40)) {
      for (let i = 0; i < record.values.length; i++) {
        const values = record.values.map((value, at) => (at === i ? value ^ (1n << 33n) : value))
        const found = differencesOf(record, { ...record, values })
        expect(found.length > 0, `value ${i} of ${record.kind}`).toBe(!isTolerated(record, i))
      }
    }
  })

  test('sees a log that ends early', () => {
    expect(firstDifference(log, log.slice(0, -1))?.what).toBe('only doppel went on')
  })

  test('the programs have what they promise', () => {
    const causes = new Set(log.filter(r => r.kind === 'trap').map(r => Number(r.values[2])))
    expect([2, 3, 8, 9, 11, 13, 15].filter(cause => !causes.has(cause))).toEqual([])
  })
})

/** The value after ebreak may be anything. */
function isTolerated(record: { kind: string; values: readonly bigint[] }, index: number): boolean {
  const BREAKPOINT = 3n
  return record.kind === 'trap' && [2, 6].some(cause => record.values[cause] === BREAKPOINT && index === cause + 1)
}
