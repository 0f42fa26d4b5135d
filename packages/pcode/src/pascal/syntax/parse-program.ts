import type { Cursor } from './cursor.ts'
import { parseConstant } from './parse-expression.ts'
import { parseCompound, parseLabel } from './parse-statement.ts'
import { parseNames, parseType } from './parse-type.ts'
import { kindSet, Token, type TokenKind } from './tokens.ts'
import type {
  Block,
  Declaration,
  Expression,
  HeadingNode,
  LabelNode,
  Name,
  ParameterNode,
  ParameterTypeNode,
  ProgramNode,
  RoutineNode,
  TypeNode,
  UnitNode,
  UsedUnit,
} from './tree.ts'

/** Declaration parts in the order that ISO 7185 §6.2.1 gives them. */
const PART_ORDER: readonly (readonly [number, string])[] = [
  [Token.label, 'label'],
  [Token.const, 'const'],
  [Token.type, 'type'],
  [Token.var, 'var'],
  [Token.procedure, 'procedure and function'],
  [Token.function, 'procedure and function'],
]
const PART_STARTS = kindSet(Token.label, Token.const, Token.type, Token.var, Token.procedure, Token.function)
const PART_WORDS: readonly TokenKind[] = [
  Token.label,
  Token.const,
  Token.type,
  Token.var,
  Token.procedure,
  Token.function,
  Token.begin,
]
const DECLARATION_RESUME = kindSet(PART_STARTS, Token.begin)
const AFTER_ITEM = kindSet(DECLARATION_RESUME, Token.semicolon)

/** A whole program (ISO 7185 §6.10). */
export function parseProgram(p: Cursor): ProgramNode {
  const { pos } = p
  p.expect(Token.program)
  const name = p.name('the name of the program')
  let parameters: readonly Name[] = []
  if (p.accept(Token.leftParen)) {
    parameters = parseNames(p)
    p.expect(Token.rightParen)
  }
  if (!p.expect(Token.semicolon)) p.skipTo(DECLARATION_RESUME)
  const units: UnitNode[] = []
  while (p.dialect.units && p.isWord('unit')) {
    units.push(parseUnit(p))
    p.expect(Token.semicolon)
  }
  const uses = parseUses(p)
  const block = parseBlock(p)
  if (p.expect(Token.period) && p.kind !== Token.end) p.fail('text-after-end')
  return { name, parameters, units, uses, block, ...p.span(pos) }
}

/** A file of units (UCSD). */
export function parseUnitFile(p: Cursor): readonly [UnitNode, ...UnitNode[]] {
  const units: [UnitNode, ...UnitNode[]] = [parseUnit(p)]
  while (p.accept(Token.semicolon)) units.push(parseUnit(p))
  if (p.expect(Token.period) && p.kind !== Token.end) p.fail('text-after-end')
  return units
}

function parseUnit(p: Cursor): UnitNode {
  const { pos } = p
  p.expectWord('unit')
  const name = p.name('the name of the unit')
  p.expect(Token.semicolon)
  p.expectWord('interface')
  const uses = parseUses(p)
  const offers = parseDeclarations(p, parseOffer)
  p.expectWord('implementation')
  const implementation = parseDeclarations(p, parseRoutine)
  p.expect(Token.endWord)
  return { name, uses, offers, implementation, ...p.span(pos) }
}

/** `uses a, b;` */
function parseUses(p: Cursor): readonly UsedUnit[] {
  if (!p.dialect.units || !p.isWord('uses')) return []
  const used: UsedUnit[] = []
  do {
    p.advance()
    const { unitFile: file } = p
    used.push({ ...p.name(), file })
  } while (p.kind === Token.comma)
  p.expect(Token.semicolon)
  return used
}

/** The heading of a routine that a unit offers. */
function parseOffer(p: Cursor): RoutineNode {
  const { pos } = p
  const heading = parseHeading(p)
  p.expect(Token.semicolon)
  return { kind: 'routine', heading, directive: undefined, isOffer: true, block: undefined, ...p.span(pos) }
}

/** Declarations and a compound statement (§6.2.1). */
function parseBlock(p: Cursor): Block {
  const { pos } = p
  const declarations = parseDeclarations(p, parseRoutine)
  const body = parseCompound(p)
  return { declarations, body, ...p.span(pos) }
}

/** Declaration parts up to what can follow them (§6.2.1). */
function parseDeclarations(p: Cursor, routine: (p: Cursor) => RoutineNode): readonly Declaration[] {
  const declarations: Declaration[] = []
  let reached = -1
  for (;;) {
    if (isSegment(p)) p.advance()
    if (p.nextKind === Token.identifier) p.mend(...PART_WORDS)
    if (PART_STARTS[p.kind] === 1) {
      const part = PART_ORDER.findIndex(([kind]) => kind === p.kind)
      checkOrder(p, part, reached)
      reached = Math.max(reached, part)
      declarations.push(parseDeclaration(p, routine))
    } else if (p.kind === Token.begin || p.kind === Token.end || p.kind === Token.period || endsUnitPart(p)) {
      break
    } else {
      p.unexpected("a declaration or 'begin'")
      p.advance()
      p.skipTo(DECLARATION_RESUME)
    }
  }
  return declarations
}

/** What ends a part of a unit, and is nothing elsewhere. */
function endsUnitPart(p: Cursor): boolean {
  return p.dialect.units && (p.isWord('implementation') || p.kind === Token.endWord)
}

function checkOrder(p: Cursor, part: number, reached: number): void {
  const routines = 4
  if (part >= routines && reached >= routines) return
  const [, name] = PART_ORDER[part] as readonly [number, string]
  if (part === reached) p.fail('declaration-twice', [name])
  else if (part < reached) p.fail('declaration-order', [name, (PART_ORDER[reached] as readonly [number, string])[1]])
}

function parseDeclaration(p: Cursor, routine: (p: Cursor) => RoutineNode): Declaration {
  const { pos, kind } = p
  switch (kind) {
    case Token.label:
      return parseLabels(p)
    case Token.const: {
      const items: { name: Name; value: Expression }[] = []
      p.advance()
      parseItems(p, () => {
        const name = p.name()
        expectEqual(p)
        items.push({ name, value: parseConstant(p) })
      })
      return { kind: 'consts', items, ...p.span(pos) }
    }
    case Token.type: {
      const items: { name: Name; type: TypeNode }[] = []
      p.advance()
      parseItems(p, () => {
        const name = p.name()
        expectEqual(p)
        items.push({ name, type: parseType(p) })
      })
      return { kind: 'types', items, ...p.span(pos) }
    }
    case Token.var: {
      const items: { names: readonly Name[]; type: TypeNode }[] = []
      p.advance()
      parseItems(p, () => {
        const names = parseNames(p)
        p.expect(Token.colon)
        items.push({ names, type: parseType(p) })
      })
      return { kind: 'vars', items, ...p.span(pos) }
    }
    default:
      return routine(p)
  }
}

function expectEqual(p: Cursor): void {
  if (p.kind === Token.becomes) {
    p.fail('becomes-for-equal')
    p.advance()
  } else {
    p.expect(Token.equal)
  }
}

function parseLabels(p: Cursor): Declaration {
  const { pos } = p
  p.advance()
  const labels: LabelNode[] = []
  do labels.push(parseLabel(p, true))
  while (p.accept(Token.comma))
  p.expect(Token.semicolon)
  return { kind: 'labels', labels, ...p.span(pos) }
}

/** Items that each end with `;`: at least one, and as long as an identifier begins another. */
function parseItems(p: Cursor, item: () => void): void {
  do {
    item()
    if (p.accept(Token.semicolon)) continue
    if (p.kind === Token.identifier || DECLARATION_RESUME[p.kind] === 1) {
      p.failAfter('missing-semicolon', [p.shown()])
    } else {
      p.expect(Token.semicolon)
      p.skipTo(AFTER_ITEM)
      p.accept(Token.semicolon)
    }
  } while (
    p.kind === Token.identifier &&
    !isSegment(p) &&
    !endsUnitPart(p) &&
    !(p.nextKind === Token.identifier && p.mend(...PART_WORDS))
  )
}

/** `segment` before a routine, which is no word-symbol (UCSD). */
function isSegment(p: Cursor): boolean {
  const isBefore = p.nextKind === Token.procedure || p.nextKind === Token.function
  return isBefore && p.dialect.segments && p.isWord('segment')
}

/** A procedure or function with its block or directive (§6.6.1, §6.6.2). */
function parseRoutine(p: Cursor): RoutineNode {
  const { pos } = p
  const heading = parseHeading(p)
  if (!p.accept(Token.semicolon)) p.failAfter('missing-semicolon', [p.shown()])
  let directive: Name | undefined
  let block: Block | undefined
  if (p.kind === Token.identifier) {
    directive = { id: p.value, pos: p.pos, end: p.end }
    p.advance()
  } else {
    block = p.nested(() => parseBlock(p))
  }
  if (!p.accept(Token.semicolon)) {
    if (PART_STARTS[p.kind] === 1 || p.kind === Token.begin) p.failAfter('missing-semicolon', [p.shown()])
    else p.expect(Token.semicolon)
  }
  return { kind: 'routine', heading, directive, block, ...p.span(pos) }
}

function parseHeading(p: Cursor): HeadingNode {
  const { pos } = p
  const isFunction = p.kind === Token.function
  p.advance()
  const name = p.name(isFunction ? 'the name of the function' : 'the name of the procedure')
  const parameters = p.kind === Token.leftParen ? parseParameters(p) : undefined
  let result: Name | undefined
  if (isFunction && p.accept(Token.colon)) {
    if (p.kind === Token.identifier) {
      result = p.name()
    } else {
      p.fail('result-type')
      parseType(p)
      result = { id: -1, pos: p.pos, end: p.pos }
    }
  }
  if (!isFunction && p.kind === Token.colon) {
    p.fail('expected', ["';'", "':'"], 'only a function has a result')
    p.advance()
    p.accept(Token.identifier)
  }
  return { isFunction, name, parameters, result, ...p.span(pos) }
}

function parseParameters(p: Cursor): readonly ParameterNode[] {
  const parameters: ParameterNode[] = []
  p.advance()
  do {
    const { pos } = p
    if (p.kind === Token.procedure || p.kind === Token.function) {
      const heading = p.nested(() => parseHeading(p))
      if (heading) parameters.push({ kind: 'routine', heading, ...p.span(pos) })
      else p.advance()
    } else {
      const kind = p.accept(Token.var) ? 'var' : 'value'
      const names = parseNames(p)
      p.expect(Token.colon)
      parameters.push({ kind, names, type: parseParameterType(p), ...p.span(pos) })
    }
  } while (p.accept(Token.semicolon))
  if (!p.expect(Token.rightParen)) {
    p.skipTo(AFTER_PARAMETERS)
    p.accept(Token.rightParen)
  }
  return parameters
}

const AFTER_PARAMETERS = kindSet(Token.rightParen, Token.semicolon, Token.begin)

/** A type-identifier, or a conformant array schema (§6.6.3.7). */
function parseParameterType(p: Cursor): ParameterTypeNode {
  const { pos } = p
  const isArray = p.kind === Token.array || (p.kind === Token.packed && p.nextKind === Token.array)
  if (p.kind === Token.identifier) return { kind: 'type-name', ...p.name() }
  if (!isArray) {
    p.fail('new-type-here')
    parseType(p)
    return { kind: 'bad', ...p.span(pos) }
  }
  if (!p.dialect.conformantArrays) {
    p.fail('conformant-level')
    p.skipTo(AFTER_PARAMETERS)
    return { kind: 'bad', ...p.span(pos) }
  }
  return p.nested(() => parseConformant(p)) ?? { kind: 'bad', ...p.span(pos) }
}

function parseConformant(p: Cursor): ParameterTypeNode {
  const { pos } = p
  const packed = p.accept(Token.packed)
  p.expect(Token.array)
  p.expect(Token.leftBracket)
  const indexes: { low: Name; high: Name; type: Name }[] = []
  do {
    const low = p.name('the name of a lower bound')
    p.expect(Token.range)
    const high = p.name('the name of an upper bound')
    p.expect(Token.colon)
    indexes.push({ low, high, type: p.name('the name of the index type') })
    if (packed && p.kind === Token.semicolon) p.fail('conformant-packed')
  } while (p.accept(Token.semicolon))
  p.expect(Token.rightBracket)
  p.expect(Token.of)
  if (packed && p.kind !== Token.identifier) p.fail('conformant-packed')
  const component = parseParameterType(p)
  return { kind: 'conformant', packed, indexes, component, ...p.span(pos) }
}
