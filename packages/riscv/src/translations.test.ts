import { seededEntropy } from '@doppel/base'
import { expect, test } from 'vitest'
import { machineWith } from '../test/machines.ts'

const A0 = 10
/** Sums what it loads and stores, in floating point too; the first instruction says how much a round adds. */
const program = (step: number): string => `
  start: li a3, ${step}
  auipc a2, 1
  fcvt.d.l f1, a3
  loop: add a0, a0, a3
  sd a0, 8(a2)
  ld a1, 8(a2)
  fadd.d f2, f2, f1
  addi a4, a4, 1
  li a5, 100
  bne a4, a5, loop
  done: j done
`
const random = seededEntropy(5n)

function saved(): Uint8Array {
  const { cpu, hart } = machineWith(program(3), 1)
  hart.writeCsr('mstatus', 0x6000n)
  hart.run(2000)
  expect(hart.x(A0)).toBe(300n)
  return cpu.engine.saveTranslations()
}

test('translations of an earlier run are used where the same code is found, and do the same', () => {
  const { cpu, hart } = machineWith(program(3), 1)
  cpu.engine.restoreTranslations(saved())
  hart.writeCsr('mstatus', 0x6000n)
  hart.run(2000)
  expect([hart.x(A0), hart.x(11), hart.f(2)]).toEqual([300n, 300n, 0x4072c00000000000n])
  expect(cpu.engine.stats.reused).toBeGreaterThan(0)
  expect(cpu.engine.stats.regions).toBe(0)
})

test('code that differs in what a region holds is translated anew', () => {
  const { cpu, hart } = machineWith(program(3).replace('addi a4, a4, 1', 'addi a4, a4, 2'), 1)
  cpu.engine.restoreTranslations(saved())
  hart.writeCsr('mstatus', 0x6000n)
  hart.run(2000)
  expect(hart.x(A0)).toBe(150n)
  expect(cpu.engine.stats.regions).toBeGreaterThan(0)
})

test('what is written over reused code is run as written', () => {
  const { cpu, hart } = machineWith('loop: addi a0, a0, 1\n j loop', 1)
  const earlier = machineWith('loop: addi a0, a0, 1\n j loop', 1)
  earlier.hart.run(100)
  cpu.engine.restoreTranslations(earlier.cpu.engine.saveTranslations())
  hart.run(1000)
  expect([hart.x(A0), cpu.engine.stats.reused]).toEqual([500n, 1])
  // addi a0, a0, 2
  cpu.memory.write(0x8000_0000, new Uint8Array(new Uint32Array([0x00250513]).buffer))
  hart.run(1000)
  expect(hart.x(A0)).toBe(1500n)
})

test('a damaged file is as good as none', () => {
  const file = saved()
  const at = new Uint8Array(4)
  for (let i = 0; i < 60; i++) {
    random.fill(at)
    const damaged = file.slice(0, i % 3 === 0 ? file.length - ((at[2] as number) % 64) * 4 : file.length)
    const place = new DataView(at.buffer).getUint32(0) % damaged.length
    damaged[place] = (damaged[place] as number) ^ (1 + ((at[3] as number) % 255))
    const { cpu, hart } = machineWith(program(3), 1)
    cpu.engine.restoreTranslations(damaged)
    hart.writeCsr('mstatus', 0x6000n)
    hart.run(2000)
    expect([hart.x(A0), cpu.engine.stats.reused]).toEqual([300n, 0])
  }
})

test('what a run did not use is kept for the next', () => {
  const { cpu, hart } = machineWith('other: addi a0, a0, 1\n j other', 1)
  cpu.engine.restoreTranslations(saved())
  hart.run(100)
  const next = machineWith(program(3), 1)
  next.cpu.engine.restoreTranslations(cpu.engine.saveTranslations())
  next.hart.writeCsr('mstatus', 0x6000n)
  next.hart.run(2000)
  expect(next.hart.x(A0)).toBe(300n)
  expect(next.cpu.engine.stats.reused).toBeGreaterThan(0)
})
