import { assemble } from '@doppel/engine'
import { describe, expect, test } from 'vitest'
import { RAM, TIERS } from '../test/machines.ts'
import { riscvAssembly } from './assembly.ts'
import { createRiscvCpu, type RiscvCpu } from './cpu.ts'
import type { Hart } from './hart.ts'

const PAGE_BYTES = 4096
/** More pages of code than are kept decoded: see `CODE_PAGES`. */
const PAGES = 2100
const MOST_KEPT = 2000
const A0 = 10

/** A machine whose pages of code each count one up in a0 and go on with the next, the last with the first. */
function pagesOfCode(translateAfter: number): { readonly cpu: RiscvCpu; readonly hart: Hart } {
  const config = { harts: 1, ramBase: RAM, ramBytes: 4096 * PAGE_BYTES, time: () => 0n }
  const cpu = createRiscvCpu({ ...config, bus: { read: () => undefined, write: () => false } }, { translateAfter })
  const hart = cpu.harts[0] as Hart
  const code = (text: string): Uint8Array => assemble(riscvAssembly, text, { origin: BigInt(RAM) }).bytes
  const toNext = code(`addi a0, a0, 1\n j ${RAM + PAGE_BYTES}`)
  for (let page = 0; page < PAGES - 1; page++) cpu.memory.write(RAM + page * PAGE_BYTES, toNext)
  cpu.memory.write(RAM + (PAGES - 1) * PAGE_BYTES, code('addi a0, a0, 1\n jr s0'))
  hart.setX(8, BigInt(RAM))
  hart.start({ pc: BigInt(RAM), privilege: 3, a0: 0n, a1: 0n })
  return { cpu, hart }
}

/** Runs so many instructions: slices end early where many pages are dropped. */
function retire(hart: Hart, instructions: number): void {
  for (const end = hart.retired + BigInt(instructions); hart.retired < end; ) hart.run(Number(end - hart.retired))
}

describe.each(TIERS)('%s', (_tier, translateAfter) => {
  test('a guest that executes more pages than are kept decoded runs on, and no more are kept', () => {
    const { cpu, hart } = pagesOfCode(translateAfter)
    retire(hart, PAGES * 2 * 2)
    expect(hart.x(A0)).toBe(BigInt(PAGES * 2))
    expect([...cpu.engine.cache.allRecords()].length).toBeLessThanOrEqual(MOST_KEPT)
    expect(cpu.engine.stats.droppedPages).toBeGreaterThanOrEqual(PAGES - MOST_KEPT)
  })

  test('code that was dropped for want of room is executed as it is when it comes again', () => {
    const { cpu, hart } = pagesOfCode(translateAfter)
    retire(hart, PAGES * 2)
    // addi a0, a0, 16 in the first page, which has long been dropped.
    cpu.memory.write(RAM, Uint8Array.of(0x13, 0x05, 0x05, 0x01))
    retire(hart, PAGES * 2)
    expect(hart.x(A0)).toBe(BigInt(PAGES * 2 + 15))
  })
})

test('pages with translated code are kept before others', () => {
  const { cpu, hart } = pagesOfCode(3)
  // The first page gets hot, alone.
  const loop = `addi a0, a0, 1\n bltu a0, s1, ${RAM}\n j ${RAM + PAGE_BYTES}`
  cpu.memory.write(RAM, assemble(riscvAssembly, loop, { origin: BigInt(RAM) }).bytes)
  hart.setX(9, 10n)
  retire(hart, 40)
  const [first] = cpu.engine.cache.pagesWithRegions()
  retire(hart, PAGES * 2 - 40)
  expect(cpu.engine.stats.droppedPages).toBeGreaterThan(0)
  expect(cpu.engine.cache.pagesWithRegions().map(({ frame }) => frame)).toContain(first?.frame)
})
