import type { Cause } from '../machine/causes.ts'
import { UNDEFINED_WORD } from '../program/program.ts'
import { added, type Row, type Rows, row } from './row.ts'

type CheckName =
  | `chk${'a' | 'b' | 'c' | 'i' | 'x' | 's' | 't' | 'v'}`
  | 'ckla'
  | 'ckdi'
  | 'ckda'
  | 'ckdx'
  | 'ckdr'
  | 'cks'
  | 'cke'
  | `ckv${'i' | 'b' | 'c' | 'x'}`
  | 'csv'
  | 'ujc'

function ranges(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const key of ['b', 'c', 'i', 'x']) {
    rows[`chk${key}`] = row('p:number q:number', 'i -> i', 'Traps unless the value is in p..q.', (m, f, a) => {
      const [low, high] = m.bounds(a)
      if (low >= f.p && high <= f.q) return a
      const value = m.once(a)
      const below = m.op('sub', value, m.word(f.p))
      m.trapIf(m.op('ltU', m.word((f.q - f.p) | 0), below), 'range', value, m.word(f.p), m.word(f.q))
      return m.bounded(value, f.p, f.q)
    })
    rows[`ckv${key}`] = row(
      'q:number',
      'i i -> i i',
      'Ors whether a tag is q to what is known of it.',
      (m, f, tag, known) => {
        const value = m.once(tag)
        return [value, m.op('or', known, m.op('eq', value, m.word(f.q)))]
      },
    )
  }
  return rows
}
const undefinedWord = (cause: Cause): Row =>
  added('', 'i -> i', 'Traps if the word is undefined.', (m, _, a) => {
    const value = m.once(a)
    m.trapIf(m.op('eq', value, m.word(UNDEFINED_WORD)), cause)
    return value
  })

/** Checks. */
export const checkRows: Rows<CheckName> = {
  ...(ranges() as Rows<`${'chk' | 'ckv'}${'b' | 'c' | 'i' | 'x'}`>),
  chka: row('q:number', 'i -> i', 'Traps unless a pointer is live; with q = 0 it may be nil.', (m, f, a) =>
    m.checkPointer(a, f.q === 0),
  ),
  ckla: row('q:number', 'i -> i', 'As chka, for a variable that was made with tags.', (m, f, a) =>
    m.checkPointer(a, f.q === 0),
  ),
  chkv: added('', 'i i i -> i', 'Pops bounds; traps unless the value under them is within.', (m, _, a, b, c) => {
    const [value, low, high] = [m.once(a), m.once(b), m.once(c)]
    m.trapIf(m.op('or', m.op('lt', value, low), m.op('gt', value, high)), 'range', value, low, high)
    return value
  }),
  chks: row('p:number q:number', 's -> s', 'Traps unless the elements of a set are in p..q.', (m, f, a) => {
    const set = m.once(a)
    m.trapIf(
      m.isZero(m.setWithin(set, m.setRange('s', m.word(f.p), m.word(f.q)))),
      'range',
      m.word(-1),
      m.word(f.p),
      m.word(f.q),
    )
    return set
  }),
  chkt: added('p:number q:number', 't -> t', 'Traps unless the elements of a set are in p..q.', (m, f, a) => {
    const set = m.once(a)
    m.trapIf(
      m.isZero(m.setWithin(set, m.setRange('t', m.word(f.p), m.word(f.q)))),
      'range',
      m.word(-1),
      m.word(f.p),
      m.word(f.q),
    )
    return set
  }),
  ckdi: undefinedWord('undefined'),
  ckda: undefinedWord('pointer'),
  ckdx: added('q:number', 'i -> i', 'Traps if the value is q, which stands for none.', (m, f, a) => {
    const value = m.once(a)
    m.trapIf(m.op('eq', value, m.word(f.q)), 'undefined')
    return value
  }),
  ckdr: added('', 'r -> r', 'Traps if the real is undefined.', (m, _, a) => {
    const value = m.once(a)
    m.trapIf(m.isUndefinedReal(value), 'undefined')
    return value
  }),
  cks: row('', '-> i', 'Begins the check of a variant: nothing known yet.', m => m.word(0)),
  cke: row('', 'i i ->', 'Ends the check of a variant: traps if no tag was right.', (m, _, _tag, known) =>
    m.trapIf(m.isZero(known), 'variant'),
  ),
  csv: added(
    '',
    'i ->',
    'Pops a selector that no case matches, and traps.',
    (m, _, value) => m.trap('caseValue', value),
    {
      ends: true,
    },
  ),
  ujc: row('', '->', 'Traps: no case matches.', m => m.trap('case'), { ends: true }),
}
