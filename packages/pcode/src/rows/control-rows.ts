import { added, type Row, type Rows, row } from './row.ts'

type ControlName =
  | 'ujp'
  | 'fjp'
  | 'tjp'
  | 'xjp'
  | 'cup'
  | 'cip'
  | 'lpa'
  | 'lip'
  | 'ipj'
  | 'stp'
  | `ret${'p' | 'i' | 'a' | 'b' | 'c' | 'x' | 'r' | 's' | 't'}`
  | 'dmp'
  | 'swp'
  | `dup${'a' | 'i' | 'b' | 'c' | 'r' | 's' | 't'}`
  | 'csp'
  | 'csf'

const result = (effect: string): Row =>
  row('', effect, 'Leaves a function, whose result is on top.', (m, _, value) => m.return(value), {
    ends: true,
    shape: 'return',
  })
const duplicate = (effect: string): Row =>
  row('', effect, 'Pushes what is on top once more.', (m, _, value) => {
    const once = m.once(value)
    return [once, once]
  })

/** Jumps, calls, and what only moves values about the operand stack. */
export const controlRows: Rows<ControlName> = {
  ujp: row('q:label', '->', 'Jumps.', (m, f) => m.jump(f.q), { ends: true }),
  fjp: row('q:label', 'i ->', 'Jumps if the word is 0.', (m, f, value) => m.jumpIf(m.isZero(value), f.q)),
  tjp: row('q:label', 'i ->', 'Jumps if the word is not 0.', (m, f, value) => m.jumpIf(value, f.q)),
  xjp: row('q:table', 'i ->', 'Jumps as a table says for the word.', (m, f, value) => m.jumpTable(f.q, value), {
    ends: true,
  }),
  cup: row(
    'q:routine',
    '->',
    'Calls a routine: pops its parameters, pushes its result.',
    (m, f, ...args) => m.call(f.q, args),
    {
      shape: 'call',
    },
  ),
  cip: row(
    'q:signature',
    '->',
    'Calls a procedure that is a value: pops its code, its link and its parameters.',
    (m, f, ...args) => {
      const [link, code] = args.splice(-2) as [(typeof args)[0], (typeof args)[0]]
      return m.callIndirect(f.q, link, code, args)
    },
    { shape: 'indirect' },
  ),
  lpa: row('q:routine', '-> i i', 'Pushes a procedure as a value: link and code.', (m, f) => [
    m.procedureLink(f.q),
    m.procedureCode(f.q),
  ]),
  lip: row('p:level q:local', '-> i i', 'Pushes a procedure that is a parameter: link and code.', (m, f) => [
    m.loadLocal('a', f.p, f.q),
    m.loadLocal('a', f.p, f.q + 4),
  ]),
  ipj: row('p:level q:outerLabel', '->', 'Goes to a label of an enclosing routine.', (m, f) => m.goto(f.p, f.q), {
    ends: true,
  }),
  stp: row('', '->', 'Ends the program.', m => m.stop(), { ends: true }),
  retp: row('', '->', 'Leaves a procedure.', m => m.return(undefined), { ends: true, shape: 'return' }),
  reti: result('i ->'),
  reta: result('i ->'),
  retb: result('i ->'),
  retc: result('i ->'),
  retx: result('i ->'),
  retr: result('r ->'),
  rets: { ...result('s ->'), original: false },
  rett: { ...result('t ->'), original: false },
  dmp: row('q:bytes', '->', 'Drops values of q bytes.', () => undefined, { shape: 'drop' }),
  swp: row('q:bytes', '->', 'Swaps the two values on top.', (_m, _, a, b) => [b, a], { shape: 'swap' }),
  dupa: duplicate('i -> i i'),
  dupi: duplicate('i -> i i'),
  dupb: duplicate('i -> i i'),
  dupc: duplicate('i -> i i'),
  dupr: duplicate('r -> r r'),
  dups: duplicate('s -> s s'),
  dupt: { ...duplicate('t -> t t'), original: false },
  csf: added(
    'q:standard',
    '->',
    'Calls a standard procedure; goes on where input or output fails, and notes why.',
    (m, f, ...args) => m.standard(f.q, args),
    { shape: 'standard' },
  ),
  csp: row('q:standard', '->', 'Calls a standard procedure.', (m, f, ...args) => m.standard(f.q, args), {
    shape: 'standard',
  }),
}
