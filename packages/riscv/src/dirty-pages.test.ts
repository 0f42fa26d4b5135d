import { seededEntropy } from '@doppel/base'
import { expect, test } from 'vitest'
import { machineWith, RAM, TIERS } from '../test/machines.ts'

const PAGE = 4096
const PAGES = 64
const DATA = RAM + 0x10000
const FIRST = (DATA - RAM) / PAGE

/** Stores of every kind at pages that a xorshift picks, for ever. */
const STORES = `
  loop: slli t0, s0, 13
  xor s0, s0, t0
  srli t0, s0, 7
  xor s0, s0, t0
  slli t0, s0, 17
  xor s0, s0, t0
  andi t1, s0, 63
  slli t1, t1, 12
  add t1, t1, a0
  sd s0, 8(t1)
  andi t2, s0, 1
  beqz t2, odd
  amoadd.d t3, s0, (t1)
  sb s0, 100(t1)
  j loop
  odd: addi t4, t1, 0x7f0
  addi t4, t4, 0x7f0
  sd s0, 28(t4)
  j loop`

test.each(TIERS)('%s: every page that the guest has changed since the last look is told', (_, after) => {
  const { cpu, hart } = machineWith(STORES, after)
  hart.setX(10, BigInt(DATA))
  hart.setX(8, 88172645463325252n)
  const random = seededEntropy(3n)
  const pick = new Uint8Array(1)
  const before = new Uint8Array((PAGES + 1) * PAGE)
  const now = new Uint8Array(before.length)
  cpu.memory.read(DATA, before)
  cpu.engine.takeDirty()
  let [told, changed] = [0, 0]
  for (let round = 0; round < 60; round++) {
    random.fill(pick)
    hart.run((pick[0] ?? 0) * (round % 5) + 1)
    const dirty = new Set(cpu.engine.takeDirty())
    cpu.memory.read(DATA, now)
    for (let page = 0; page <= PAGES; page++) {
      const [from, to] = [page * PAGE, (page + 1) * PAGE]
      const isChanged = now.subarray(from, to).some((byte, i) => byte !== before[from + i])
      if (isChanged) expect([...dirty]).toContain(FIRST + page)
      if (isChanged) changed++
    }
    told += dirty.size
    before.set(now)
  }
  expect(changed).toBeGreaterThan(100)
  // One that was only made writable before, and not written since, is not told: what is told is little more than what changed.
  expect(told).toBeLessThan(2 * changed)
})

test('what devices write, what page-table walks mark, and what is given back is told too', () => {
  const { cpu, hart } = machineWith('sd s0, 0(a0)', 0)
  cpu.engine.takeDirty()
  cpu.memory.write(DATA + PAGE - 1, Uint8Array.of(1, 2))
  expect(cpu.engine.takeDirty()).toEqual([FIRST, FIRST + 1])
  cpu.engine.releasePages(FIRST + 1, 1)
  expect(cpu.engine.takeDirty()).toEqual([FIRST + 1])
  expect(cpu.engine.takeDirty()).toEqual([])

  // Sv39: one gigabyte page for RAM, not yet accessed, in a root table at DATA (Priv. §"Sv39").
  const pte = new Uint8Array(8)
  new DataView(pte.buffer).setBigUint64(0, (BigInt(RAM >>> 12) << 10n) | 0xfn, true)
  cpu.memory.write(DATA + 8 * (RAM / 2 ** 30), pte)
  hart.writeCsr('menvcfg', 1n << 61n)
  hart.writeCsr('satp', (8n << 60n) | BigInt(DATA / PAGE))
  hart.writeCsr('pmpaddr0', (1n << 54n) - 1n)
  hart.writeCsr('pmpcfg0', 0x1fn)
  // Data accesses as of S-mode (MPRV, MPP).
  hart.writeCsr('mstatus', (1n << 17n) | (1n << 11n))
  hart.setX(10, BigInt(DATA + 4 * PAGE))
  cpu.engine.takeDirty()
  hart.run(1)
  expect(cpu.engine.takeDirty()).toEqual([FIRST, FIRST + 4])
})
