import { NIL, STORAGE, type StorageClass } from '../program/program.ts'
import { added, type Row, type Rows, row } from './row.ts'

/** Loads and stores have a name for each storage class. */
type MemoryName =
  | `${'lod' | 'str' | 'ldo' | 'sro' | 'ind' | 'sto'}${StorageClass}`
  | 'lda'
  | 'lao'
  | 'lca'
  | 'ldci'
  | 'ldcb'
  | 'ldcc'
  | 'ldcn'
  | 'ldcr'
  | 'ldcs'
  | 'ldct'
  | 'ixa'
  | 'inca'
  | 'deca'
  | 'mov'
  | 'mvv'

const CLASS_PROSE: Readonly<Record<StorageClass, string>> = {
  i: 'an integer',
  a: 'an address',
  b: 'a boolean',
  c: 'a character',
  x: 'an integer of 0..255',
  h: 'an integer of 16 bits',
  r: 'a real',
  s: 'a set',
  t: 'a set of 0..63',
}
const ADDED_CLASSES = 'ht'

function forClasses(): Record<string, Row> {
  const rows: Record<string, Row> = {}
  for (const key of Object.keys(STORAGE) as StorageClass[]) {
    const { type } = STORAGE[key]
    const what = CLASS_PROSE[key]
    const declare: typeof row = (operands, effect, prose, run) =>
      (ADDED_CLASSES.includes(key) ? added : row)(operands, effect, prose, run, { storage: key })
    const up = 'p:level q:local'
    rows[`lod${key}`] = declare(up, `-> ${type}`, `Pushes ${what} from a frame.`, (m, f) => m.loadLocal(key, f.p, f.q))
    rows[`str${key}`] = declare(up, `${type} ->`, `Pops ${what} into a frame.`, (m, f, value) =>
      m.storeLocal(key, f.p, f.q, value),
    )
    rows[`ldo${key}`] = declare('q:global', `-> ${type}`, `Pushes ${what} from the globals.`, (m, f) =>
      m.load(key, m.globalAddress(f.q), 0),
    )
    rows[`sro${key}`] = declare('q:global', `${type} ->`, `Pops ${what} into the globals.`, (m, f, value) =>
      m.store(key, m.globalAddress(f.q), 0, value),
    )
    rows[`ind${key}`] = declare(
      'q:bytes',
      `i -> ${type}`,
      `Pops an address, pushes ${what} from q beyond it.`,
      (m, f, a) => m.load(key, a, f.q),
    )
    rows[`sto${key}`] = declare('', `i ${type} ->`, `Pops ${what} and the address to store it at.`, (m, _, a, value) =>
      m.store(key, a, 0, value),
    )
  }
  return rows
}

/** Loads, stores, addresses and constants. */
export const memoryRows: Rows<MemoryName> = {
  ...(forClasses() as Rows<`${'lod' | 'str' | 'ldo' | 'sro' | 'ind' | 'sto'}${StorageClass}`>),
  lda: row('p:level q:local', '-> i', 'Pushes an address in a frame.', (m, f) => m.localAddress(f.p, f.q)),
  lao: row('q:global', '-> i', 'Pushes the address of a global.', (m, f) => m.globalAddress(f.q)),
  lca: row('q:constant', '-> i', 'Pushes the address of a constant.', (m, f) => m.constantAddress(f.q)),
  ldci: row('q:number', '-> i', 'Pushes an integer.', (m, f) => m.word(f.q)),
  ldcb: row('q:number', '-> i', 'Pushes a boolean.', (m, f) => m.word(f.q)),
  ldcc: row('q:number', '-> i', 'Pushes a character.', (m, f) => m.word(f.q)),
  ldcn: row('', '-> i', 'Pushes nil.', m => m.word(NIL)),
  ldcr: row('q:real', '-> r', 'Pushes a real of the constant table.', (m, f) => m.real(f.q)),
  ldcs: row('q:set', '-> s', 'Pushes a set of the constant table.', (m, f) => m.setConstant('s', f.q)),
  ldct: added('q:set', '-> t', 'Pushes a set of the constant table, of its elements to 63.', (m, f) =>
    m.setConstant('t', f.q),
  ),
  ixa: row('q:bytes', 'i i -> i', 'Pops an index and an address, pushes address + q × index.', (m, f, base, index) =>
    m.element(base, index, f.q),
  ),
  inca: row('q:number', 'i -> i', 'Adds q to an address.', (m, f, a) => m.offset(a, f.q)),
  deca: added('q:number', 'i -> i', 'Takes q from an address.', (m, f, a) => m.offset(a, -f.q)),
  mov: row('q:bytes', 'i i ->', 'Pops a source and a destination, copies q bytes.', (m, f, to, from) =>
    m.move(to, from, m.word(f.q)),
  ),
  mvv: added(
    '',
    'i i i ->',
    'Pops a number of bytes, a source and a destination, and copies.',
    (m, _, to, from, bytes) => m.move(to, from, bytes),
  ),
}
