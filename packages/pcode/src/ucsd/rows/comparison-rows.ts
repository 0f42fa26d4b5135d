import { Op } from '@doppel/wasm'
import { ExecutionError } from '../execution-errors.ts'
import type { HostMachine } from '../host-machine.ts'
import { popSet } from '../sets.ts'
import { hostRow, type Instruction, row } from '../row.ts'

/** The byte behind a comparison says what it compares. */
const COMPARED = { REAL: 2, STR: 4, BOOL: 6, POWR: 8, BYT: 10, WORD: 12 } as const

interface Relation {
  readonly name: string
  readonly opcode: number
  readonly integerOpcode: number
  readonly integerOp: number
  readonly realOp: number
  readonly says: string
  /** From the order of two things: below 0, 0, above 0. */
  readonly holds: (order: number) => boolean
}

const RELATIONS: readonly Relation[] = [
  relation('EQU', 175, 195, Op.i32Eq, Op.f32Eq, 'equal', order => order === 0),
  relation('GEQ', 176, 196, Op.i32GeS, Op.f32Ge, 'greater or equal', order => order >= 0),
  relation('GRT', 177, 197, Op.i32GtS, Op.f32Gt, 'greater', order => order > 0),
  relation('LEQ', 180, 200, Op.i32LeS, Op.f32Le, 'less or equal', order => order <= 0),
  relation('LES', 181, 201, Op.i32LtS, Op.f32Lt, 'less', order => order < 0),
  relation('NEQ', 183, 203, Op.i32Ne, Op.f32Ne, 'not equal', order => order !== 0),
]

function relation(
  name: string,
  opcode: number,
  integerOpcode: number,
  integerOp: number,
  realOp: number,
  says: string,
  holds: (order: number) => boolean,
): Relation {
  return { name, opcode, integerOpcode, integerOp, realOp, says, holds }
}

/** Comparisons: of integers by opcodes of their own, of all else by a byte that follows. */
export const COMPARISON_ROWS: readonly Instruction[] = RELATIONS.flatMap(comparisons)

function comparisons(relation: Relation): Instruction[] {
  const { name, opcode, says } = relation
  const operandType = (kind: keyof typeof COMPARED): { readonly operandType: number } => ({
    operandType: COMPARED[kind],
  })
  const rows = [
    row(relation.integerOpcode, `${name}I`, '', 'integer integer → boolean', `Integers: ${says}.`, m => {
      const y = m.popSigned()
      const x = m.popSigned()
      m.push(m.fn.op(relation.integerOp, x(), y()))
    }),
    row(
      opcode,
      `${name}REAL`,
      '',
      'real real → boolean',
      `Reals: ${says}.`,
      m => {
        const y = m.popReal()
        const x = m.popReal()
        m.push(m.fn.op(relation.realOp, x(), y()))
      },
      operandType('REAL'),
    ),
    row(
      opcode,
      `${name}BOOL`,
      '',
      'boolean boolean → boolean',
      `Truth values, by their lowest bits: ${says}.`,
      m => {
        const { fn } = m
        const y = m.pop()
        const x = m.pop()
        const bit = (node: number): number => fn.op(Op.i32And, node, fn.i32(1))
        m.push(fn.op(relation.integerOp, bit(x()), bit(y())))
      },
      operandType('BOOL'),
    ),
    hostRow(
      opcode,
      `${name}STR`,
      '',
      'string string → boolean',
      `Strings: ${says}.`,
      m => {
        const y = m.pop()
        const x = m.pop()
        const common = Math.min(m.byte(x), m.byte(y))
        const order = compareBytes(m, x + 1, y + 1, common) || m.byte(x) - m.byte(y)
        m.push(relation.holds(order) ? 1 : 0)
        return undefined
      },
      operandType('STR'),
    ),
    hostRow(
      opcode,
      `${name}BYT`,
      'B',
      'address address → boolean',
      `Byte arrays of so many bytes: ${says}.`,
      (m, length) => {
        const y = m.pop()
        const x = m.pop()
        m.push(relation.holds(compareBytes(m, x, y, length)) ? 1 : 0)
        return undefined
      },
      operandType('BYT'),
    ),
    hostRow(
      opcode,
      `${name}POWR`,
      '',
      'set set → boolean',
      `Sets: ${name === 'EQU' || name === 'NEQ' ? says : `${says}, by inclusion`}.`,
      m => compareSets(m, relation),
      operandType('POWR'),
    ),
  ]
  // Records have no order.
  if (name !== 'EQU' && name !== 'NEQ') return rows
  const words = hostRow(
    opcode,
    `${name}WORD`,
    'B',
    'address address → boolean',
    `Records of so many words: ${says}.`,
    (m, length) => {
      const y = m.pop()
      const x = m.pop()
      let equal = true
      for (let i = 0; i < length && equal; i++) equal = m.word(x + 2 * i) === m.word(y + 2 * i)
      m.push(relation.holds(equal ? 0 : 1) ? 1 : 0)
      return undefined
    },
    operandType('WORD'),
  )
  return [...rows, words]
}

function compareBytes(m: HostMachine, x: number, y: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const order = m.byte(x + i) - m.byte(y + i)
    if (order !== 0) return order
  }
  return 0
}

function compareSets(m: HostMachine, { name, holds }: Relation): number | undefined {
  const y = popSet(m)
  const x = y && popSet(m)
  if (x === undefined || y === undefined) return ExecutionError.invalidIndex
  const size = Math.max(x.length, y.length)
  let [inX, inY] = [true, true]
  for (let i = 0; i < size; i++) {
    const [a, b] = [x[i] ?? 0, y[i] ?? 0]
    if ((b & ~a) !== 0) inX = false
    if ((a & ~b) !== 0) inY = false
  }
  // Two sets of which neither includes the other are not equal, and in no order.
  const comparable = inX || inY
  const order = inX && inY ? 0 : inX ? 1 : -1
  m.push((name === 'NEQ' ? !(inX && inY) : comparable && holds(order)) ? 1 : 0)
  return undefined
}
