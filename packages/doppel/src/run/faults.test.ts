import { expect, test } from 'vitest'
import { faultText, readFaults } from './faults.ts'

test('faults are read as kinds, how rare they are, and for how long', () => {
  expect(readFaults('disk-error=1/1000,irq-delay=1/20:5ms,bit-flip=1/2G')).toEqual({
    'disk-error': { oneIn: 1000 },
    'irq-delay': { oneIn: 20, mostNs: 5_000_000 },
    'bit-flip': { oneIn: 2e9 },
  })
})

test.each(['', 'disk-error', 'disk-error=1/0', 'disk-error=2/3', 'disk-error=1/10:5ms', 'fire=1/2', 'irq-delay=1/2:5'])(
  'what is no fault is refused: %j',
  text => {
    expect(() => readFaults(text)).toThrow(expect.objectContaining({ code: 'cli.flag-value' }) as Error)
  },
)

test('a fault is told in a line, with when it was', () => {
  const event = { kind: 'bit-flip', what: 'a bit', instructions: 12n, atNs: 1_500_000 } as const
  expect(faultText(event)).toBe('doppel: bit-flip after 12 instructions, at 0.001500 s: a bit\n')
})
