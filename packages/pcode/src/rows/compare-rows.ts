import type { RealTest, WordOp } from './ops.ts'
import { added, type Row, type Rows, row } from './row.ts'

type Relation = 'equ' | 'neq' | 'geq' | 'grt' | 'leq' | 'les'
type WordName = `${Relation}${'a' | 'i' | 'b' | 'c' | 'r' | 'm' | 'v'}`
type CompareName = WordName | `${'equ' | 'neq' | 'geq' | 'leq'}${'s' | 't'}`

const RELATIONS: readonly (readonly [Relation, WordOp & RealTest, string])[] = [
  ['equ', 'eq', 'equal'],
  ['neq', 'ne', 'unequal'],
  ['geq', 'ge', 'not less'],
  ['grt', 'gt', 'greater'],
  ['leq', 'le', 'not greater'],
  ['les', 'lt', 'less'],
]

function relations(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const [name, op, prose] of RELATIONS) {
    for (const key of ['a', 'i', 'b', 'c']) {
      rows[name + key] = row('', 'i i -> i', `Whether the first is ${prose}.`, (m, _, a, b) => m.op(op, a, b))
    }
    rows[`${name}r`] = row('', 'r r -> i', `Whether the first real is ${prose}.`, (m, _, a, b) => m.realTest(op, a, b))
    rows[`${name}m`] = row('q:bytes', 'i i -> i', `Whether the first q bytes are ${prose}.`, (m, f, a, b) =>
      m.op(op, m.compareBytes(a, b, m.word(f.q)), m.word(0)),
    )
    rows[`${name}v`] = added(
      '',
      'i i i -> i',
      `Pops a number of bytes; whether the first are ${prose}.`,
      (m, _, a, b, n) => m.op(op, m.compareBytes(a, b, n), m.word(0)),
    )
  }
  return rows
}
function ofSets(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const key of ['s', 't'] as const) {
    const declare = key === 's' ? row : added
    const effect = `${key} ${key} -> i`
    rows[`equ${key}`] = declare('', effect, 'Whether two sets are equal.', (m, _, a, b) => m.setEqual(a, b))
    rows[`neq${key}`] = declare('', effect, 'Whether two sets are unequal.', (m, _, a, b) => m.isZero(m.setEqual(a, b)))
    rows[`leq${key}`] = declare('', effect, 'Whether the first set is in the second.', (m, _, a, b) =>
      m.setWithin(a, b),
    )
    rows[`geq${key}`] = declare('', effect, 'Whether the second set is in the first.', (m, _, a, b) =>
      m.setWithin(b, a),
    )
  }
  return rows
}

/** Comparisons; those of bytes are of strings (ISO 7185 6.7.2.5). */
export const compareRows: Rows<CompareName> = { ...relations(), ...ofSets() } as Rows<CompareName>
