import { DoppelError } from '@doppel/base'

/** An expression of C, as it was written. */
export type CExpression =
  | { readonly kind: 'number'; readonly value: bigint; readonly isUnsigned: boolean }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'name' | 'register'; readonly name: string }
  | { readonly kind: 'member'; readonly of: CExpression; readonly name: string; readonly isThrough: boolean }
  | { readonly kind: 'index'; readonly of: CExpression; readonly index: CExpression }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: CExpression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: CExpression; readonly right: CExpression }

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F]+|\d+\.\d*(?:[eE][-+]?\d+)?|\d+)([uUlL]*)|([A-Za-z_]\w*)|\$([A-Za-z_]\w*)|('(?:\\.|[^\\'])')|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>().[\]]))/y
/** C's binary operators, those that bind least first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
]
const UNARY = ['-', '+', '!', '~', '*', '&']
const ESCAPED: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, '0': 0, a: 7, b: 8, f: 12, v: 11, e: 27 }
/** Nested parentheses and operators. */
const MAX_DEPTH = 100
const MAX_TOKENS = 1000

interface Token {
  readonly text: string
  readonly expression?: CExpression
}

/** Reads names, members, elements, numbers and C's operators without side effects. Throws `debug.expression`. */
export function readCExpression(text: string): CExpression {
  return new Reader(tokensOf(text)).whole()
}

function wrong(what: string): DoppelError {
  return new DoppelError('debug.expression', what)
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) throw wrong(`'${text.slice(at).trim().slice(0, 20)}' cannot be read`)
    if (tokens.length === MAX_TOKENS) throw wrong('it is too long')
    tokens.push(tokenOf(match))
  }
  return tokens
}
function tokenOf([, number, suffix = '', name, register, letter, operator = '']: RegExpExecArray): Token {
  if (number?.includes('.')) return { text: number, expression: { kind: 'float', value: Number(number) } }
  if (number !== undefined) {
    const value = BigInt(/^0\d/.test(number) ? `0o${number.slice(1)}` : number)
    const isUnsigned = /u/i.test(suffix) || value >> 63n !== 0n
    return { text: number, expression: { kind: 'number', value: BigInt.asUintN(64, value), isUnsigned } }
  }
  if (name !== undefined) return { text: name, expression: { kind: 'name', name } }
  if (register !== undefined) return { text: register, expression: { kind: 'register', name: register } }
  if (letter === undefined) return { text: operator }
  const inner = letter.slice(1, -1)
  const code = inner.startsWith('\\') ? (ESCAPED[inner[1] ?? ''] ?? inner.charCodeAt(1)) : inner.charCodeAt(0)
  return { text: letter, expression: { kind: 'number', value: BigInt(code), isUnsigned: false } }
}

class Reader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }
  whole(): CExpression {
    const expression = this.#binary(0, 0)
    const left = this.#tokens[this.#at]
    if (left) throw wrong(`'${left.text}' is not expected there`)
    return expression
  }
  #take(...texts: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at]
    if (!token || token.expression || !texts.includes(token.text)) return undefined
    this.#at++
    return token.text
  }
  #expect(text: string): void {
    if (this.#take(text) === undefined) throw wrong(`'${text}' is missing`)
  }
  #binary(level: number, depth: number): CExpression {
    const operators = LEVELS[level]
    if (!operators) return this.#unary(depth)
    let left = this.#binary(level + 1, depth)
    for (let operator = this.#take(...operators); operator !== undefined; operator = this.#take(...operators)) {
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1, depth) }
    }
    return left
  }
  #unary(depth: number): CExpression {
    if (depth > MAX_DEPTH) throw wrong('it is nested too deeply')
    const operator = this.#take(...UNARY)
    return operator === undefined ? this.#postfix(depth) : { kind: 'unary', operator, of: this.#unary(depth + 1) }
  }
  #postfix(depth: number): CExpression {
    let of = this.#primary(depth)
    for (;;) {
      const operator = this.#take('.', '->', '[')
      if (operator === undefined) return of
      if (operator === '[') {
        of = { kind: 'index', of, index: this.#binary(0, depth + 1) }
        this.#expect(']')
      } else {
        const member = this.#tokens[this.#at++]?.expression
        if (member?.kind !== 'name') throw wrong(`a member's name is missing behind '${operator}'`)
        of = { kind: 'member', of, name: member.name, isThrough: operator === '->' }
      }
    }
  }
  #primary(depth: number): CExpression {
    if (this.#take('(') !== undefined) {
      const inner = this.#binary(0, depth + 1)
      this.#expect(')')
      return inner
    }
    const token = this.#tokens[this.#at++]
    if (!token) throw wrong('something is missing at its end')
    if (!token.expression) throw wrong(`'${token.text}' is not expected there`)
    return token.expression
  }
}
