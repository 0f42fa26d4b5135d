import { I32, I64, Op } from '@doppel/wasm'
import type { SetKind, SetOp } from '../rows/ops.ts'
import { Expressions } from './expressions.ts'
import { constant, constant64, inNode, isConstant, ofParts, setBits, type Value } from './value.ts'

const PARTS: Readonly<Record<SetKind, number>> = { s: 4, t: 1 }
const WORD_BITS = 64
const HALF_BITS = 32

/** Expressions of sets, a 64-bit word for each 64 elements. */
export class SetExpressions extends Expressions {
  setOp(op: SetOp, a: Value, b: Value): Value {
    return ofParts(a.parts.map((part, i) => this.#combined(op, part, b.parts[i] as Value)))
  }
  #combined(op: SetOp, a: Value, b: Value): Value {
    if (isConstant(a) && isConstant(b)) {
      const both = (x: number, y: number): number => (op === 'union' ? x | y : op === 'intersection' ? x & y : x & ~y)
      return constant64(both(a.base, b.base), both(a.high32, b.high32))
    }
    if (isEmpty(b)) return op === 'intersection' ? b : a
    if (isEmpty(a)) return op === 'union' ? b : a
    const { fn } = this
    const right = this.node(b)
    if (op === 'union') return inNode(I64, fn.op(Op.i64Or, this.node(a), right))
    const mask = op === 'intersection' ? right : fn.op(Op.i64Xor, right, fn.i64(-1))
    return inNode(I64, fn.op(Op.i64And, this.node(a), mask))
  }
  setEqual(a: Value, b: Value): Value {
    const differences = a.parts.map((part, i) => this.fn.op(Op.i64Xor, this.node(part), this.node(b.parts[i] as Value)))
    return this.#allZero(differences)
  }
  setWithin(a: Value, b: Value): Value {
    const outside = a.parts.map((part, i) =>
      this.node(this.#combined('difference', part, this.once(b.parts[i] as Value))),
    )
    return this.#allZero(outside)
  }
  #allZero(words: number[]): Value {
    const any = words.reduce((left, right) => this.fn.op(Op.i64Or, left, right))
    return inNode(I32, this.fn.op(Op.i64Eqz, any), 0, 1)
  }

  setHas(set: Value, element: Value): Value {
    const range = constantRange(set)
    if (range) {
      const [low, high] = range
      if (element.low >= low && element.high <= high) return constant(1)
      return this.op('ltU', this.op('sub', element, constant(low)), constant(high - low + 1))
    }
    const { fn } = this
    const value = this.once(element)
    const only = set.parts.length === 1 ? 0 : soleWord(set)
    const shifted = (word: Value): number =>
      fn.op(Op.i32WrapI64, fn.op(Op.i64ShrU, this.node(word), fn.op(Op.i64ExtendI32U, this.node(value))))
    if (only >= 0) {
      const bit = this.op('and', inNode(I32, shifted(set.parts[only] as Value)), constant(1))
      const inWord = this.op('ltU', this.op('sub', value, constant(only * WORD_BITS)), constant(WORD_BITS))
      const first = only * WORD_BITS
      return value.low >= first && value.high < first + WORD_BITS ? bit : this.op('and', bit, inWord)
    }
    const at = (i: number): number => this.node(set.parts[i] as Value)
    const above = (n: number): number => fn.op(Op.i32GeS, this.node(value), fn.i32(n * WORD_BITS))
    const word = fn.select(above(2), fn.select(above(3), at(3), at(2)), fn.select(above(1), at(1), at(0)))
    const bit = this.op('and', inNode(I32, shifted(inNode(I64, word))), constant(1))
    if (value.low >= 0 && value.high < PARTS.s * WORD_BITS) return bit
    return this.op('and', bit, this.op('ltU', value, constant(PARTS.s * WORD_BITS)))
  }

  setRange(kind: SetKind, low: Value, high: Value): Value {
    if (isConstant(low) && isConstant(high)) {
      return ofParts(Array.from({ length: PARTS[kind] }, (_, i) => constantWord(low.base, high.base, i)))
    }
    const [from, to] = [this.once(low), this.once(high)]
    const parts = Array.from({ length: PARTS[kind] }, (_, i) => this.#rangeWord(kind, from, to, i * WORD_BITS))
    return ofParts(parts.map(part => this.once(part)))
  }
  #rangeWord(kind: SetKind, low: Value, high: Value, first: number): Value {
    const { fn } = this
    const wide = (value: Value): number => fn.op(Op.i64ExtendI32U, this.node(value))
    const single = low === high || (low.kind === 'local' && low.base === high.base && low.offset === high.offset)
    if (single) {
      const bit = fn.op(Op.i64Shl, fn.i64(1), wide(low))
      if (kind === 't') return inNode(I64, bit)
      const here = fn.op(Op.i32Eq, fn.op(Op.i32ShrU, this.node(low), fn.i32(6)), fn.i32(first / WORD_BITS))
      return inNode(I64, fn.select(here, bit, fn.i64(0)))
    }
    // Bits from low up, and bits up to high: all of them where the end lies in another word.
    const fromLow = fn.op(Op.i64Shl, fn.i64(-1), wide(low))
    const toHigh = fn.op(Op.i64ShrU, fn.i64(-1), wide(this.op('sub', constant(WORD_BITS - 1), high)))
    if (kind === 't') return inNode(I64, fn.op(Op.i64And, fromLow, toHigh))
    const beyond = (value: Value, limit: number): number => fn.op(Op.i32GeS, this.node(value), fn.i32(limit))
    const last = first + WORD_BITS
    const lower = fn.select(beyond(low, last), fn.i64(0), fn.select(beyond(low, first), fromLow, fn.i64(-1)))
    const upper = fn.select(beyond(high, last), fn.i64(-1), fn.select(beyond(high, first), toHigh, fn.i64(0)))
    return inNode(I64, fn.op(Op.i64And, lower, upper))
  }
  widened(set: Value): Value {
    return ofParts([set.parts[0] as Value, constant64(0, 0), constant64(0, 0), constant64(0, 0)])
  }
  narrowed(set: Value): Value {
    return ofParts([set.parts[0] as Value])
  }
  setConstant(kind: SetKind, index: number): Value {
    const bytes = new Uint8Array(32)
    bytes.set(this.program.sets[index] as Uint8Array)
    const view = new DataView(bytes.buffer)
    return ofParts(
      Array.from({ length: PARTS[kind] }, (_, i) =>
        constant64(view.getInt32(i * 8, true), view.getInt32(i * 8 + 4, true)),
      ),
    )
  }
}

function isEmpty(word: Value): boolean {
  return word.kind === 'constant' && word.base === 0 && word.high32 === 0
}
/** The one word of a set that is not empty; -1 when it is not known to be alone. */
function soleWord(set: Value): number {
  const full = set.parts.map((part, i) => (isEmpty(part) ? -1 : i)).filter(i => i >= 0)
  return full.length === 1 ? (full[0] as number) : -1
}
function constantWord(low: number, high: number, word: number): Value {
  const half = (first: number): number => {
    let bits = 0
    for (let i = 0; i < HALF_BITS; i++) if (first + i >= low && first + i <= high) bits |= 1 << i
    return bits
  }
  return constant64(half(word * WORD_BITS), half(word * WORD_BITS + HALF_BITS))
}
/** The least and greatest element of a constant set that has all between them. */
function constantRange(set: Value): readonly [number, number] | undefined {
  if (!isConstant(set)) return undefined
  const bits = setBits(set)
  const has = (e: number): boolean => (((bits[e >> 5] ?? 0) >>> (e & 31)) & 1) === 1
  let low = 0
  while (low < bits.length * HALF_BITS && !has(low)) low++
  let high = low
  while (has(high + 1)) high++
  for (let e = high + 1; e < bits.length * HALF_BITS; e++) if (has(e)) return undefined
  return has(low) ? [low, high] : undefined
}
