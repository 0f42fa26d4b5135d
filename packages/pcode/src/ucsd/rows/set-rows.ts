import { Op } from '@doppel/wasm'
import { ExecutionError } from '../execution-errors.ts'
import type { HostMachine } from '../host-machine.ts'
import { hostRow, type Instruction, type OnHost, row } from '../row.ts'
import { MAX_SET_WORDS, popSet, pushSet, SET_MEMBERS } from '../sets.ts'

/** Instructions on sets, which stand on the evaluation stack with their size in words on top. */
export const SET_ROWS: readonly Instruction[] = [
  hostRow(160, 'ADJ', 'UB', 'set → words', 'Adjust a set to so many words, without its size.', (m, size) => {
    const set = popSet(m)
    if (set === undefined) return ExecutionError.invalidIndex
    for (let i = size; i-- > 0; ) m.push(set[i] ?? 0)
    return undefined
  }),
  hostRow(151, 'SGS', '', 'integer → set', 'Singleton set.', m => {
    const member = m.pop()
    return pushRange(m, member, member)
  }),
  hostRow(148, 'SRS', '', 'low high → set', 'Subrange set; empty where low is greater.', m => {
    const high = m.pop()
    const low = m.pop()
    return pushRange(m, low, high)
  }),
  row(139, 'INN', '', 'integer set → boolean', 'Whether an integer is in a set.', m => {
    const { fn } = m
    const size = m.pop()
    m.faultIf(fn.op(Op.i32GtU, size(), fn.i32(MAX_SET_WORDS)), ExecutionError.invalidIndex)
    const member = fn.let(m.peek(size()))
    const wordIndex = (): number => fn.op(Op.i32ShrU, fn.get(member), fn.i32(4))
    const word = m.peek(fn.select(fn.op(Op.i32LtU, wordIndex(), size()), wordIndex(), fn.i32(0)))
    const bit = fn.op(Op.i32And, fn.op(Op.i32ShrU, word, fn.op(Op.i32And, fn.get(member), fn.i32(15))), fn.i32(1))
    const result = fn.let(fn.op(Op.i32And, bit, fn.op(Op.i32LtU, wordIndex(), size())))
    m.drop(fn.op(Op.i32Add, size(), fn.i32(1)))
    m.push(fn.get(result))
  }),
  hostRow(
    156,
    'UNI',
    '',
    'set set → set',
    'Union.',
    combining((x, y) => x | y),
  ),
  hostRow(
    140,
    'INT',
    '',
    'set set → set',
    'Intersection.',
    combining((x, y) => x & y),
  ),
  hostRow(
    133,
    'DIF',
    '',
    'set set → set',
    'Difference.',
    combining((x, y) => x & ~y),
  ),
]

function combining(combine: (x: number, y: number) => number): OnHost {
  return m => {
    const y = popSet(m)
    const x = y && popSet(m)
    if (x === undefined || y === undefined) return ExecutionError.invalidIndex
    const size = Math.max(x.length, y.length)
    pushSet(
      m,
      Array.from({ length: size }, (_, i) => combine(x[i] ?? 0, y[i] ?? 0) & 0xffff),
    )
    return undefined
  }
}

function pushRange(m: HostMachine, low: number, high: number): number | undefined {
  if (high >= SET_MEMBERS) return ExecutionError.invalidIndex
  const words = Array.from({ length: low > high ? 0 : (high >> 4) + 1 }, () => 0)
  for (let i = low; i <= high; i++) words[i >> 4] = (words[i >> 4] as number) | (1 << (i & 15))
  pushSet(m, words)
  return undefined
}
