import { added, type Row, type Rows, row } from './row.ts'
import { Csp } from './standard.ts'

type VariantName = 'pck' | 'upk' | 'cta' | 'ctp' | `cvb${'i' | 'b' | 'c' | 'x'}` | `cvu${'i' | 'x'}`

function forgetting(tagBytes: number): Row {
  return added(
    'p:number q:number r:constant',
    'i i -> i i',
    'Takes its values from a variant of q bytes, p beyond its tag, that storing the tag changes (ISO 7185 6.5.3.3).',
    (m, f, at, value) => {
      const [address, tag] = [m.once(at), m.once(value)]
      const table = m.constantAddress(f.r)
      m.standard(Csp.cvu, [address, tag, m.word(f.p), m.word(f.q), table, m.word(tagBytes)])
      return [address, tag]
    },
    { uses: Csp.cvu },
  )
}

function variantChecks(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const key of ['i', 'b', 'c', 'x']) {
    const tagBytes = key === 'i' ? 4 : 1
    rows[`cvb${key}`] = row(
      'p:number q:number r:constant',
      'i i -> i i',
      'Traps if storing a tag would change a variant of q bytes, p beyond it, that is referred to.',
      (m, f, at, value) => {
        const [address, tag] = [m.once(at), m.once(value)]
        const table = m.constantAddress(f.r)
        m.standard(Csp.cvb, [address, tag, m.word(f.p), m.word(f.q), table, m.word(tagBytes)])
        return [address, tag]
      },
      { uses: Csp.cvb },
    )
  }
  for (const key of ['i', 'x']) rows[`cvu${key}`] = forgetting(key === 'i' ? 4 : 1)
  return rows
}

/** What P5's compiler emits around packed arrays and variants. */
export const variantRows: Rows<VariantName> = {
  ...(variantChecks() as Rows<`cvb${'i' | 'b' | 'c' | 'x'}` | `cvu${'i' | 'x'}`>),
  pck: row(
    'p:bytes q:bytes',
    'i i i ->',
    'pack: p bytes of an array of q bytes (ISO 7185 6.6.5.4).',
    (m, f, from, at, to) => {
      const index = m.once(at)
      m.trapIf(m.op('ltU', m.word(f.q - f.p), index), 'bounds')
      m.move(to, m.op('add', from, index), m.word(f.p))
    },
  ),
  upk: row('p:bytes q:bytes', 'i i i ->', 'unpack: p bytes into an array of q bytes.', (m, f, from, to, at) => {
    const index = m.once(at)
    m.trapIf(m.op('ltU', m.word(f.q - f.p), index), 'bounds')
    m.move(m.op('add', to, index), from, m.word(f.p))
  }),
  cta: row(
    'p:number q:number r:constant',
    'i i -> i i',
    'Traps if storing a tag, p bytes into its record, would change the q-th that the record was made with.',
    (m, f, at, value) => {
      const [address, tag] = [m.once(at), m.once(value)]
      m.standard(Csp.cta, [address, tag, m.word(f.p), m.word(f.q), m.constantAddress(f.r)])
      return [address, tag]
    },
    { uses: Csp.cta },
  ),
  ctp: row(
    '',
    'i -> i',
    'Traps if a record was made with tags.',
    (m, _, at) => {
      const address = m.once(at)
      m.standard(Csp.ctp, [address])
      return address
    },
    { uses: Csp.ctp },
  ),
}
