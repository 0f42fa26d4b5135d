import type { Cursor } from './cursor.ts'
import { parseConstant } from './parse-expression.ts'
import { kindSet, Token } from './tokens.ts'
import type { Expression, FieldListNode, Name, TypeNode, VariantPartNode } from './tree.ts'

const CONSTANT_STARTS = kindSet(Token.integer, Token.real, Token.string, Token.plus, Token.minus)
const AFTER_TYPE = kindSet(
  Token.semicolon,
  Token.endWord,
  Token.rightParen,
  Token.begin,
  Token.var,
  Token.procedure,
  Token.function,
)

/** One or more identifiers with commas between them. */
export function parseNames(p: Cursor): readonly Name[] {
  const names = [p.name()]
  while (p.accept(Token.comma)) names.push(p.name())
  return names
}

/** A type (ISO 7185 §6.4.1). */
export function parseType(p: Cursor): TypeNode {
  const { pos } = p
  if (!p.enter()) {
    p.skipTo(AFTER_TYPE)
    return { kind: 'bad', ...p.span(pos) }
  }
  const node = parseTypeInside(p)
  p.leave()
  return node
}

function parseTypeInside(p: Cursor): TypeNode {
  const { pos } = p
  const kind: number = p.kind
  switch (kind) {
    case Token.identifier: {
      if (p.nextKind === Token.range) return parseSubrange(p)
      const name = p.name()
      if (p.dialect.strings && p.kind === Token.leftBracket) {
        p.advance()
        const length = parseConstant(p)
        p.expect(Token.rightBracket)
        return { kind: 'sized', name, length, ...p.span(pos) }
      }
      return { kind: 'type-name', ...name }
    }
    case Token.leftParen: {
      p.advance()
      const names = parseNames(p)
      p.expect(Token.rightParen)
      return { kind: 'enumeration', names, ...p.span(pos) }
    }
    case Token.arrow: {
      p.advance()
      const target = p.name('the name of a type')
      return { kind: 'pointer', target, ...p.span(pos) }
    }
    case Token.packed:
      p.advance()
      if (p.kind === Token.array || p.kind === Token.record || p.kind === Token.set || p.kind === Token.file) {
        return parseStructured(p, pos, true)
      }
      p.fail('not-structured')
      return parseType(p)
    case Token.array:
    case Token.record:
    case Token.set:
    case Token.file:
      return parseStructured(p, pos, false)
    default:
      if (CONSTANT_STARTS[p.kind] === 1) return parseSubrange(p)
      p.fail('type-expected', [p.shown()])
      p.skipTo(AFTER_TYPE)
      return { kind: 'bad', ...p.span(pos) }
  }
}

function parseSubrange(p: Cursor): TypeNode {
  const { pos } = p
  const low = parseConstant(p)
  p.expect(Token.range)
  const high = parseConstant(p)
  return { kind: 'subrange', low, high, ...p.span(pos) }
}

function parseStructured(p: Cursor, pos: number, packed: boolean): TypeNode {
  const { kind } = p
  p.advance()
  if (kind === Token.array) {
    p.expect(Token.leftBracket)
    const indexes = [parseType(p)]
    while (p.accept(Token.comma)) indexes.push(parseType(p))
    p.expect(Token.rightBracket)
    p.expect(Token.of)
    const component = parseType(p)
    return { kind: 'array', packed, indexes, component, ...p.span(pos) }
  }
  if (kind === Token.record) {
    const fields = parseFields(p)
    p.expect(Token.endWord)
    return { kind: 'record', packed, fields, ...p.span(pos) }
  }
  if (kind === Token.file && p.dialect.titles && p.kind !== Token.of)
    return { kind: 'file', packed, component: undefined, ...p.span(pos) }
  p.expect(Token.of)
  const component = parseType(p)
  if (kind === Token.set) return { kind: 'set', packed, base: component, ...p.span(pos) }
  return { kind: 'file', packed, component, ...p.span(pos) }
}

/** A field list (§6.4.3.3), which may be empty. */
function parseFields(p: Cursor): FieldListNode {
  const fixed: { names: readonly Name[]; type: TypeNode }[] = []
  let variant: VariantPartNode | undefined
  while (p.kind !== Token.endWord && p.kind !== Token.rightParen && p.kind !== Token.end) {
    if (p.kind === Token.case) {
      variant = parseVariantPart(p)
      p.accept(Token.semicolon)
      break
    }
    const before = p.pos
    const names = parseNames(p)
    p.expect(Token.colon)
    fixed.push({ names, type: parseType(p) })
    if (p.kind === Token.endWord || p.kind === Token.rightParen) break
    if (p.kind === Token.identifier && p.nextKind !== Token.semicolon) p.failAfter('missing-semicolon', [p.shown()])
    else if (!p.expect(Token.semicolon)) p.skipTo(AFTER_FIELD)
    p.accept(Token.semicolon)
    // Whatever went wrong, each turn takes a token, so that the loop ends.
    if (p.pos === before) p.advance()
    if (OUTSIDE_RECORD[p.kind] === 1) break
  }
  return { fixed, variant }
}

const AFTER_FIELD = kindSet(Token.semicolon, Token.endWord, Token.rightParen, Token.case, Token.begin, Token.procedure)
const OUTSIDE_RECORD = kindSet(Token.begin, Token.procedure, Token.function, Token.var, Token.const, Token.type)

function parseVariantPart(p: Cursor): VariantPartNode {
  const { pos } = p
  p.advance()
  const first = p.name('a tag field or its type')
  const isTagged = p.accept(Token.colon)
  const tagType = isTagged ? p.name('the name of the tag field’s type') : first
  if (!p.expect(Token.of)) {
    p.skipTo(kindSet(AFTER_FIELD, Token.of))
    p.accept(Token.of)
  }
  const variants: { constants: readonly Expression[]; fields: FieldListNode }[] = []
  while (p.kind !== Token.endWord && p.kind !== Token.rightParen && p.kind !== Token.end) {
    const before = p.pos
    const constants = parseCaseConstants(p)
    p.expect(Token.colon)
    if (!p.expect(Token.leftParen)) {
      // A field after the variant part: its names are no case constants, so that nothing more is said of them.
      p.skipTo(AFTER_FIELD)
      if (!p.accept(Token.semicolon)) break
      continue
    }
    const fields = p.nested(() => parseFields(p)) ?? { fixed: [], variant: undefined }
    p.expect(Token.rightParen)
    variants.push({ constants, fields })
    if (!p.accept(Token.semicolon)) break
    if (p.pos === before) p.advance()
  }
  return { tag: isTagged ? first : undefined, tagType, variants, ...p.span(pos) }
}

/** Case constants (§6.4.3.3, §6.8.3.5). */
export function parseCaseConstants(p: Cursor): readonly Expression[] {
  const constants: Expression[] = []
  do constants.push(parseConstant(p))
  while (p.accept(Token.comma))
  return constants
}
