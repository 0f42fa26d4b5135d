import { Op } from '@doppel/wasm'
import { ExecutionError } from '../execution-errors.ts'
import type { HostMachine } from '../host-machine.ts'
import type { Ops, Value } from '../ops.ts'
import { hostRow, type Instruction, row } from '../row.ts'

const WORD_BITS = 16

/** Instructions on arrays, records, strings and packed fields. */
export const STRUCTURE_ROWS: readonly Instruction[] = [
  row(179, 'LDC', 'UB', '→ words', 'Load a constant of many words, which follow on a word boundary.', loadConstant, {
    tail: 'words',
  }),
  row(188, 'LDM', 'UB', 'address → words', 'Load many words, the first on top.', (m, a) => {
    const from = m.pop()
    m.pushWords(from, a)
  }),
  row(189, 'STM', 'UB', 'address words →', 'Store many words, the first from the top.', (m, a) => {
    const to = m.fn.let(m.peek(a()))
    m.popWords(() => m.fn.get(to), a)
    m.drop(m.fn.i32(1))
  }),
  row(168, 'MOV', 'B', 'to from →', 'Move words.', (m, a) => {
    const from = m.pop()
    const to = m.pop()
    m.moveWords(to, from, a)
  }),
  row(190, 'LDB', '', 'address index → byte', 'Load byte.', m => {
    const index = m.pop()
    const base = m.pop()
    m.push(m.byte(m.fn.op(Op.i32Add, base(), index())))
  }),
  row(191, 'STB', '', 'address index byte →', 'Store byte.', m => {
    const value = m.pop()
    const index = m.pop()
    const base = m.pop()
    m.setByte(m.fn.op(Op.i32Add, base(), index()), value())
  }),
  row(
    166,
    'LSA',
    'UB',
    '→ address',
    'Load the address of a constant string, which follows.',
    (m, a) => {
      // The operand is the string's own length byte.
      m.push(m.fn.op(Op.i32Sub, m.ipc(), m.fn.i32(1)))
      m.setIpc(m.fn.op(Op.i32Add, m.ipc(), a()))
    },
    { tail: 'characters' },
  ),
  row(
    208,
    'LPA',
    'B',
    '→ address',
    'Load the address of a constant packed array, which follows.',
    (m, a) => {
      m.push(m.ipc())
      m.setIpc(m.fn.op(Op.i32Add, m.ipc(), a()))
    },
    { tail: 'bytes' },
  ),
  hostRow(
    170,
    'SAS',
    'UB',
    'to from →',
    'String assign: a string, or a character (below 256), to a string.',
    assignString,
  ),
  row(155, 'IXS', '', 'string index → string index', 'Check an index into a string against its length.', m => {
    const { fn } = m
    const beyond = fn.op(Op.i32GtU, m.peek(fn.i32(0)), m.byte(m.peek(fn.i32(1))))
    m.faultIf(beyond, ExecutionError.invalidIndex)
  }),
  row(162, 'INC', 'B', 'address → address', 'Increment an address by words.', (m, a) => {
    const base = m.pop()
    m.push(m.plusWords(base(), a()))
  }),
  row(164, 'IXA', 'B', 'address index → address', 'Index an array whose elements have so many words.', (m, a) => {
    const index = m.pop()
    const base = m.pop()
    m.push(m.plusWords(base(), m.fn.op(Op.i32Mul, index(), a())))
  }),
  row(
    192,
    'IXP',
    'UB UB',
    'address index → address width bit',
    'Index a packed array: elements in a word, bits of one.',
    indexPacked,
  ),
  row(186, 'LDP', '', 'address width bit → word', 'Load a packed field.', m => {
    const field = popField(m)
    const shifted = m.fn.op(Op.i32ShrU, m.word(field.address()), field.bit())
    m.push(m.fn.op(Op.i32And, shifted, field.mask()))
  }),
  row(187, 'STP', '', 'address width bit word →', 'Store a packed field.', m => {
    const { fn } = m
    const value = m.pop()
    const field = popField(m)
    const hole = fn.op(Op.i32Xor, fn.op(Op.i32Shl, field.mask(), field.bit()), fn.i32(-1))
    const others = fn.op(Op.i32And, m.word(field.address()), hole)
    const own = fn.op(Op.i32Shl, fn.op(Op.i32And, value(), field.mask()), field.bit())
    m.setWord(field.address(), fn.op(Op.i32Or, others, own))
  }),
]

function loadConstant(m: Ops, words: Value): void {
  const { fn } = m
  m.setIpc(fn.op(Op.i32And, fn.op(Op.i32Add, m.ipc(), fn.i32(1)), fn.i32(-2)))
  const [at, left] = [fn.let(m.ipc()), fn.let(words())]
  const [loop, body, done] = [fn.block(), fn.block(), fn.block()]
  fn.jump(loop)
  fn.at(loop)
  fn.branch(fn.get(left), body, done)
  fn.at(body)
  // The words stand as they are to be pushed, the one for the top last.
  m.push(m.word(fn.get(at)))
  fn.set(at, fn.op(Op.i32Add, fn.get(at), fn.i32(2)))
  fn.set(left, fn.op(Op.i32Sub, fn.get(left), fn.i32(1)))
  fn.jump(loop)
  fn.at(done)
  m.setIpc(fn.get(at))
}

function indexPacked(m: Ops, perWord: Value, width: Value): void {
  const { fn } = m
  m.faultIf(fn.op(Op.i32Eqz, perWord()), ExecutionError.invalidIndex)
  const index = m.pop()
  const base = m.pop()
  m.push(m.plusWords(base(), fn.op(Op.i32DivU, index(), perWord())))
  m.push(width())
  m.push(fn.op(Op.i32Mul, fn.op(Op.i32RemU, index(), perWord()), width()))
}

/** Takes a field's three words off the stack; one that is not within its word is an error. */
function popField(m: Ops): { readonly address: Value; readonly bit: Value; readonly mask: Value } {
  const { fn } = m
  const [bit, width, address] = [m.pop(), m.pop(), m.pop()]
  const end = fn.op(Op.i32Add, bit(), width())
  m.faultIf(fn.op(Op.i32GtU, end, fn.i32(WORD_BITS)), ExecutionError.invalidIndex)
  const mask = (): number => fn.op(Op.i32Sub, fn.op(Op.i32Shl, fn.i32(1), width()), fn.i32(1))
  return { address, bit, mask }
}

function assignString(m: HostMachine, maxLength: number): number | undefined {
  const from = m.pop()
  const to = m.pop()
  if (from < 256) {
    m.setByte(to, 1)
    m.setByte(to + 1, from)
    return undefined
  }
  const length = m.byte(from)
  if (length > maxLength) return ExecutionError.stringTooLong
  for (let i = 0; i <= length; i++) m.setByte(to + i, m.byte(from + i))
  return undefined
}
