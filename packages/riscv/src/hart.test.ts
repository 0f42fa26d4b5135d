import { expect, test } from 'vitest'
import { machineWith } from '../test/machines.ts'
import { createRiscvCpu } from './cpu.ts'

const RAM = 0x8000_0000
const makeHart = () => {
  const bus = { read: () => undefined, write: () => false }
  const cpu = createRiscvCpu({ harts: 1, ramBase: RAM, ramBytes: 1 << 20, time: () => 0n, bus }, {})
  const hart = cpu.harts[0]
  if (!hart) throw new Error('no hart')
  return { cpu, hart }
}

test('a guest that traps for ever gives the host its turn back', () => {
  const { hart } = makeHart()
  // No memory at 0, and the trap vector is 0 too.
  hart.start({ pc: 0n, privilege: 3, a0: 0n, a1: 0n })
  expect(hart.run(1000)).toBe('budget')
  expect(hart.retired).toBe(0n)
  expect(hart.readCsr('mcause')).toBe(1n)
})

test('a slice retires exactly its budget', () => {
  const { cpu, hart } = makeHart()
  // addi a0, a0, 1; j .-4
  cpu.memory.write(RAM, new Uint8Array(new Uint32Array([0x00150513, 0xffdff06f]).buffer))
  hart.start({ pc: BigInt(RAM), privilege: 3, a0: 0n, a1: 0n })
  for (const budget of [1, 2, 3, 1000, 100_001]) {
    const before = hart.retired
    expect(hart.run(budget)).toBe('budget')
    expect(hart.retired - before).toBe(BigInt(budget))
  }
  expect(hart.x(10)).toBe((hart.retired + 1n) / 2n)
})

test('an inhibited counter stands still, and goes on from there', () => {
  const { cpu, hart } = makeHart()
  cpu.memory.write(RAM, new Uint8Array(new Uint32Array([0x00150513, 0xffdff06f]).buffer))
  hart.start({ pc: BigInt(RAM), privilege: 3, a0: 0n, a1: 0n })
  hart.run(100)
  hart.writeCsr('mcountinhibit', 4n)
  const frozen = hart.readCsr('minstret')
  hart.run(50)
  expect(hart.readCsr('minstret')).toBe(frozen)
  hart.writeCsr('mcountinhibit', 0n)
  hart.run(7)
  expect(hart.readCsr('minstret')).toBe(frozen + 7n)
})

test.each(['csrrs', 'csrrc'])('%s on mip does not keep a wire that happened to be up', instruction => {
  const { hart } = machineWith(`li a1, 2\n ${instruction} a0, mip, a1\n done: j done`, 0)
  hart.setInterrupt(9, true)
  hart.run(10)
  expect(hart.x(10) & 0x200n).toBe(0x200n)
  hart.setInterrupt(9, false)
  expect(hart.readCsr('mip') & 0x200n).toBe(0n)
})
