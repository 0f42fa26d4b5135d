import { loadLong, MAX_LONG_DIGITS, storeLong } from '../machine/long-integers.ts'
import { padded } from '../machine/number-text.ts'
import { Problem } from '../machine/problem.ts'
import { readLong } from '../machine/read-number.ts'
import { type StandardRow, served, waiting } from './standard-row.ts'

type LongName = 'lgi' | 'lga' | 'lgs' | 'lgm' | 'lgd' | 'lgn' | 'lgc' | 'lgt' | 'lgx' | 'lgv' | 'rdl' | 'wrl'

const MAX_INT = 2_147_483_647n

function binary(prose: string, compute: (x: bigint, y: bigint) => bigint): StandardRow {
  return served('i i i -> i', `${prose}, in room of its own.`, ({ memory }, to, a, b) => {
    storeLong(memory, to, compute(loadLong(memory, a), loadLong(memory, b)))
    return to
  })
}
function quotient(x: bigint, y: bigint): bigint {
  if (y === 0n) throw new Problem('division')
  return x / y
}

/** Procedures on long integers, which are on the stack as their addresses (UCSD Pascal). */
export const longStandard: Readonly<Record<LongName, StandardRow>> = {
  lgi: served('i i -> i', 'Makes an integer a long one, in room of its own.', ({ memory }, to, value) => {
    storeLong(memory, to, BigInt(value))
    return to
  }),
  lga: binary('Adds long integers', (x, y) => x + y),
  lgs: binary('Subtracts long integers', (x, y) => x - y),
  lgm: binary('Multiplies long integers', (x, y) => x * y),
  lgd: binary('Divides long integers, towards zero', quotient),
  lgn: served('i i -> i', 'Negates a long integer, in room of its own.', ({ memory }, to, from) => {
    storeLong(memory, to, -loadLong(memory, from))
    return to
  }),
  lgc: served('i i -> i', 'Compares long integers: less than 0, 0, more than 0.', ({ memory }, a, b) => {
    const [x, y] = [loadLong(memory, a), loadLong(memory, b)]
    return x < y ? -1 : x > y ? 1 : 0
  }),
  lgt: served('i -> i', 'Makes a long integer an integer, which must be near enough to 0.', ({ memory }, from) => {
    const value = loadLong(memory, from)
    if (value > MAX_INT || value < -MAX_INT) throw new Problem('overflow')
    return Number(value)
  }),
  lgx: served(
    'i i i ->',
    'Makes a string of a long integer: which, where to, how long it may be.',
    (rt, from, to, max) => {
      const text = String(loadLong(rt.memory, from))
      if (text.length > max) throw new Problem('stringLength', [text.length, max])
      rt.memory.setByte(to, text.length)
      for (let i = 0; i < text.length; i++) rt.memory.setByte(to + 1 + i, text.charCodeAt(i))
    },
  ),
  lgv: served(
    'i i i ->',
    'Assigns a long integer: where to, where from, how many digits it may have.',
    (rt, to, from, n) => storeLong(rt.memory, to, loadLong(rt.memory, from), within(n)),
  ),
  rdl: waiting(
    'i i i -> i',
    'Reads a long integer to an address: how many digits it may have.',
    function* (rt, f, to, n) {
      storeLong(rt.memory, to, yield* readLong(rt.reading(f)), within(n))
      return f
    },
  ),
  wrl: served('i i i -> i', 'Writes a long integer in a field.', (rt, f, from, width) => {
    const file = rt.writing(f)
    if (width < 1) throw new Problem('width', [width])
    const text = padded(String(loadLong(rt.memory, from)), width)
    for (let i = 0; i < text.length; i++) file.writeByte(text.charCodeAt(i))
    return f
  }),
}

/** Digits as p-code of any origin names them. */
function within(digits: number): number {
  return Math.min(Math.max(digits, 1), MAX_LONG_DIGITS)
}
