import { expect, test } from 'vitest'
import { machineWith, RAM } from '../test/machines.ts'

const A0 = 10
/** Loads across a page's end in every round, and stores over code that is run in every `period`th. */
const program = (period: number): string => `
  auipc a2, 2
  addi a2, a2, -4
  auipc a3, 1
  loop: ld a1, 0(a2)
  add a0, a0, a1
  addi a4, a4, 1
  andi a5, a4, ${period - 1}
  bnez a5, skip
  jalr ra, 0(a3)
  skip: j loop
  .org ${RAM + 0x1008}
  lw t0, 16(a3)
  xor t0, t0, t1
  sw t0, 16(a3)
  fence.i
  addi a0, a0, 1
  jalr zero, 0(ra)
`
/** Turns `addi a0, a0, 1` into `addi a0, a0, 2` and back. */
const FLIP = BigInt((1 << 20) | (2 << 20))

function run(period: number, translateAfter: number, instructions: number) {
  const { cpu, hart } = machineWith(program(period), translateAfter)
  cpu.memory.write(RAM + 0x1ffc, new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0]))
  hart.setX(6, FLIP)
  // Slices as a machine has them: what turns patient does so while running.
  for (let left = instructions; left > 0; left -= 5000) hart.run(Math.min(left, 5000))
  return { sum: hart.x(A0), pc: hart.pc, retired: hart.retired, stats: cpu.engine.stats }
}

test('code whose accesses are seldom simple turns patient, and computes the same', () => {
  const judge = run(2048, 0, 60_000)
  const tested = run(2048, 1, 60_000)
  expect([tested.sum, tested.pc, tested.retired]).toEqual([judge.sum, judge.pc, judge.retired])
  expect(tested.stats.patient).toBeGreaterThan(0)
})

test('a guest that rewrites its code all the time computes the same,', () => {
  const judge = run(8, 0, 12_000)
  const tested = run(8, 1, 12_000)
  expect([tested.sum, tested.pc, tested.retired]).toEqual([judge.sum, judge.pc, judge.retired])
  expect(tested.stats.droppedPages).toBeGreaterThan(100)
})
