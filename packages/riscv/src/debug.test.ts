import type { DebugStop } from '@doppel/base'
import { expect, test } from 'vitest'
import { machineWith, type TestMachine, TIERS } from '../test/machines.ts'
import { RiscvDebug } from './debug.ts'

const PC = 32
const PROGRAM = `
  li a0, 0
  auipc s1, 1
  again: addi a0, a0, 1
  bump: sd a0, 64(s1)
  ld a1, 64(s1)
  j again`

function debugged(heat: number): TestMachine & {
  readonly debug: RiscvDebug
  readonly stops: DebugStop[]
  readonly at: (label: string) => bigint
} {
  const machine = machineWith(PROGRAM, heat)
  const debug = new RiscvDebug(machine.cpu)
  const stops: DebugStop[] = []
  debug.onStop = stop => stops.push(stop)
  const at = (label: string): bigint => BigInt(machine.symbols.get(label) ?? 0)
  return { ...machine, debug, stops, at }
}
const register = (debug: RiscvDebug, number: number): bigint =>
  new DataView((debug.readRegister(0, number) as Uint8Array).slice().buffer).getBigUint64(0, true)

test.each(TIERS)('a breakpoint ends the slice before its instruction, each time it is reached (%s)', (_name, heat) => {
  const { hart, debug, stops, at } = debugged(heat)
  // Code that is hot already is left for it.
  hart.run(200)
  debug.setBreakpoint(0, at('bump'))
  const before = hart.x(10)
  for (const more of [1n, 2n, 3n]) {
    const retired = hart.retired
    expect(hart.run(1000)).toBe('break')
    expect([hart.pc, hart.x(10)]).toEqual([at('bump'), before + more])
    expect(hart.retired - retired).toBeLessThan(5n)
  }
  expect(stops).toEqual([{ thread: 0 }, { thread: 0 }, { thread: 0 }])
  debug.clearBreakpoint(at('bump'))
  hart.run(400)
  expect(hart.x(10)).toBeGreaterThan(before + 90n)
  expect(stops).toHaveLength(3)
})

test.each(TIERS)('steps run one instruction each, from a breakpoint too (%s)', (_name, heat) => {
  const { hart, debug, at } = debugged(heat)
  debug.setBreakpoint(0, at('bump'))
  hart.run(1000)
  const places = Array.from({ length: 5 }, () => {
    const retired = hart.retired
    debug.step(0)
    expect(hart.retired - retired).toBe(1n)
    return hart.pc - at('again')
  })
  expect(places).toEqual([8n, 12n, 0n, 4n, 8n])
})

test.each(TIERS)('a watched access stops before its instruction; stepped over, it is made (%s)', (_name, heat) => {
  const { hart, debug, stops, at } = debugged(heat)
  hart.run(100)
  const where = register(debug, 9) + 64n
  expect(debug.setWatchpoint(0, where, 8, 'write')).toBe(true)
  hart.run(1000)
  expect(stops).toEqual([{ thread: 0, watched: { address: where, kind: 'write' } }])
  expect(hart.pc).toBe(at('bump'))
  const value = debug.readMemory(0, where, 8, false)[0] ?? 0
  debug.step(0)
  expect(debug.readMemory(0, where, 8, false)[0]).toBe(value + 1)
  debug.clearWatchpoint(where, 8, 'write')
  debug.setWatchpoint(0, where + 4n, 4, 'read')
  hart.run(1000)
  expect(stops.at(-1)).toEqual({ thread: 0, watched: { address: where + 4n, kind: 'read' } })
  expect(hart.pc).toBe(at('bump') + 4n)
})

test('registers and memory are as the hart has them, and what is written is what it goes on with', () => {
  const { hart, debug, at } = debugged(1)
  hart.run(100)
  const names = debug.features.flatMap(({ registers }) => registers.map(({ name }) => name))
  expect(debug.writeRegister(0, 10, Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0))).toBe(true)
  expect(hart.x(10)).toBe(256n)
  debug.writeRegister(0, PC, new Uint8Array(new BigUint64Array([at('again')]).buffer))
  debug.step(0)
  expect([hart.x(10), hart.pc]).toEqual([257n, at('bump')])
  expect(register(debug, names.indexOf('mscratch'))).toBe(0n)
  // Floating point is off: its control register may not be read.
  expect(debug.readRegister(0, names.indexOf('fcsr'))).toBeUndefined()
  expect(debug.readRegister(0, names.length)).toBeUndefined()
  expect(debug.writeRegister(0, 10, new Uint8Array(3))).toBe(false)
  expect(debug.readMemory(0, 0x10n, 8, false)).toHaveLength(0)
})

test('code that is written over by the debugger runs as written', () => {
  const { hart, debug, at } = debugged(1)
  hart.run(200)
  // addi a0, a0, 2
  expect(debug.writeMemory(0, at('again'), Uint8Array.of(0x13, 0x05, 0x25, 0x00), false)).toBe(true)
  const before = hart.x(10)
  hart.run(400)
  expect(hart.x(10) - before).toBeGreaterThan(190n)
})
