import { FlatMemory, TimerQueue } from '@doppel/base'
import { expect, test } from 'vitest'
import { type FaultEvent, type FaultRates, Faults } from './faults.ts'
import { InstructionClock } from './instruction-clock.ts'

const OPPORTUNITIES = 20_000

function setUp(rates: FaultRates, seed = 1) {
  const clock = new InstructionClock()
  const timers = new TimerQueue(clock)
  const memory = new FlatMemory(0x8000_0000, 4096)
  const told: FaultEvent[] = []
  const position = (): Pick<FaultEvent, 'instructions' | 'atNs'> => ({ instructions: 7n, atNs: clock.monotonicNs() })
  const faults = new Faults(seed, rates, { clock, timers, memory, position }, event => told.push(event))
  return { clock, timers, memory, told, faults }
}
const struck = (faults: Faults, kind: 'disk-error' | 'torn-write'): number[] =>
  Array.from({ length: OPPORTUNITIES }, (_, i) => (faults.strikes(kind) === undefined ? -1 : i)).filter(i => i >= 0)

test('one in so many opportunities is struck, which ones being a function of the seed', () => {
  const found = struck(setUp({ 'disk-error': { oneIn: 20 } }).faults, 'disk-error')
  // Four standard deviations of a binomial distribution around its mean.
  expect(Math.abs(found.length - OPPORTUNITIES / 20)).toBeLessThan(4 * Math.sqrt(OPPORTUNITIES / 20))
  expect(struck(setUp({ 'disk-error': { oneIn: 20 } }).faults, 'disk-error')).toEqual(found)
  expect(struck(setUp({ 'disk-error': { oneIn: 20 } }, 2).faults, 'disk-error')).not.toEqual(found)
  expect(struck(setUp({ 'disk-error': { oneIn: 1 } }).faults, 'disk-error').length).toBe(OPPORTUNITIES)
  expect(struck(setUp({}).faults, 'disk-error')).toEqual([])
})

test('kinds do not disturb one another', () => {
  const alone = setUp({ 'torn-write': { oneIn: 20 } }).faults
  const among = setUp({ 'torn-write': { oneIn: 20 }, 'disk-error': { oneIn: 3 }, 'bit-flip': { oneIn: 10 } }).faults
  among.beforeTurn(1000n)
  struck(among, 'disk-error')
  expect(struck(among, 'torn-write')).toEqual(struck(alone, 'torn-write'))
})

test('a bit of RAM is another one, again and again, and each time it is told', () => {
  const { memory, told, faults } = setUp({ 'bit-flip': { oneIn: 1000 } })
  const before = memory.bytes.slice()
  for (let at = 0n; at < 10_000n; at += 100n) faults.beforeTurn(at)
  const bits = memory.bytes.reduce((sum, byte, i) => sum + ((byte ^ (before[i] as number)) === 0 ? 0 : 1), 0)
  expect(bits).toBeGreaterThan(3)
  expect(told.filter(({ kind }) => kind === 'bit-flip').length).toBeGreaterThanOrEqual(bits)
})

test('the time jumps, by no more than was said', () => {
  const { clock, told, faults } = setUp({ 'clock-jump': { oneIn: 10, mostNs: 500 } })
  let last = 0
  for (let at = 0n; at < 1000n; at += 10n) {
    faults.beforeTurn(at)
    expect(clock.monotonicNs() - last).toBeLessThanOrEqual(500)
    last = clock.monotonicNs()
  }
  expect(last).toBeGreaterThan(0)
  expect(told.length).toBeGreaterThan(10)
})

test('an interrupt comes later, unless its device takes it back; one that is there stays', () => {
  const { clock, timers, told, faults } = setUp({ 'irq-delay': { oneIn: 1, mostNs: 1000 } })
  let level = false
  const wire = faults.wire({ set: next => void (level = next) })
  wire.set(true)
  wire.set(true)
  expect([level, told.length]).toEqual([false, 1])
  clock.skip(1001)
  timers.runDue()
  expect(level).toBe(true)
  wire.set(false)
  expect(level).toBe(false)
  wire.set(true)
  wire.set(false)
  clock.skip(1001)
  timers.runDue()
  expect(level).toBe(false)
})

test('what is brought back is struck again as before, but told once', () => {
  const { told, faults } = setUp({ 'disk-error': { oneIn: 3 }, 'bit-flip': { oneIn: 100 } })
  const saved = structuredClone(faults.save())
  const first = struck(faults, 'disk-error')
  faults.tell('disk-error', 'x')
  faults.restore(saved)
  expect(struck(faults, 'disk-error')).toEqual(first)
  faults.tell('disk-error', 'x')
  faults.tell('disk-error', 'y')
  expect(told.map(({ what }) => what)).toEqual(['x', 'y'])
})

test('an interrupt that is on its way when a moment is kept is on its way there again', () => {
  const { clock, timers, told, faults } = setUp({ 'irq-delay': { oneIn: 1, mostNs: 1000 } })
  let level = false
  const wire = faults.wire({ set: next => void (level = next) })
  wire.set(true)
  const [saved, armed, atNs] = [faults.save(), timers.save(), clock.monotonicNs()]
  clock.skip(1001)
  timers.runDue()
  expect(level).toBe(true)
  // As a machine that goes back does: its devices set their wires, then timers are what they were.
  clock.set(atNs)
  faults.quietly(armed, () => wire.set(true))
  timers.restore(armed)
  faults.restore(saved)
  expect([level, told.length]).toEqual([false, 1])
  clock.skip(1001)
  timers.runDue()
  expect(level).toBe(true)
})
