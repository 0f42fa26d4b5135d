import { SymbolTable } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { machineWith, RAM, type TestMachine } from '../test/machines.ts'
import { type StackFrame, unwind } from './unwind.ts'
import { HartView } from './view.ts'

/** A stack at the end of the first 64 KiB; `hang` never ends. Returns are written as compilers place them. */
const PROGRAM = `
start: lui sp, 0x80010
  addi s0, zero, 0
  jal ra, outer
  j start
outer: addi sp, sp, -32
  sd ra, 24(sp)
  sd s0, 16(sp)
  addi s0, sp, 32
  beqz a1, early
  addi sp, sp, -64
  jal ra, middle
  addi sp, s0, -32
early: ld ra, 24(sp)
  ld s0, 16(sp)
  addi sp, sp, 32
  ret
middle: addi sp, sp, -16
  sd ra, 8(sp)
  bnez a1, deeper
  ld ra, 8(sp)
  addi sp, sp, 16
  ret
deeper: jal ra, leaf
leaf: addi a0, a0, 1
hang: j hang`
const FUNCTIONS = ['start', 'outer', 'middle', 'leaf']

function hung(): TestMachine & { readonly table: SymbolTable } {
  const machine = machineWith(PROGRAM, 0)
  // lui sign-extends; RAM is where the low half says.
  machine.hart.setX(11, 1n)
  const symbols = FUNCTIONS.map(name => ({
    name,
    address: BigInt(machine.symbols.get(name) ?? 0),
    sizeBytes: 0n,
    isCode: true,
  }))
  machine.hart.run(2)
  machine.hart.setX(2, BigInt(RAM + 0x1_0000))
  machine.hart.run(100)
  return { ...machine, table: new SymbolTable(symbols) }
}
const view = ({ cpu, hart }: TestMachine): HartView => new HartView(cpu, hart)
const named = (table: SymbolTable, frames: readonly StackFrame[]): string[] =>
  frames.map(({ pc, source }, i) => `${table.at(i === 0 ? pc : pc - 1n)?.name} ${source}`)

test('a hart that hangs is in the calls that lead there, frame pointer or not', () => {
  const machine = hung()
  const frames = unwind(view(machine), machine.table)
  // The call of leaf is the last instruction of middle, so that it returns into leaf itself.
  expect(named(machine.table, frames)).toEqual(['leaf pc', 'middle saved', 'outer saved', 'start saved'])
  expect(frames[2]?.pc).toBe(BigInt(machine.symbols.get('early') ?? 0) - 4n)
})

test('before a function has saved anything, and while it returns, its caller is found', () => {
  const machine = machineWith(PROGRAM, 0)
  const { table } = hung()
  machine.hart.run(2)
  machine.hart.setX(2, BigInt(RAM + 0x1_0000))
  // a1 is 0: outer returns early. At each of its instructions its caller is start.
  const seen = Array.from({ length: 9 }, () => {
    machine.hart.run(1)
    return named(table, unwind(view(machine), table)).join(', ')
  })
  expect(new Set(seen)).toEqual(new Set(['outer pc, start saved']))
})

test('without names frame pointers lead on, and what cannot be certain says so', () => {
  const machine = hung()
  const { hart, table } = machine
  expect(unwind(view(machine), { at: () => undefined }).map(({ source }) => source)).toEqual(['pc', 'frame pointer'])
  // No frame pointer: whatever lies in the stack and follows a call.
  hart.setX(8, 0n)
  const known = { at: (address: bigint) => (address === hart.pc ? undefined : table.at(address)) }
  const guessed = unwind(view(machine), known)
  expect(guessed.map(({ source }) => source)).toEqual(['pc', 'guess', 'guess', 'guess'])
})

test('looking changes nothing of the guest', () => {
  const machine = hung()
  const { frames } = machine.cpu.engine
  const touched = frames.touchedBytes
  machine.hart.setX(2, BigInt(RAM + 0x8_0000))
  unwind(view(machine), machine.table)
  expect(frames.touchedBytes).toBe(touched)
})

test('whatever is in registers and stack, the stack ends', () => {
  const machine = hung()
  const value = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.integer({ min: RAM, max: RAM + 0x1_1000 }).map(BigInt),
  )
  fc.assert(
    fc.property(value, value, value, fc.uint8Array({ minLength: 512, maxLength: 512 }), (sp, fp, ra, stack) => {
      machine.cpu.memory.write(RAM + 0x1_0000 - 512, stack)
      for (const [register, it] of [
        [2, sp],
        [8, fp],
        [1, ra],
      ] as const)
        machine.hart.setX(register, it)
      const frames = unwind(view(machine), machine.table)
      expect(frames.length).toBeGreaterThan(0)
      expect(frames.length).toBeLessThan(200)
    }),
    { numRuns: 500 },
  )
})
