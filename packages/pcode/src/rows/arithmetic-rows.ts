import type { Ops, RealFunction, RealOp, WordOp } from './ops.ts'
import { added, type Row, type Rows, row } from './row.ts'

type ArithmeticName =
  | 'adi'
  | 'sbi'
  | 'mpi'
  | 'dvi'
  | 'mod'
  | 'ngi'
  | 'abi'
  | 'sqi'
  | 'odd'
  | 'and'
  | 'ior'
  | 'not'
  | 'xor'
  | 'shl'
  | 'shr'
  | 'adr'
  | 'sbr'
  | 'mpr'
  | 'dvr'
  | 'ngr'
  | 'abr'
  | 'sqr'
  | 'flt'
  | 'flo'
  | 'trc'
  | 'rnd'
  | 'chr'
  | `${'inc' | 'dec' | 'ord'}${'i' | 'b' | 'c' | 'x'}`

const MAX_INT = 0x7fff_ffff
/** Reals from here on are beyond maxint whichever way they are made whole. */
const TRUNC_LIMIT = 2 ** 31
const ROUND_LIMIT = MAX_INT + 0.5

const bits = (op: WordOp, prose: string, declare = added): Row =>
  declare('', 'i i -> i', prose, (m, _, a, b) => m.op(op, a, b))
const reals = (op: RealOp, prose: string): Row => row('', 'r r -> r', prose, (m, _, a, b) => m.realOp(op, a, b))
const ofReal = (fn: RealFunction, prose: string): Row => row('', 'r -> r', prose, (m, _, a) => m.realFunction(fn, a))
const unchanged = (prose: string): Row => row('', 'i -> i', prose, (_m, _, a) => a)

/** A real made whole, once it is known to lie strictly between -limit and limit. */
function wholeWithin<V>(m: Ops<V>, real: V, limit: number): V {
  const magnitude = m.realFunction('abs', real)
  // Written so that what is not a number is refused too.
  m.trapIf(m.isZero(m.realTest('lt', magnitude, m.realNumber(limit))), 'conversion', real)
  return real
}

function stepped(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const key of ['i', 'b', 'c', 'x']) {
    rows[`inc${key}`] = row('q:number', 'i -> i', 'Adds q.', (m, f, a) => m.checked('add', a, m.word(f.q)))
    rows[`dec${key}`] = row('q:number', 'i -> i', 'Takes q away.', (m, f, a) => m.checked('sub', a, m.word(f.q)))
    rows[`ord${key}`] = unchanged('The ordinal number, which is the value itself.')
  }
  return rows
}

/** Arithmetic on words and reals. */
export const arithmeticRows: Rows<ArithmeticName> = {
  ...(stepped() as Rows<`${'inc' | 'dec' | 'ord'}${'i' | 'b' | 'c' | 'x'}`>),
  adi: row('', 'i i -> i', 'Adds.', (m, _, a, b) => m.checked('add', a, b)),
  sbi: row('', 'i i -> i', 'Subtracts.', (m, _, a, b) => m.checked('sub', a, b)),
  mpi: row('', 'i i -> i', 'Multiplies.', (m, _, a, b) => m.checked('mul', a, b)),
  dvi: row('', 'i i -> i', 'Divides, towards zero (ISO 7185 6.7.2.2).', (m, _, a, b) => {
    const divisor = m.once(b)
    m.trapIf(m.isZero(divisor), 'division')
    return m.op('div', a, divisor)
  }),
  mod: row('', 'i i -> i', 'The remainder in 0..divisor-1; the divisor is positive (6.7.2.2).', (m, _, a, b) => {
    const divisor = m.once(b)
    m.trapIf(m.op('le', divisor, m.word(0)), 'modulus', divisor)
    const [low] = m.bounds(a)
    const rest = m.once(m.op('rem', a, divisor))
    if (low >= 0) return m.bounded(rest, 0, MAX_INT)
    const lifted = m.op('add', rest, m.op('and', m.op('shr', rest, m.word(31)), divisor))
    return m.bounded(lifted, 0, MAX_INT)
  }),
  ngi: row('', 'i -> i', 'Negates.', (m, _, a) => m.checked('sub', m.word(0), a)),
  abi: row('', 'i -> i', 'The absolute value.', (m, _, a) => {
    const value = m.once(a)
    const negated = m.once(m.checked('sub', m.word(0), value))
    return m.choose(m.op('lt', value, m.word(0)), negated, value)
  }),
  sqi: row('', 'i -> i', 'The square.', (m, _, a) => {
    const value = m.once(a)
    return m.checked('mul', value, value)
  }),
  odd: row('', 'i -> i', 'Whether a number is odd.', (m, _, a) => m.op('and', a, m.word(1))),
  and: bits('and', 'Both; also bit by bit.', row),
  ior: bits('or', 'Either; also bit by bit.', row),
  not: row('', 'i -> i', 'Not.', (m, _, a) => m.isZero(a)),
  xor: bits('xor', 'Bits of one or the other, not both.'),
  shl: bits('shl', 'Shifts to the left.'),
  shr: bits('shr', 'Shifts to the right, keeping the sign.'),
  adr: reals('add', 'Adds reals.'),
  sbr: reals('sub', 'Subtracts reals.'),
  mpr: reals('mul', 'Multiplies reals.'),
  dvr: row('', 'r r -> r', 'Divides reals (6.7.2.2).', (m, _, a, b) => {
    const divisor = m.once(b)
    m.trapIf(m.realTest('eq', divisor, m.realNumber(0)), 'division')
    return m.realOp('div', a, divisor)
  }),
  ngr: ofReal('neg', 'Negates a real.'),
  abr: ofReal('abs', 'The absolute value of a real.'),
  sqr: row('', 'r -> r', 'The square of a real.', (m, _, a) => {
    const value = m.once(a)
    return m.realOp('mul', value, value)
  }),
  flt: row('', 'i -> r', 'Makes an integer a real.', (m, _, a) => m.toReal(a)),
  flo: row('', 'i r -> r r', 'Makes the integer under a real a real.', (m, _, a, b) => [m.toReal(a), b]),
  trc: row('', 'r -> i', 'trunc (6.6.6.3).', (m, _, a) =>
    m.truncated(wholeWithin(m, m.once(m.realFunction('trunc', a)), TRUNC_LIMIT)),
  ),
  rnd: row('', 'r -> i', 'round: half away from zero (6.6.6.3).', (m, _, a) => {
    const value = m.once(wholeWithin(m, m.once(a), ROUND_LIMIT))
    const half = m.chooseReal(m.realTest('lt', value, m.realNumber(0)), m.realNumber(-0.5), m.realNumber(0.5))
    return m.truncated(m.realOp('add', value, half))
  }),
  chr: unchanged('The character of an ordinal number.'),
}
