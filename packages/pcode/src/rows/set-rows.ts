import type { Ops, SetKind, SetOp } from './ops.ts'
import { added, type Row, type Rows, row } from './row.ts'

type SetName =
  | 'sgs'
  | 'rgs'
  | 'uni'
  | 'int'
  | 'dif'
  | 'inn'
  | 'sgst'
  | 'rgst'
  | 'unit'
  | 'intt'
  | 'dift'
  | 'innt'
  | 'wdn'
  | 'nrw'

/** The greatest element of each kind. */
const GREATEST: Readonly<Record<SetKind, number>> = { s: 255, t: 63 }

function checkElement<V>(m: Ops<V>, kind: SetKind, element: V): void {
  const [low, high] = m.bounds(element)
  const greatest = GREATEST[kind]
  if (low >= 0 && high <= greatest) return
  m.trapIf(m.op('ltU', m.word(greatest), element), 'setRange', element, m.word(0), m.word(greatest))
}

function ofKind(kind: SetKind): Record<'sgs' | 'rgs' | SetOp | 'inn', Row> {
  const declare = kind === 's' ? row : added
  const two = (op: SetOp, prose: string): Row =>
    declare('', `${kind} ${kind} -> ${kind}`, prose, (m, _, a, b) => m.setOp(op, a, b))
  return {
    sgs: declare('', `i -> ${kind}`, 'The set of one element.', (m, _, a) => {
      const element = m.once(a)
      checkElement(m, kind, element)
      return m.setRange(kind, element, element)
    }),
    rgs: declare('', `i i -> ${kind}`, 'The set of a range; empty when it ends before it begins.', (m, _, a, b) => {
      const [low, high] = [m.once(a), m.once(b)]
      const empty = m.once(m.op('gt', low, high))
      const [from, to] = [m.once(m.choose(empty, m.word(1), low)), m.once(m.choose(empty, m.word(0), high))]
      checkElement(m, kind, from)
      checkElement(m, kind, to)
      return m.setRange(kind, from, to)
    }),
    union: two('union', 'The union of two sets.'),
    intersection: two('intersection', 'What two sets have in common.'),
    difference: two('difference', 'What the first set has and the second has not.'),
    inn: declare('', `i ${kind} -> i`, 'Whether a value is in a set.', (m, _, a, set) => m.setHas(set, a)),
  }
}
const wide = ofKind('s')
const small = ofKind('t')

/** Sets of 0..255, and of 0..63. */
export const setRows: Rows<SetName> = {
  sgs: wide.sgs,
  rgs: wide.rgs,
  uni: wide.union,
  int: wide.intersection,
  dif: wide.difference,
  inn: wide.inn,
  sgst: small.sgs,
  rgst: small.rgs,
  unit: small.union,
  intt: small.intersection,
  dift: small.difference,
  innt: small.inn,
  wdn: added('', 't -> s', 'A small set as a set of 0..255.', (m, _, a) => m.widened(a)),
  nrw: added('', 's -> t', 'Traps unless a set is of 0..63, and makes it a small one.', (m, _, a) => {
    const set = m.once(a)
    m.trapIf(
      m.isZero(m.setWithin(set, m.setRange('s', m.word(0), m.word(63)))),
      'range',
      m.word(-1),
      m.word(0),
      m.word(63),
    )
    return m.narrowed(set)
  }),
}
