import type { InstructionName } from '../../rows/p5.ts'
import type { StandardName } from '../../rows/standard.ts'
import type { BinaryOperator, Operand, Place, UnaryOperator, Value } from '../analysis/checked.ts'
import { isString, lengthOf, type OrdinalType, type SetType, type Type } from '../analysis/types.ts'
import { emitCall } from './calls.ts'
import type { Generator } from './generator.ts'
import { loadBound } from './reach.ts'
import { checkWhole } from './references.ts'
import { emitSet, emitSetOperation, isSetValue } from './sets.ts'
import { isScalar, noValueOf, setKind, storageOf } from './storage.ts'
import { emitStructuresEqual } from './structures.ts'

/** What is asked of a standard procedure. */
type StandardCall = Pick<Value & { readonly op: 'standard' }, 'name' | 'roomBytes'> & {
  readonly operands: readonly Operand[]
  readonly isLenient?: boolean | undefined
}

/** Writes what pushes a value: a scalar itself, of others the address. */
export function emitValue(g: Generator, value: Value): void {
  switch (value.op) {
    case 'ordinal':
      g.op(value.type.kind === 'ordinal' && value.type.family === 'boolean' ? 'ldcb' : 'ldci', value.value)
      break
    case 'real':
      g.op('ldcr', g.pool.real(value.value))
      break
    case 'string':
      g.op('lca', g.pool.string(value.text))
      break
    case 'nil':
      g.op('ldcn')
      break
    case 'load':
      emitLoad(g, value.place)
      break
    case 'bound':
      loadBound(g, value.bound)
      break
    case 'unary':
      emitUnary(g, value.operator, value.operand, value.type)
      break
    case 'binary':
      emitBinary(g, value)
      break
    case 'set':
      emitSet(g, value, setKind(value.type as SetType))
      break
    case 'call':
      emitCall(g, value.call, value.pos)
      break
    case 'standard':
      emitStandard(g, value)
      break
    case 'file-state': {
      g.address(g.reach(value.file))
      const isText = value.file.type.kind === 'file' && value.file.type.isText
      g.standard(standardOf(value.state, isText, value.isClosedAtEnd))
      break
    }
    default:
      g.op('ldci', 0)
  }
}

function standardOf(state: 'eof' | 'eoln', isText: boolean, isClosedAtEnd: boolean): StandardName {
  if (state === 'eoln') return isClosedAtEnd ? 'elc' : 'eln'
  if (isText) return isClosedAtEnd ? 'eoc' : 'eof'
  return isClosedAtEnd ? 'ecb' : 'efb'
}

/** Pushes the operands of a standard procedure, after the address of the room that it needs, and does it. */
export function emitStandard(g: Generator, call: StandardCall): void {
  if (call.roomBytes > 0) g.op2('lda', 0, g.room(call.roomBytes))
  for (const operand of call.operands) {
    if (operand.op === 'address') g.address(g.reach(operand.place))
    else g.value(operand)
  }
  g.transfer(call.name, call.isLenient)
}

function emitLoad(g: Generator, place: Place): void {
  const { type } = place
  const at = g.reach(place)
  if (!isScalar(type)) {
    g.address(at)
    checkWhole(g, place)
    return
  }
  const packed = place.isPackedComponent
  const storage = storageOf(type, packed)
  g.load(at, storage)
  if (!needsDefinition(g, place)) return
  if (storage === 'i') g.op('ckdi')
  else if (storage === 'r') g.op('ckdr')
  else if (place.at === 'variable' && place.variable.isControl) {
    const none = noValueOf(place.variable)
    if (none !== undefined) g.op('ckdx', none)
  }
}

/** Whether a variable may still have no value where it is used (ISO 7185 §6.5.1). */
export function needsDefinition(g: Generator, place: Place): boolean {
  if (!g.options.undefined) return false
  return place.at !== 'variable' || !g.definite.has(place.variable)
}

const UNARY: Readonly<
  Record<UnaryOperator, readonly [word: InstructionName | undefined, real: InstructionName | undefined]>
> = {
  negate: ['ngi', 'ngr'],
  not: ['not', undefined],
  'to-real': ['flt', undefined],
  abs: ['abi', 'abr'],
  sqr: ['sqi', 'sqr'],
  odd: ['odd', undefined],
  ord: [undefined, undefined],
  chr: [undefined, undefined],
  succ: [undefined, undefined],
  pred: [undefined, undefined],
  trunc: [undefined, 'trc'],
  round: [undefined, 'rnd'],
  sin: [undefined, undefined],
  cos: [undefined, undefined],
  exp: [undefined, undefined],
  ln: [undefined, undefined],
  sqrt: [undefined, undefined],
  arctan: [undefined, undefined],
}
const FUNCTIONS = { sin: 'sin', cos: 'cos', exp: 'exp', ln: 'log', sqrt: 'sqt', arctan: 'atn' } as const

function emitUnary(g: Generator, operator: UnaryOperator, operand: Value, type: Type): void {
  g.value(operand)
  if (operator in FUNCTIONS) {
    g.standard(FUNCTIONS[operator as keyof typeof FUNCTIONS])
    return
  }
  if (operator === 'succ' || operator === 'pred') {
    g.op(operator === 'succ' ? 'inci' : 'deci', 1)
    const { low, high, family } = type as OrdinalType
    const isOut = operator === 'succ' ? operand.high + 1 > high : operand.low - 1 < low
    // Of integers the machine’s own check of overflow is enough.
    if (g.options.checks && isOut && family !== 'integer') g.op2('chki', low, high)
    return
  }
  if (operator === 'chr') {
    const { low, high } = type as OrdinalType
    if (g.options.checks && (operand.low < low || operand.high > high)) g.op2('chkc', low, high)
    return
  }
  const [word, real] = UNARY[operator]
  const name = operand.type.kind === 'real' ? real : word
  if (name !== undefined) g.op(name)
}

const WORD_OPERATORS: Readonly<Record<BinaryOperator, InstructionName>> = {
  add: 'adi',
  subtract: 'sbi',
  multiply: 'mpi',
  divide: 'dvr',
  div: 'dvi',
  mod: 'mod',
  and: 'and',
  or: 'ior',
  in: 'inn',
  equal: 'equi',
  'not-equal': 'neqi',
  less: 'lesi',
  greater: 'grti',
  'less-equal': 'leqi',
  'greater-equal': 'geqi',
}
const REAL_OPERATORS: Partial<Record<BinaryOperator, InstructionName>> = {
  add: 'adr',
  subtract: 'sbr',
  multiply: 'mpr',
  divide: 'dvr',
  equal: 'equr',
  'not-equal': 'neqr',
  less: 'lesr',
  greater: 'grtr',
  'less-equal': 'leqr',
  'greater-equal': 'geqr',
}
const STRING_OPERATORS: Partial<Record<BinaryOperator, InstructionName>> = {
  equal: 'equm',
  'not-equal': 'neqm',
  less: 'lesm',
  greater: 'grtm',
  'less-equal': 'leqm',
  'greater-equal': 'geqm',
}

function emitBinary(g: Generator, value: Value & { readonly op: 'binary' }): void {
  const { operator, left, right } = value
  if (isSetValue(right)) {
    emitSetOperation(g, value)
    return
  }
  if ((operator === 'and' || operator === 'or') && !isCheap(g, right)) {
    emitShort(g, operator, left, right)
    return
  }
  const { kind } = left.type
  if (kind === 'record' || (kind === 'array' && !isString(left.type))) {
    emitStructuresEqual(g, left, right)
    if (operator === 'not-equal') g.op('not')
    return
  }
  g.value(left)
  g.value(right)
  if (kind === 'real') g.op(REAL_OPERATORS[operator] as InstructionName)
  else if (kind === 'pointer') g.op(operator === 'equal' ? 'equa' : 'neqa')
  else if (left.type.kind === 'array') g.op(STRING_OPERATORS[operator] as InstructionName, lengthOf(left.type))
  else g.op(WORD_OPERATORS[operator])
}

/** The second operand is evaluated only where it decides. */
function emitShort(g: Generator, operator: 'and' | 'or', left: Value, right: Value): void {
  const decided = g.label()
  const end = g.label()
  g.value(left)
  g.jump(operator === 'and' ? 'fjp' : 'tjp', decided)
  g.value(right)
  g.jump('ujp', end)
  g.place(decided)
  g.op('ldcb', operator === 'and' ? 0 : 1)
  g.place(end)
}

const MAX_CHEAP_OPERANDS = 4

/** Whether a value costs less than a jump around it, and cannot fail. */
function isCheap(g: Generator, value: Value): boolean {
  return operandsOf(g, value) <= MAX_CHEAP_OPERANDS
}

function operandsOf(g: Generator, value: Value): number {
  switch (value.op) {
    case 'ordinal':
    case 'real':
    case 'bound':
      return 1
    case 'load':
      return value.place.at === 'variable' && !needsDefinition(g, value.place) && isScalar(value.type) ? 1 : Infinity
    case 'unary':
      return value.operator === 'not' || value.operator === 'odd' || value.operator === 'ord'
        ? operandsOf(g, value.operand)
        : Infinity
    case 'binary': {
      const isSafe = value.type.kind === 'ordinal' && value.type.family === 'boolean' && !isSetValue(value.right)
      if (!isSafe || value.left.type.kind === 'array' || value.left.type.kind === 'record') return Infinity
      return operandsOf(g, value.left) + operandsOf(g, value.right)
    }
    default:
      return Infinity
  }
}

/** Jumps to a label where a Boolean is `sense`; goes on where it is not. */
export function emitJump(g: Generator, value: Value, sense: boolean, label: number): void {
  if (value.op === 'ordinal') {
    if ((value.value !== 0) === sense) g.jump('ujp', label)
    return
  }
  if (value.op === 'unary' && value.operator === 'not') {
    emitJump(g, value.operand, !sense, label)
    return
  }
  if (value.op === 'binary' && (value.operator === 'and' || value.operator === 'or') && !isCheap(g, value.right)) {
    // `and` jumps on false from either operand; for true both must be, so the first one jumps past.
    if ((value.operator === 'or') === sense) {
      emitJump(g, value.left, sense, label)
      emitJump(g, value.right, sense, label)
    } else {
      const past = g.label()
      emitJump(g, value.left, !sense, past)
      emitJump(g, value.right, sense, label)
      g.place(past)
    }
    return
  }
  g.value(value)
  g.jump(sense ? 'tjp' : 'fjp', label)
}
