import type { Cursor } from './cursor.ts'
import { kindSet, Token } from './tokens.ts'
import type { Argument, Expression, Name, SetMember } from './tree.ts'

const RELATIONAL = kindSet(
  Token.equal,
  Token.notEqual,
  Token.less,
  Token.greater,
  Token.lessEqual,
  Token.greaterEqual,
  Token.in,
)
const ADDING = kindSet(Token.plus, Token.minus, Token.or)
const MULTIPLYING = kindSet(Token.star, Token.slash, Token.div, Token.mod, Token.and)

/** Expression (ISO 7185 §6.7.1): at most one relational operator. */
export function parseExpression(p: Cursor, isIndex = false): Expression {
  const { pos } = p
  if (!p.enter()) {
    p.skipTo(AFTER_DEEP)
    return { kind: 'bad', ...p.span(pos) }
  }
  const left = parseSimple(p)
  let result = left
  if (RELATIONAL[p.kind] === 1) {
    const operator = p.kind
    p.advance()
    const right = parseSimple(p)
    result = { kind: 'binary', operator, left, right, pos, end: right.end }
    while (RELATIONAL[p.kind] === 1) {
      p.fail('relation-twice')
      p.advance()
      result = { kind: 'bad', pos, end: parseSimple(p).end }
    }
  } else if (p.kind === Token.becomes && !isIndex) {
    p.fail('becomes-in-expression')
    p.advance()
    parseSimple(p)
    result = { kind: 'bad', ...p.span(pos) }
  }
  p.leave()
  return result
}

const AFTER_DEEP = kindSet(Token.semicolon, Token.endWord, Token.thenWord, Token.do, Token.of)

/** Simple expression: a sign stands before its first term, and applies to it. */
function parseSimple(p: Cursor): Expression {
  const { pos, kind } = p
  let left: Expression
  if (kind === Token.plus || kind === Token.minus) {
    p.advance()
    const operand = parseTerm(p)
    left = { kind: 'unary', operator: kind, operand, pos, end: operand.end }
  } else {
    left = parseTerm(p)
  }
  let operators = 0
  while (ADDING[p.kind] === 1 && p.extend()) {
    operators++
    const operator = p.kind
    p.advance()
    const right = parseTerm(p)
    left = { kind: 'binary', operator, left, right, pos, end: right.end }
  }
  p.retract(operators)
  return left
}

function parseTerm(p: Cursor): Expression {
  const { pos } = p
  let left = parseFactor(p)
  let operators = 0
  while (MULTIPLYING[p.kind] === 1 && p.extend()) {
    operators++
    const operator = p.kind
    p.advance()
    const right = parseFactor(p)
    left = { kind: 'binary', operator, left, right, pos, end: right.end }
  }
  p.retract(operators)
  return left
}

function parseFactor(p: Cursor): Expression {
  const { pos, end } = p
  switch (p.kind) {
    case Token.identifier:
      return parseNamed(p, p.name())
    case Token.integer:
    case Token.real:
    case Token.string: {
      const kind = p.kind === Token.integer ? 'integer' : p.kind === Token.real ? 'real' : 'string'
      const value = p.literal
      p.advance()
      return { kind, value, pos, end }
    }
    case Token.nil:
      p.advance()
      return { kind: 'nil', pos, end }
    case Token.leftParen: {
      p.advance()
      const inner = parseExpression(p)
      p.close(Token.rightParen)
      // An operator’s span takes its parentheses in, so that carets under operands show them.
      if (inner.kind === 'binary' || inner.kind === 'unary') return { ...inner, pos, end: p.lastEnd }
      return { ...inner, isParenthesized: true }
    }
    case Token.not: {
      p.advance()
      if (!p.enter()) return { kind: 'bad', pos, end }
      const operand = parseFactor(p)
      p.leave()
      return { kind: 'unary', operator: Token.not, operand, pos, end: operand.end }
    }
    case Token.leftBracket:
      return parseSet(p)
    case Token.program:
      // `exit(program)` names the program by the word.
      if (p.dialect.exits) {
        const id = p.value
        p.advance()
        return { kind: 'name', id, pos, end }
      }
      p.unexpected('an expression')
      return { kind: 'bad', pos, end }
    default:
      if (p.kind === Token.plus || p.kind === Token.minus) {
        p.fail(
          'expected',
          ['an operand', `${p.shown()}: a sign can stand only first in an expression`],
          'use parentheses',
        )
        p.advance()
        return parseFactor(p)
      }
      if (p.kind === Token.period && p.nextKind === Token.integer) {
        p.advance()
        const digits = p.shown()
        p.advance()
        p.diagnostics.report('number-form', p.span(pos), [`.${digits}`, `0.${digits}`])
        return { kind: 'bad', ...p.span(pos) }
      }
      p.unexpected('an expression')
      return { kind: 'bad', pos, end }
  }
}

function parseSet(p: Cursor): Expression {
  const { pos } = p
  p.advance()
  const members: SetMember[] = []
  if (p.kind !== Token.rightBracket) {
    do {
      const low = parseExpression(p)
      const high = p.accept(Token.range) ? parseExpression(p) : undefined
      members.push({ low, high })
    } while (p.accept(Token.comma))
  }
  p.close(Token.rightBracket)
  return { kind: 'set', members, ...p.span(pos) }
}

/** What follows an identifier: arguments, indexes, fields, arrows (§6.5.1, §6.7.3). */
export function parseNamed(p: Cursor, name: Name): Expression {
  const { pos } = name
  let base: Expression =
    p.kind === Token.leftParen
      ? { kind: 'call', callee: name, args: parseArguments(p), pos, end: p.lastEnd }
      : { kind: 'name', id: name.id, pos, end: name.end }
  for (let selectors = 0; ; selectors++) {
    const isSelector =
      p.kind === Token.leftBracket || p.kind === Token.arrow || (p.kind === Token.period && p.nextKind !== Token.end)
    if (!isSelector || !p.extend()) {
      p.retract(selectors)
      return base
    }
    if (p.kind === Token.leftBracket) {
      p.advance()
      const indexes: Expression[] = []
      do indexes.push(parseExpression(p, true))
      while (p.accept(Token.comma))
      p.close(Token.rightBracket)
      base = { kind: 'index', base, indexes, pos, end: p.lastEnd }
    } else if (p.kind === Token.period) {
      p.advance()
      const field = p.name('the name of a field')
      base = { kind: 'field', base, field, pos, end: p.lastEnd }
    } else {
      p.advance()
      base = { kind: 'arrow', base, pos, end: p.lastEnd }
    }
  }
}

/** `=c` and `<>c`, as `scan` takes them (UCSD). */
function parsePartial(p: Cursor): Expression | undefined {
  const { kind: operator, pos } = p
  if (!p.dialect.strings || (operator !== Token.equal && operator !== Token.notEqual)) return undefined
  p.advance()
  const operand = parseSimple(p)
  return { kind: 'unary', operator, operand, pos, end: operand.end }
}

function parseArguments(p: Cursor): readonly Argument[] {
  const args: Argument[] = []
  p.advance()
  do {
    const value = parsePartial(p) ?? parseExpression(p)
    const width = p.accept(Token.colon) ? parseExpression(p) : undefined
    const digits = width !== undefined && p.accept(Token.colon) ? parseExpression(p) : undefined
    args.push({ value, width, digits })
  } while (p.accept(Token.comma))
  p.close(Token.rightParen)
  return args
}

/** A constant (§6.3): a literal or a name, with a sign where it is a number. */
export function parseConstant(p: Cursor): Expression {
  const { pos, kind } = p
  if (kind === Token.plus || kind === Token.minus) {
    p.advance()
    const operand = parseConstant(p)
    return { kind: 'unary', operator: kind, operand, pos, end: operand.end }
  }
  if (kind === Token.identifier) return { kind: 'name', ...p.name() }
  if (kind === Token.integer || kind === Token.real || kind === Token.string) return parseFactor(p)
  p.unexpected('a constant')
  return { kind: 'bad', pos, end: p.end }
}
