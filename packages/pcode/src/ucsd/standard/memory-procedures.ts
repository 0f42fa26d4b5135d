import { ExecutionError } from '../execution-errors.ts'
import { NIL } from '../rows/variable-rows.ts'
import { Syscom } from '../syscom.ts'
import { procedure, type StandardMachine, type StandardProcedure } from './standard-row.ts'

/** Standard procedures on memory: the heap, moving and filling bytes, looking for one. */
export const MEMORY_PROCEDURES: readonly StandardProcedure[] = [
  procedure(1, 'NEW', 'pointer words →', 'Take words from the heap; their address goes to the pointer.', m => {
    dropDirectory(m)
    const words = m.pop()
    m.setWord(m.pop(), m.np)
    return setHeap(m, m.np + 2 * words)
  }),
  procedure(32, 'MRK', 'pointer →', 'Note the top of the heap.', m => {
    dropDirectory(m)
    m.setWord(m.pop(), m.np)
    return undefined
  }),
  procedure(33, 'RLS', 'pointer →', 'Cut the heap back to what was noted.', m => {
    const top = m.word(m.pop())
    m.setWord(m.syscom + Syscom.globalDirectory, NIL)
    return setHeap(m, top)
  }),
  procedure(40, 'MAV', '→ words', 'Words between heap and stack.', m => {
    const directory = m.word(m.syscom + Syscom.globalDirectory)
    m.push(Math.max(0, m.kp - (directory === NIL ? m.np : directory)) >> 1)
    return undefined
  }),
  procedure(2, 'MVL', 'from index to index bytes →', 'Move bytes, the first first.', m => {
    const [length, to, from] = [m.popSigned(), m.pop() + m.pop(), m.pop() + m.pop()]
    for (let i = 0; i < length; i++) m.setByte(to + i, m.byte(from + i))
    return undefined
  }),
  procedure(3, 'MVR', 'from index to index bytes →', 'Move bytes, the last first.', m => {
    const [length, to, from] = [m.popSigned(), m.pop() + m.pop(), m.pop() + m.pop()]
    for (let i = length - 1; i >= 0; i--) m.setByte(to + i, m.byte(from + i))
    return undefined
  }),
  procedure(10, 'FLC', 'address index bytes character →', 'Fill bytes with a character.', m => {
    const character = m.pop() & 0xff
    const [length, to] = [m.popSigned(), m.pop() + m.pop()]
    for (let i = 0; i < length; i++) m.setByte(to + i, character)
    return undefined
  }),
  procedure(
    11,
    'SCN',
    'limit unequal character address index mask → distance',
    'Look for the first byte that is the character, or is not: how far it is, backwards for a negative limit.',
    m => {
      m.pop()
      const at = m.pop() + m.pop()
      const [character, unequal, limit] = [m.pop() & 0xff, m.pop() !== 0, m.popSigned()]
      const step = limit < 0 ? -1 : 1
      let distance = 0
      while (distance !== limit && (m.byte(at + distance) === character) === unequal) distance += step
      m.push(distance)
      return undefined
    },
  ),
]

/** The system keeps a directory above the heap's top, which is given up when the heap is wanted. */
function dropDirectory(m: StandardMachine): void {
  const directory = m.word(m.syscom + Syscom.globalDirectory)
  if (directory === NIL) return
  m.np = directory
  m.setWord(m.syscom + Syscom.globalDirectory, NIL)
}

function setHeap(m: StandardMachine, top: number): number | undefined {
  if (top >= m.kp) return ExecutionError.stackOverflow
  m.np = top
  return undefined
}
