import type { InstructionName } from '../../rows/p5.ts'
import type { BinaryOperator, Value } from '../analysis/checked.ts'
import type { SetType } from '../analysis/types.ts'
import type { Generator } from './generator.ts'
import { setKind } from './storage.ts'

/** Bytes of a set of 0..255. */
const SET_BYTES = 32
const LAST_OF_SMALL_SET = 63

type Kind = 's' | 't'

/** Whether a value is a set. */
export function isSetValue(value: Value): boolean {
  return value.type.kind === 'set'
}

/** What the members of a set lie between, as far as is known; low > high for the empty set. */
export function memberRange(value: Value): readonly [low: number, high: number] {
  if (value.op === 'set') {
    let [low, high] = [Infinity, -Infinity]
    for (const member of value.members) {
      low = Math.min(low, member.low.low)
      high = Math.max(high, (member.high ?? member.low).high)
    }
    return [low, high]
  }
  if (value.op === 'binary') {
    const [a, b] = [memberRange(value.left), memberRange(value.right)]
    if (value.operator === 'subtract') return a
    if (value.operator === 'multiply') return [Math.max(a[0], b[0]), Math.min(a[1], b[1])]
    return [Math.min(a[0], b[0]), Math.max(a[1], b[1])]
  }
  const { base } = value.type as SetType
  return base === undefined ? [Infinity, -Infinity] : [base.low, base.high]
}

/** How a set value comes about most simply: small where all that it is made of is. */
function naturalKind(value: Value): Kind {
  if (value.op === 'set') {
    const [low, high] = memberRange(value)
    return value.members.length === 0 || (low >= 0 && high <= LAST_OF_SMALL_SET) ? 't' : 's'
  }
  if (value.op === 'binary') return wider(naturalKind(value.left), naturalKind(value.right))
  return setKind(value.type as SetType)
}

function wider(a: Kind, b: Kind): Kind {
  return a === 's' || b === 's' ? 's' : 't'
}

/** Writes what pushes a set of this kind; members that a small one cannot have trap. */
export function emitSet(g: Generator, value: Value, wanted: Kind): void {
  if (value.op === 'set') {
    emitConstructor(g, value, wanted)
    return
  }
  if (value.op === 'binary') {
    // A union has all members of both, so that each of them may be of the wanted kind already.
    const kind = value.operator === 'add' ? wanted : wider(naturalKind(value), wanted)
    emitSet(g, value.left, kind)
    emitSet(g, value.right, kind)
    g.op(operatorName(value.operator, kind))
    convert(g, kind, wanted)
    return
  }
  g.value(value)
  convert(g, setKind(value.type as SetType), wanted)
}

function convert(g: Generator, from: Kind, to: Kind): void {
  if (from !== to) g.op(to === 's' ? 'wdn' : 'nrw')
}

function operatorName(operator: BinaryOperator, kind: Kind): InstructionName {
  if (operator === 'add') return kind === 's' ? 'uni' : 'unit'
  if (operator === 'multiply') return kind === 's' ? 'int' : 'intt'
  return kind === 's' ? 'dif' : 'dift'
}

/** A constructor: members that are known make one constant, others join it one by one (ISO 7185 §6.7.1). */
function emitConstructor(g: Generator, value: Value & { readonly op: 'set' }, kind: Kind): void {
  const bits = new Uint8Array(SET_BYTES)
  let hasConstant = false
  const last = kind === 's' ? SET_BYTES * 8 - 1 : LAST_OF_SMALL_SET
  const others: { readonly low: Value; readonly high: Value | undefined }[] = []
  for (const member of value.members) {
    const { low, high = low } = member
    if (low.op !== 'ordinal' || high.op !== 'ordinal' || low.value < 0 || high.value > last) {
      others.push(member)
      continue
    }
    hasConstant = true
    for (let m = low.value; m <= high.value; m++) bits[m >> 3] = (bits[m >> 3] as number) | (1 << (m & 7))
  }
  const needsFirst = hasConstant || others.length === 0
  if (needsFirst) g.op(kind === 's' ? 'ldcs' : 'ldct', g.pool.set(bits))
  others.forEach(({ low, high }, i) => {
    g.value(low)
    if (high) g.value(high)
    g.op(high ? (kind === 's' ? 'rgs' : 'rgst') : kind === 's' ? 'sgs' : 'sgst')
    if (needsFirst || i > 0) g.op(operatorName('add', kind))
  })
}

const RELATIONS: Partial<Record<BinaryOperator, readonly [wide: InstructionName, small: InstructionName]>> = {
  equal: ['equs', 'equt'],
  'not-equal': ['neqs', 'neqt'],
  'less-equal': ['leqs', 'leqt'],
  'greater-equal': ['geqs', 'geqt'],
}

/** An operator whose right operand is a set: gives a set of the kind of its type, or a Boolean. */
export function emitSetOperation(g: Generator, value: Value & { readonly op: 'binary' }): void {
  const { operator, left, right } = value
  if (operator === 'in') {
    const kind = naturalKind(right)
    g.value(left)
    emitSet(g, right, kind)
    g.op(kind === 's' ? 'inn' : 'innt')
    return
  }
  const relation = RELATIONS[operator]
  if (relation === undefined) {
    emitSet(g, value, setKind(value.type as SetType))
    return
  }
  const kind = wider(naturalKind(left), naturalKind(right))
  emitSet(g, left, kind)
  emitSet(g, right, kind)
  g.op(kind === 's' ? relation[0] : relation[1])
}
