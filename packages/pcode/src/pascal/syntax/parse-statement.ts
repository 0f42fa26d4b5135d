import type { Cursor } from './cursor.ts'
import { parseExpression, parseNamed } from './parse-expression.ts'
import { parseCaseConstants } from './parse-type.ts'
import { kindSet, Token, type TokenKind, tokenName } from './tokens.ts'
import type { Expression, LabelNode, Statement } from './tree.ts'

const MAX_LABEL = 9999

/** Word-symbols that begin a statement. */
const STATEMENT_WORDS = kindSet(
  Token.begin,
  Token.if,
  Token.while,
  Token.repeat,
  Token.for,
  Token.case,
  Token.with,
  Token.goto,
)
const STATEMENT_STARTS = kindSet(STATEMENT_WORDS, Token.identifier, Token.integer)
/** What may follow a statement. */
const STATEMENT_ENDS = kindSet(Token.semicolon, Token.endWord, Token.until, Token.else)
/** Where parsing goes on after an error in a statement. */
const RESUME = kindSet(STATEMENT_WORDS, STATEMENT_ENDS, Token.procedure, Token.function)

/** `begin … end` (ISO 7185 §6.8.3.2). */
export function parseCompound(p: Cursor): Statement & { readonly kind: 'compound' } {
  const { pos } = p
  p.expect(Token.begin)
  const body = parseSequence(p, Token.endWord)
  p.expect(Token.endWord)
  return { kind: 'compound', body, ...p.span(pos) }
}

function parseSequence(p: Cursor, closer: TokenKind): readonly Statement[] {
  const body: Statement[] = []
  for (;;) {
    body.push(parseStatement(p))
    if (p.accept(Token.semicolon)) continue
    if (p.kind === closer || p.kind === Token.end) break
    const before = p.pos
    if (STATEMENT_STARTS[p.kind] === 1) {
      p.failAfter('missing-semicolon', [p.shown()])
    } else if (p.kind === Token.else) {
      p.fail('semicolon-else')
      p.advance()
    } else if (closer === Token.until && p.kind === Token.endWord) {
      break
    } else {
      p.unexpected(`';' or ${tokenName(closer)}`)
      // `end.` here: the program is over, and this sequence was never closed.
      if (p.kind === Token.period && p.nextKind === Token.end) break
      p.skipTo(RESUME)
      if (CLOSERS[p.kind] === 1) break
      p.accept(Token.semicolon)
      if (p.pos === before) p.advance()
    }
  }
  return body
}

/** Tokens that end an enclosing statement or block rather than this sequence. */
const CLOSERS = kindSet(Token.endWord, Token.until, Token.procedure, Token.function)

/** A statement, with its label if it has one (§6.8.1). */
export function parseStatement(p: Cursor): Statement {
  if (p.kind === Token.integer) {
    const label = parseLabel(p)
    // Without its colon it was most likely not meant as a label.
    const isLabel = p.expect(Token.colon)
    const statement: Statement = parseUnlabelled(p)
    if (isLabel) statement.label = label
    return statement
  }
  return parseUnlabelled(p)
}

/** A label: an integer below 10,000 (§6.1.6). */
export function parseLabel(p: Cursor, isDeclaration = false): LabelNode {
  const { pos, end } = p
  if (p.kind !== Token.integer) {
    p.unexpected('a label')
    return { value: -1, pos, end }
  }
  const value = p.literal as number
  if (value > MAX_LABEL && isDeclaration) p.fail('label-form')
  p.advance()
  return { value, pos, end }
}

function parseUnlabelled(p: Cursor): Statement {
  const { pos, kind } = p
  if (kind === Token.identifier && !(OPERAND_STARTS[p.nextKind] === 1 && p.mend(...WORDS_BEFORE_OPERANDS))) {
    return parseNameStatement(p)
  }
  return parseWordStatement(p, pos)
}

/** What can follow a word-symbol that begins a statement, but no identifier that does. */
const OPERAND_STARTS = kindSet(Token.identifier, Token.integer, Token.real, Token.string, Token.not, Token.nil)
const WORDS_BEFORE_OPERANDS: readonly TokenKind[] = [
  Token.while,
  Token.if,
  Token.for,
  Token.case,
  Token.with,
  Token.goto,
  Token.repeat,
  Token.begin,
]

function parseWordStatement(p: Cursor, pos: number): Statement {
  const { kind } = p
  if (STATEMENT_ENDS[kind] === 1) return { kind: 'empty', pos, end: pos }
  if (STATEMENT_WORDS[kind] === 0) {
    p.fail('statement-expected', [p.shown()])
    p.skipTo(RESUME)
    return { kind: 'bad', ...p.span(pos) }
  }
  if (!p.enter()) {
    p.skipTo(AFTER_DEEP)
    return { kind: 'bad', ...p.span(pos) }
  }
  const statement = parseStructured(p)
  p.leave()
  return statement
}

const AFTER_DEEP = kindSet(Token.procedure, Token.function)

function parseStructured(p: Cursor): Statement {
  switch (p.kind) {
    case Token.begin:
      return parseCompound(p)
    case Token.if:
      return parseIf(p)
    case Token.while:
      return parseWhile(p)
    case Token.repeat:
      return parseRepeat(p)
    case Token.for:
      return parseFor(p)
    case Token.case:
      return parseCase(p)
    case Token.with:
      return parseWith(p)
    default: {
      const { pos } = p
      p.advance()
      const target = parseLabel(p)
      return { kind: 'goto', target, ...p.span(pos) }
    }
  }
}

function parseNameStatement(p: Cursor): Statement {
  const { pos } = p
  const target = parseNamed(p, p.name())
  if (p.kind === Token.becomes || p.kind === Token.equal) {
    if (p.kind === Token.equal) p.fail('equal-for-becomes')
    p.advance()
    const value = parseExpression(p)
    return { kind: 'assign', target, value, pos, end: value.end }
  }
  if (COMPOUND_OPERATORS[p.kind] === 1 && (p.nextKind === Token.equal || p.nextKind === p.kind)) {
    // `i += 1`, `i++`.
    const operator = tokenName(p.kind).slice(1, -1)
    const symbol = p.nextKind === Token.equal ? `${operator}=` : operator + operator
    p.fail('foreign-symbol', [`'${symbol}'`, `v := v ${operator} …`])
    p.advance()
    p.advance()
    if (STATEMENT_ENDS[p.kind] === 0) parseExpression(p)
    return { kind: 'bad', ...p.span(pos) }
  }
  return { kind: 'call', callee: target, pos, end: target.end }
}

const COMPOUND_OPERATORS = kindSet(Token.plus, Token.minus, Token.star, Token.slash)

/** `then`, `do`, `of`: reports their lack; what stands there instead is most likely the statement itself. */
function expectWord(p: Cursor, word: TokenKind): void {
  if (p.accept(word)) return
  if (p.mend(word)) {
    p.advance()
    return
  }
  p.unexpected(tokenName(word))
  if (p.kind === Token.thenWord || p.kind === Token.do || p.kind === Token.of) p.advance()
  else if (STATEMENT_STARTS[p.kind] === 0) p.skipTo(kindSet(RESUME, word))
  p.accept(word)
}

function parseIf(p: Cursor): Statement {
  const { pos } = p
  p.advance()
  const condition = parseExpression(p)
  expectWord(p, Token.thenWord)
  const whenTrue = parseStatement(p)
  if (p.kind === Token.semicolon && p.nextKind === Token.else) {
    p.fail('semicolon-else')
    p.advance()
  }
  const whenFalse = p.accept(Token.else) ? parseStatement(p) : undefined
  return { kind: 'if', condition, whenTrue, whenFalse, ...p.span(pos) }
}

function parseWhile(p: Cursor): Statement {
  const { pos } = p
  p.advance()
  const condition = parseExpression(p)
  expectWord(p, Token.do)
  const body = parseStatement(p)
  return { kind: 'while', condition, body, ...p.span(pos) }
}

function parseRepeat(p: Cursor): Statement {
  const { pos } = p
  p.advance()
  const body = parseSequence(p, Token.until)
  if (p.kind === Token.endWord && p.nextKind === Token.semicolon) {
    // Most likely it stands for until: the statements after it go on.
    p.unexpected("'until'")
    p.advance()
    return { kind: 'bad', ...p.span(pos) }
  }
  p.expect(Token.until)
  const condition = parseExpression(p)
  return { kind: 'repeat', condition, body, ...p.span(pos) }
}

function parseFor(p: Cursor): Statement {
  const { pos } = p
  p.advance()
  let variable = p.name('the control variable')
  if (p.kind === Token.equal) {
    p.fail('equal-for-becomes')
    p.advance()
  } else if (!p.expect(Token.becomes)) {
    // A component, most likely: nothing is said of its variable.
    variable = { ...variable, id: -1 }
    p.skipTo(FOR_RESUME)
    p.accept(Token.becomes)
  }
  const from = parseExpression(p)
  const isDown = p.kind === Token.downto
  if (isDown || p.kind === Token.to) p.advance()
  else if (p.mend(Token.to, Token.downto)) p.advance()
  else p.unexpected("'to' or 'downto'")
  const to = parseExpression(p)
  expectWord(p, Token.do)
  const body = parseStatement(p)
  return { kind: 'for', variable, from, to, isDown, body, ...p.span(pos) }
}

const FOR_RESUME = kindSet(RESUME, Token.becomes, Token.to, Token.downto, Token.do)

function parseCase(p: Cursor): Statement {
  const { pos } = p
  p.advance()
  const selector = parseExpression(p)
  expectWord(p, Token.of)
  const arms: { constants: readonly Expression[]; body: Statement }[] = []
  let otherwise: Statement | undefined
  while (p.kind !== Token.endWord && p.kind !== Token.end) {
    const before = p.pos
    if (p.dialect.lenientCase && p.isWord('otherwise')) {
      p.advance()
      p.accept(Token.colon)
      otherwise = parseStatement(p)
      p.accept(Token.semicolon)
      break
    }
    const constants = parseCaseConstants(p)
    p.expect(Token.colon)
    const body = parseStatement(p)
    arms.push({ constants, body })
    if (p.kind === Token.endWord) continue
    if (p.kind === Token.integer || p.kind === Token.identifier) {
      p.failAfter('missing-semicolon', [p.shown()])
    } else if (!p.accept(Token.semicolon)) {
      p.unexpected("';' or 'end'")
      p.skipTo(CASE_RESUME)
      p.accept(Token.semicolon)
      if (p.kind === Token.procedure || p.kind === Token.function) break
    }
    if (p.pos === before) p.advance()
  }
  if (arms.length === 0) p.unexpected('a case constant')
  p.expect(Token.endWord)
  return { kind: 'case', selector, arms, otherwise, ...p.span(pos) }
}

const CASE_RESUME = kindSet(Token.semicolon, Token.endWord, Token.procedure, Token.function)

function parseWith(p: Cursor): Statement {
  const { pos } = p
  p.advance()
  const records = [parseExpression(p)]
  while (p.accept(Token.comma)) records.push(parseExpression(p))
  expectWord(p, Token.do)
  const body = parseStatement(p)
  return { kind: 'with', records, body, ...p.span(pos) }
}
