import { Op } from '@doppel/wasm'
import { type Instruction, row } from '../row.ts'

/** What LDCN pushes. */
export const NIL = 0

/** Instructions that load and store one word: constants, and variables by the level they belong to. */
export const VARIABLE_ROWS: readonly Instruction[] = [
  row(
    0,
    'SLDC',
    '',
    '→ word',
    'Short load constant: the opcode itself, 0..127.',
    (m, _a, _b, i) => m.push(m.fn.i32(i)),
    {
      opcodes: 128,
    },
  ),
  row(159, 'LDCN', '', '→ nil', 'Load constant nil.', m => m.push(m.fn.i32(NIL))),
  row(199, 'LDCI', 'W', '→ word', 'Load constant word.', (m, a) => m.push(a())),

  row(
    216,
    'SLDL',
    '',
    '→ word',
    'Short load local: variable 1..16 of this procedure.',
    (m, _a, _b, i) => m.push(m.localWord(i + 1)),
    { opcodes: 16 },
  ),
  row(202, 'LDL', 'B', '→ word', 'Load local variable.', (m, a) => m.push(m.word(m.localAddress(a())))),
  row(198, 'LLA', 'B', '→ address', 'Load local address.', (m, a) => m.push(m.localAddress(a()))),
  row(204, 'STL', 'B', 'word →', 'Store into a local variable.', (m, a) => {
    const value = m.pop()
    m.setWord(m.localAddress(a()), value())
  }),

  row(
    232,
    'SLDO',
    '',
    '→ word',
    'Short load global: variable 1..16 of the base procedure.',
    (m, _a, _b, i) => m.push(m.globalWord(i + 1)),
    { opcodes: 16 },
  ),
  row(169, 'LDO', 'B', '→ word', 'Load global variable.', (m, a) => m.push(m.word(m.globalAddress(a())))),
  row(165, 'LAO', 'B', '→ address', 'Load global address.', (m, a) => m.push(m.globalAddress(a()))),
  row(171, 'SRO', 'B', 'word →', 'Store into a global variable.', (m, a) => {
    const value = m.pop()
    m.setWord(m.globalAddress(a()), value())
  }),

  row(182, 'LOD', 'DB B', '→ word', 'Load a variable of the procedure so many levels out.', (m, a, b) =>
    m.push(m.word(m.intermediateAddress(a(), b()))),
  ),
  row(178, 'LDA', 'DB B', '→ address', 'Load the address of a variable so many levels out.', (m, a, b) =>
    m.push(m.intermediateAddress(a(), b())),
  ),
  row(184, 'STR', 'DB B', 'word →', 'Store into a variable so many levels out.', (m, a, b) => {
    const value = m.pop()
    m.setWord(m.intermediateAddress(a(), b()), value())
  }),

  row(157, 'LDE', 'UB B', '→ word', 'Load a variable of a data segment.', (m, a, b) =>
    m.push(m.word(m.externalAddress(a(), b()))),
  ),
  row(167, 'LAE', 'UB B', '→ address', 'Load the address of a variable of a data segment.', (m, a, b) =>
    m.push(m.externalAddress(a(), b())),
  ),
  row(209, 'STE', 'UB B', 'word →', 'Store into a variable of a data segment.', (m, a, b) => {
    const value = m.pop()
    m.setWord(m.externalAddress(a(), b()), value())
  }),

  row(
    248,
    'SIND',
    '',
    'address → word',
    'Short index and load: the word 0..7 words on.',
    (m, _a, _b, i) => {
      const base = m.pop()
      m.push(m.word(m.plusWords(base(), m.fn.i32(i))))
    },
    { opcodes: 8 },
  ),
  row(163, 'IND', 'B', 'address → word', 'Index and load: the word so many words on.', (m, a) => {
    const base = m.pop()
    m.push(m.word(m.plusWords(base(), a())))
  }),
  row(154, 'STO', '', 'address word →', 'Store indirect. Nil is an error.', m => {
    const value = m.pop()
    const to = m.pop()
    m.faultIf(m.fn.op(Op.i32Eqz, to()), 7)
    m.setWord(to(), value())
  }),
]
