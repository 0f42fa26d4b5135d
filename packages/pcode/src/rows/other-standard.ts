import { Halt, Problem } from '../machine/problem.ts'
import { inlined, type StandardRow, served } from './standard-row.ts'

type OtherName = 'new' | 'dsp' | 'sin' | 'cos' | 'exp' | 'log' | 'sqt' | 'atn' | 'hlt' | 'vbs' | 'vbe' | 'wbs' | 'wbe'

/** References that a program may have open at once. */
const MAX_REFERENCES = 1 << 20

/** Heap, mathematical functions, the end. */
export const otherStandard: Readonly<Record<OtherName, StandardRow>> = {
  new: inlined('i i ->', 'Makes a variable of so many bytes; its pointer goes to an address.', (m, to, bytes) =>
    m.store('a', to, 0, m.allocate(bytes)),
  ),
  dsp: inlined('i i ->', 'Ends the variable of a pointer.', (m, pointer) => m.release(pointer)),
  sin: served('r -> r', 'The sine.', (_, x) => Math.sin(x)),
  cos: served('r -> r', 'The cosine.', (_, x) => Math.cos(x)),
  exp: served('r -> r', 'e to the power.', (_, x) => Math.exp(x)),
  log: served('r -> r', 'The natural logarithm.', (_, x) => {
    if (!(x > 0)) throw new Problem('realDomain', [x])
    return Math.log(x)
  }),
  atn: served('r -> r', 'The arc tangent.', (_, x) => Math.atan(x)),
  sqt: inlined('r -> r', 'The square root.', (m, x) => {
    const value = m.once(x)
    m.trapIf(m.realTest('lt', value, m.realNumber(0)), 'realDomain', value)
    return m.realFunction('sqrt', value)
  }),
  hlt: served('i ->', 'Ends the program with an exit status.', (_, status) => {
    throw new Halt(status & 255)
  }),
  vbs: served('i i ->', 'Notes that so many bytes from an address are referred to.', (rt, first, bytes) => {
    if (rt.references.length >= MAX_REFERENCES) throw new Problem('stack')
    rt.references.push({ first, last: first + bytes - 1 })
  }),
  vbe: served('->', 'Forgets what was noted last.', rt => void rt.references.pop()),
  wbs: served('i ->', 'Notes that a variable is open in a with statement.', (rt, first) => {
    if (rt.references.length >= MAX_REFERENCES) throw new Problem('stack')
    rt.references.push({ first, last: first + (rt.heap.state(first) === 'live' ? rt.heap.size(first) - 1 : 0) })
  }),
  wbe: served('->', 'Forgets the with statement noted last.', rt => void rt.references.pop()),
}
