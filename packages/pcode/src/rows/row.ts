import { assert } from '@doppel/base'
import type { StorageClass, ValueType } from '../program/program.ts'
import type { Ops } from './ops.ts'

/** What an operand is, which says how it is checked, written and read. */
export type OperandKind =
  | 'level'
  | 'local'
  | 'global'
  | 'constant'
  | 'number'
  | 'bytes'
  | 'label'
  | 'outerLabel'
  | 'routine'
  | 'table'
  | 'real'
  | 'set'
  | 'signature'
  | 'standard'

/** The operands of an instruction. */
export interface Operands {
  readonly p: number
  readonly q: number
  readonly r: number
}

/** An instruction's meaning: takes the values it pops, the deepest first; gives those it pushes. */
export type Meaning = <V>(ops: Ops<V>, at: Operands, ...values: V[]) => V | readonly V[] | undefined | void

/** How an instruction changes the operand stack where that depends on more than its name. */
export type Shape = 'drop' | 'swap' | 'standard' | 'call' | 'indirect' | 'return'

/** One instruction. */
export interface Row {
  readonly operands: readonly { readonly word: 'p' | 'q' | 'r'; readonly kind: OperandKind }[]
  readonly pops: readonly ValueType[]
  readonly pushes: readonly ValueType[]
  readonly shape: Shape | undefined
  /** What it does, in a sentence, for the opcode table. */
  readonly prose: string
  readonly run: Meaning
  /** True when the next instruction is not reached from this one. */
  readonly ends: boolean
  /** For loads and stores of a frame's or global variable: how it is stored. */
  readonly storage?: StorageClass
  /** The standard procedure that the meaning calls, if any. */
  readonly uses?: number
  /** True when P5's own text has it; false for those that this machine adds. */
  readonly original: boolean
}

/** Rows by the names of their instructions. */
export type Rows<Name extends string> = Readonly<Record<Name, Row>>

/** Declares an instruction: its operands (`p:level q:local`), its effect on the stack (`i i -> i`), what it does. */
export function row(operands: string, effect: string, prose: string, run: Meaning, more: Partial<Row> = {}): Row {
  const [pops, pushes] = effect.split('->').map(side => side.split(' ').filter(type => type !== '')) as [
    ValueType[],
    ValueType[],
  ]
  assert(pushes !== undefined, `the effect ${effect} has no arrow`)
  const parsed = operands
    .split(' ')
    .filter(text => text !== '')
    .map(text => {
      const [word, kind] = text.split(':') as ['p' | 'q' | 'r', OperandKind]
      return { word, kind }
    })
  return { operands: parsed, pops, pushes, shape: undefined, prose, run, ends: false, original: true, ...more }
}

/** A row that P5 does not have. */
export function added(operands: string, effect: string, prose: string, run: Meaning, more: Partial<Row> = {}): Row {
  return row(operands, effect, prose, run, { original: false, ...more })
}
