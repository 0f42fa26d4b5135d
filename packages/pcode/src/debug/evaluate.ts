import { DoppelError } from '@doppel/base'
import { has, isEqual, isSubset, rangeSet } from '../machine/bit-sets.ts'
import type { Runtime } from '../machine/runtime.ts'
import { NIL } from '../program/program.ts'
import type { TypeSymbol } from '../program/type-symbol.ts'
import { Token } from '../pascal/syntax/tokens.ts'
import type { Expression } from '../pascal/syntax/tree.ts'
import { arrayShape, charsOf, type Content, contentOf, elementOf, followed, type Place, stringOf } from './datum.ts'
import { FUNCTIONS } from './evaluate-functions.ts'
import { arithmetic, compared } from './evaluate-operators.ts'
import type { WrittenExpression } from './read-expression.ts'
import { isText } from './shown-value.ts'

/** What an expression stands for: a variable, or a value. */
export type Datum = { readonly place: Place } | { readonly type: TypeSymbol; readonly content: Content }

/** What names mean where an expression is looked at. */
export interface NamesInScope {
  variable(name: string): Place | undefined
  /** A value of an enumeration. */
  constant(name: string): { readonly type: TypeSymbol; readonly content: number } | undefined
}

const INTEGER: TypeSymbol = { kind: 'integer', bytes: 4 }
const BOOLEAN: TypeSymbol = { kind: 'boolean', bytes: 1 }
const CHAR: TypeSymbol = { kind: 'char', bytes: 1 }
const REAL: TypeSymbol = { kind: 'real' }
const UNKNOWN: TypeSymbol = { kind: 'unknown' }

/** Evaluates what was read: variables, literals, operators and the functions of ordinals and numbers. Throws `debug.value`. */
export function evaluate(runtime: Runtime, names: NamesInScope, { tree, nameOf }: WrittenExpression): Datum {
  return new Evaluation(runtime, names, nameOf).of(tree)
}

/** Reads a datum's value. */
export function contentsOf(runtime: Runtime, datum: Datum): { readonly type: TypeSymbol; readonly content: Content } {
  if (!('place' in datum)) return datum
  const place = followed(runtime, datum.place)
  const { type, address } = place
  const shape = arrayShape(runtime, place)
  if (shape && isText(type))
    return { type, content: charsOf(runtime, address, Math.max(0, shape.high - shape.low + 1)) }
  if (type.kind === 'string') return { type, content: stringOf(runtime, address) }
  return { type, content: contentOf(runtime, place) }
}

class Evaluation {
  readonly #runtime: Runtime
  readonly #names: NamesInScope
  readonly #nameOf: (id: number) => string
  constructor(runtime: Runtime, names: NamesInScope, nameOf: (id: number) => string) {
    this.#runtime = runtime
    this.#names = names
    this.#nameOf = nameOf
  }

  of(node: Expression): Datum {
    switch (node.kind) {
      case 'name':
        return this.#name(this.#nameOf(node.id))
      case 'integer':
        return { type: INTEGER, content: node.value as number }
      case 'real':
        return { type: REAL, content: node.value as number }
      case 'string': {
        const text = node.value as string
        return text.length === 1 ? { type: CHAR, content: text.charCodeAt(0) } : { type: UNKNOWN, content: text }
      }
      case 'nil':
        return { type: { kind: 'pointer', target: () => UNKNOWN }, content: NIL }
      case 'set':
        return this.#set(node.members)
      case 'unary':
        return this.#unary(node.operator, this.#value(node.operand))
      case 'binary':
        return this.#binary(node.operator, node.left, node.right)
      case 'index':
        return node.indexes.reduce<Datum>((base, index) => this.#element(base, index), this.of(node.base))
      case 'field':
        return this.#field(this.of(node.base), this.#nameOf(node.field.id))
      case 'arrow':
        return this.#target(this.of(node.base))
      case 'call': {
        const name = this.#nameOf(node.callee.id)
        const row = FUNCTIONS.get(name)
        if (!row) throw refused(`${name} cannot be called from here`)
        return row(node.args.map(({ value }) => this.#value(value)))
      }
      case 'bad':
        throw refused('this is no expression')
    }
  }

  #name(name: string): Datum {
    const place = this.#names.variable(name)
    if (place) return { place: followed(this.#runtime, place) }
    if (name === 'true' || name === 'false') return { type: BOOLEAN, content: Number(name === 'true') }
    if (name === 'maxint') return { type: INTEGER, content: 0x7fff_ffff }
    const constant = this.#names.constant(name)
    if (constant) return constant
    throw refused(`${name} is no variable that is seen from here`)
  }
  #place(datum: Datum, what: string): Place {
    if ('place' in datum) return followed(this.#runtime, datum.place)
    throw refused(`what ${what} stands behind is no variable`)
  }
  #value(node: Expression): { readonly type: TypeSymbol; readonly content: NonNullable<Content> } {
    const { type, content } = contentsOf(this.#runtime, this.of(node))
    if (content === undefined) throw refused('a value is undefined, or has parts')
    return { type, content }
  }
  #number(node: Expression): number {
    const { content } = this.#value(node)
    if (typeof content !== 'number') throw refused('a number is needed')
    return content
  }

  #element(base: Datum, index: Expression): Datum {
    const place = this.#place(base, '[ ]')
    const shape = arrayShape(this.#runtime, place)
    if (!shape) throw refused('[ ] needs an array')
    const at = this.#number(index)
    if (at < shape.low || at > shape.high) throw refused(`index ${at} is not in ${shape.low}..${shape.high}`)
    return { place: elementOf(shape, place, at) as Place }
  }
  #field(base: Datum, name: string): Datum {
    const place = this.#place(base, `.${name}`)
    const field = place.type.kind === 'record' ? place.type.fields.find(f => f.name.toLowerCase() === name) : undefined
    if (!field) throw refused(`there is no field ${name}`)
    return { place: { ...place, type: field.type, address: place.address + field.offset } }
  }
  #target(base: Datum): Datum {
    const place = this.#place(base, '^')
    const { type, address, frame } = place
    if (type.kind === 'file') {
      return { place: { type: type.component, address: this.#runtime.buffer(address), frame } }
    }
    const pointer = contentOf(this.#runtime, place)
    if (type.kind !== 'pointer') throw refused('^ needs a pointer')
    const state = typeof pointer === 'number' ? this.#runtime.heap.state(pointer) : 'none'
    if (state !== 'live') throw refused(state === 'nil' ? 'the pointer is nil' : 'the pointer leads nowhere')
    return { place: { type: type.target(), address: pointer as number, frame } }
  }

  #set(members: readonly { readonly low: Expression; readonly high: Expression | undefined }[]): Datum {
    let element: TypeSymbol = UNKNOWN
    const set = new Uint8Array(32)
    for (const { low, high } of members) {
      const first = this.#value(low)
      element = first.type
      const range = rangeSet(this.#number(low), this.#number(high ?? low))
      range.forEach((bits, i) => void (set[i] = (set[i] as number) | bits))
    }
    return { type: { kind: 'set', bytes: 32, element }, content: set }
  }
  #unary(operator: number, { type, content }: { type: TypeSymbol; content: NonNullable<Content> }): Datum {
    if (operator === Token.not && type.kind === 'boolean') return { type, content: Number(content === 0) }
    if (operator !== Token.not && (type.kind === 'integer' || type.kind === 'real')) {
      return { type, content: operator === Token.minus ? -(content as number) : content }
    }
    throw refused('the operator does not fit its operand')
  }
  #binary(operator: number, leftNode: Expression, rightNode: Expression): Datum {
    const left = this.#value(leftNode)
    if (operator === Token.and && left.content === 0) return { type: BOOLEAN, content: 0 }
    if (operator === Token.or && left.content === 1 && left.type.kind === 'boolean')
      return { type: BOOLEAN, content: 1 }
    const right = this.#value(rightNode)
    const [a, b] = [left.content, right.content]
    if (operator === Token.in && typeof a === 'number' && b instanceof Uint8Array) {
      return { type: BOOLEAN, content: Number(has(b, a)) }
    }
    if (a instanceof Uint8Array && b instanceof Uint8Array) return setOperation(operator, left.type, a, b)
    const order =
      typeof a === typeof b && !(a instanceof Uint8Array) ? compared(operator, a, b as number | string) : undefined
    if (order !== undefined) return { type: BOOLEAN, content: Number(order) }
    if (operator === Token.and || operator === Token.or) return { type: BOOLEAN, content: b as number }
    if (typeof a !== 'number' || typeof b !== 'number') throw refused('the operator does not fit its operands')
    const isReal = left.type.kind === 'real' || right.type.kind === 'real' || operator === Token.slash
    return { type: isReal ? REAL : INTEGER, content: arithmetic(operator, a, b) }
  }
}

function setOperation(operator: number, type: TypeSymbol, a: Uint8Array, b: Uint8Array): Datum {
  const made = (op: (x: number, y: number) => number): Datum => ({
    type,
    content: a.map((x, i) => op(x, b[i] as number)),
  })
  switch (operator) {
    case Token.plus:
      return made((x, y) => x | y)
    case Token.star:
      return made((x, y) => x & y)
    case Token.minus:
      return made((x, y) => x & ~y)
    case Token.equal:
      return { type: BOOLEAN, content: Number(isEqual(a, b)) }
    case Token.notEqual:
      return { type: BOOLEAN, content: Number(!isEqual(a, b)) }
    case Token.lessEqual:
      return { type: BOOLEAN, content: Number(isSubset(a, b)) }
    case Token.greaterEqual:
      return { type: BOOLEAN, content: Number(isSubset(b, a)) }
    default:
      throw refused('sets have no such operator')
  }
}

/** Says why there is no value. */
export function refused(why: string): DoppelError {
  return new DoppelError('debug.value', why)
}
