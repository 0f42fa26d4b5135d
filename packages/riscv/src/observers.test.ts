import { expect, test } from 'vitest'
import { machineWith, RAM, type TestMachine, TIERS } from '../test/machines.ts'
import type { HartObserver } from './observers.ts'
import { WatchedCode } from './watched-code.ts'

/** Counts, calls, writes to a device, and traps now and then; the handler goes on behind the instruction. */
const PROGRAM = `
start: auipc t0, 0
  addi t0, t0, 60
  csrw mtvec, t0
  lui t1, 0x10000
  again: addi a0, a0, 1
  jal ra, twice
  andi t2, a0, 7
  bnez t2, again
  sw a0, 4(t1)
  lw a2, 0(t1)
  ld a3, 0(zero)
  ebreak
  j again
twice: slli a1, a0, 1
  ret


handler: csrr t3, mepc
  addi t3, t3, 4
  csrw mepc, t3
  mret`

/** Runs so many instructions in slices of different lengths; what is told, and the machine. */
function observed(
  heat: number,
  observer: (told: string[], machine: TestMachine) => HartObserver,
  slices: number[],
): { told: string[] } & TestMachine {
  const machine = machineWith(PROGRAM, heat)
  // The handler is where mtvec will point.
  expect(machine.symbols.get('handler')).toBe(BigInt(RAM + 60))
  const told: string[] = []
  const end = machine.cpu.observers.add(observer(told, machine))
  for (const slice of slices) machine.hart.run(slice)
  end()
  return { ...machine, told }
}
const SLICES = [1, 7, 100, 3, 1000, 250]
const ALL = SLICES.reduce((sum, slice) => sum + slice)
const offset = (pc: bigint): number => Number(pc) - RAM

/** What the machine is after the same slices when nobody looks on. */
function alone(heat: number): readonly unknown[] {
  const { hart } = observed(heat, () => ({}), SLICES)
  return [hart.retired, hart.pc, hart.x(10), hart.x(11), hart.readCsr('mcause')]
}

test.each(TIERS)('each instruction is told of once, before it runs, and in order (%s)', (_name, heat) => {
  const { hart, told } = observed(
    heat,
    list => ({ instruction: h => list.push(`${h.retired} ${offset(h.pc)}`) }),
    SLICES,
  )
  expect([hart.retired, hart.pc, hart.x(10), hart.x(11), hart.readCsr('mcause')]).toEqual(alone(heat))
  // The judge runs one instruction at a time; those that trap retire nothing, and are told of beside the handler's first.
  const judge = machineWith(PROGRAM, 0)
  const expected: string[] = []
  const trapping = new Set([40, 44])
  while (judge.hart.retired < BigInt(ALL)) {
    expected.push(`${judge.hart.retired} ${offset(judge.hart.pc)}`)
    if (trapping.has(offset(judge.hart.pc))) expected.push(`${judge.hart.retired} 60`)
    judge.hart.run(1)
  }
  expect(told).toEqual(expected)
})

test.each(TIERS)('traps, returns and device accesses are told of with their values (%s)', (_name, heat) => {
  const { told } = observed(
    heat,
    list => ({
      trap: (h, { cause, isInterrupt, value }) => list.push(`trap ${offset(h.pc)} ${cause} ${isInterrupt} ${value}`),
      returned: h => list.push(`to ${offset(h.pc)}`),
      device: (h, { gpa, widthBytes, value, isWrite }) =>
        list.push(`${isWrite ? 'write' : 'read'} ${offset(h.pc)} ${gpa} ${widthBytes} ${value}`),
    }),
    [75],
  )
  const base = 0x1000_0000
  const breaks = [`trap 44 3 false ${RAM + 44}`, 'to 48']
  expect(told).toEqual([
    `write 32 ${base + 4} 4 8`,
    `read 36 ${base} 4 0`,
    'read 40 0 8 undefined',
    'trap 40 5 false 0',
    'to 44',
    ...breaks,
  ])
})

test.each(TIERS)('watched code is told of wherever it runs, and no other (%s)', (_name, heat) => {
  const range = { start: BigInt(RAM + 52), end: BigInt(RAM + 60) }
  const { hart, told } = observed(
    heat,
    list => ({ code: new WatchedCode([range], h => list.push(`${offset(h.pc)} ${h.x(10)}`)) }),
    SLICES,
  )
  expect([hart.retired, hart.pc, hart.x(10), hart.x(11), hart.readCsr('mcause')]).toEqual(alone(heat))
  const calls = Number(hart.x(10))
  expect(told.slice(0, 4)).toEqual(['52 1', '56 1', '52 2', '56 2'])
  expect(told.length).toBeGreaterThanOrEqual(2 * (calls - 1))
  // Hot code is translated again once nobody watches it.
  hart.run(2000)
  expect(told.length).toBeLessThanOrEqual(2 * calls)
})

test.each(TIERS)('samples are taken after exactly so many instructions, whatever the slices (%s)', (_name, heat) => {
  const { hart, told } = observed(
    heat,
    list => ({ sample: { every: 50, take: h => list.push(`${h.retired} ${h.pc} ${h.x(10)}`) } }),
    SLICES,
  )
  expect([hart.retired, hart.pc, hart.x(10), hart.x(11), hart.readCsr('mcause')]).toEqual(alone(heat))
  const judge = machineWith(PROGRAM, 0)
  const expected = Array.from({ length: Math.floor(ALL / 50) }, () => {
    judge.hart.run(50)
    return `${judge.hart.retired} ${judge.hart.pc} ${judge.hart.x(10)}`
  })
  expect(told).toEqual(expected)
})

test('several may look on, each at what it wants', () => {
  const machine = machineWith(PROGRAM, 0)
  const counts = { first: 0, second: 0 }
  const { observers } = machine.cpu
  const endFirst = observers.add({ trap: () => void counts.first++ })
  observers.add({ trap: () => void counts.second++ })
  machine.hart.run(60)
  endFirst()
  machine.hart.run(60)
  expect(counts).toEqual({ first: 2, second: 4 })
})
