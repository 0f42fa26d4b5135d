import { type Diagnostic, Diagnostics } from '../diagnostics.ts'
import { type Dialect, DIALECTS } from '../dialect.ts'
import { Sources } from '../source.ts'
import { Cursor } from '../syntax/cursor.ts'
import { Lexer } from '../syntax/lexer.ts'
import { Names } from '../syntax/names.ts'
import { parseProgram, parseUnitFile } from '../syntax/parse-program.ts'
import { Token } from '../syntax/tokens.ts'
import type { Block, Declaration, FieldListNode, RoutineNode, Statement, TypeNode, UnitNode } from '../syntax/tree.ts'
import { Printer } from './printer.ts'

/** What laying out gave. */
export interface FormatResult {
  /** Undefined where the text does not parse. */
  readonly text: string | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Lays out a program: statements on lines of their own, two spaces for each level, word-symbols in small letters.
 * Comments stay where they stand; one empty line between statements stays too.
 */
export function formatPascal(text: string, file = 'program.pas', dialect: Dialect['name'] = 'iso-1'): FormatResult {
  const sources = new Sources()
  const diagnostics = new Diagnostics(sources)
  const source = sources.add(file, text)
  const rules = DIALECTS[dialect]
  const tokens = new Lexer(new Names(), diagnostics, rules).scan(source)
  const cursor = new Cursor(tokens, sources, diagnostics, rules)
  const isUnit = rules.units && cursor.isWord('unit')
  const tree = isUnit ? parseUnitFile(cursor) : parseProgram(cursor)
  if (diagnostics.errors > 0) return { text: undefined, diagnostics: diagnostics.all() }
  const p = new Printer(source, tokens)
  if ('block' in tree) {
    for (const unit of tree.units) {
      p.until(unit.pos)
      p.newLine(true)
      printUnit(p, unit)
      p.accept(Token.semicolon)
      p.newLine(true)
    }
    p.until(tree.block.pos)
    p.newLine()
    printBlock(p, tree.block)
  } else {
    for (const [i, unit] of tree.entries()) {
      if (i > 0) {
        p.accept(Token.semicolon)
        p.newLine(true)
      }
      printUnit(p, unit)
    }
  }
  p.next()
  return { text: p.finish(), diagnostics: [] }
}

/** What a unit offers, then how that is done. */
function printUnit(p: Printer, { name, uses, offers, implementation }: UnitNode): void {
  p.until(name.end)
  p.accept(Token.semicolon)
  p.newLine(true)
  // `interface`, and the units that it uses.
  p.next()
  p.newLine()
  if (uses.length > 0) p.through(Token.semicolon)
  for (const declaration of offers) printDeclaration(p, declaration, true)
  p.newLine(true)
  p.next()
  for (const declaration of implementation) printDeclaration(p, declaration, true)
  p.newLine(true)
  p.next()
}

/** Declarations, then the statements between `begin` and `end`. */
function printBlock(p: Printer, block: Block): void {
  for (const declaration of block.declarations) printDeclaration(p, declaration, true)
  p.newLine(block.declarations.length > 0)
  printStatement(p, block.body)
}

/** A declaration part; `blank` asks for an empty line before it. */
function printDeclaration(p: Printer, node: Declaration, blank: boolean): void {
  if (node.kind === 'routine') {
    printRoutine(p, node)
    return
  }
  p.newLine(blank)
  p.next()
  if (node.kind === 'labels') {
    p.until(node.end)
    return
  }
  p.indent()
  for (const item of node.items) {
    p.newLine()
    if (node.kind !== 'consts') {
      const { type } = item as { readonly type: TypeNode }
      p.until(type.pos)
      printType(p, type)
    }
    // The rest of the item, to its semicolon.
    p.through(Token.semicolon)
  }
  p.outdent()
}

function printRoutine(p: Printer, node: RoutineNode): void {
  p.newLine(true)
  p.until(node.heading.end)
  p.accept(Token.semicolon)
  if (node.block) {
    p.newLine()
    const hasRoutine = node.block.declarations.some(({ kind }) => kind === 'routine')
    if (hasRoutine) p.indent()
    for (const declaration of node.block.declarations) printDeclaration(p, declaration, false)
    if (hasRoutine) p.outdent()
    p.newLine()
    printStatement(p, node.block.body)
  }
  p.until(node.end)
  p.newLine(true)
}

/** A type: the fields of a record on lines of their own. */
function printType(p: Printer, node: TypeNode): void {
  if (node.kind === 'array') {
    p.until(node.component.pos)
    printType(p, node.component)
  } else if (node.kind === 'file' && node.component) {
    p.until(node.component.pos)
    printType(p, node.component)
  } else if (node.kind === 'record') {
    p.accept(Token.packed)
    p.next()
    p.indent()
    printFields(p, node.fields)
    p.outdent()
    p.newLine()
    p.next()
  } else {
    p.until(node.end)
  }
}

function printFields(p: Printer, { fixed, variant }: FieldListNode): void {
  for (const { type } of fixed) {
    p.newLine()
    p.until(type.pos)
    printType(p, type)
    p.accept(Token.semicolon)
  }
  if (variant === undefined) return
  p.newLine()
  p.through(Token.of)
  p.indent()
  for (const { fields } of variant.variants) {
    p.newLine()
    p.through(Token.leftParen)
    const isShort = fields.variant === undefined && fields.fixed.every(({ type }) => type.kind !== 'record')
    if (isShort) {
      while (p.kind !== Token.rightParen || isInside(p, fields)) p.next()
    } else {
      p.indent()
      printFields(p, fields)
      p.outdent()
      p.newLine()
    }
    p.next()
    p.accept(Token.semicolon)
  }
  p.outdent()
}

/** Whether fields are still to come before the variant’s own parenthesis. */
function isInside(p: Printer, { fixed }: FieldListNode): boolean {
  const last = fixed.at(-1)
  return last !== undefined && p.position < last.type.end
}

function printStatement(p: Printer, node: Statement): void {
  p.isStatement = true
  if (node.label) {
    p.next()
    p.next()
  }
  switch (node.kind) {
    case 'compound':
      p.next()
      printSequence(p, node.body)
      p.next()
      break
    case 'repeat':
      p.next()
      printSequence(p, node.body)
      p.until(node.end)
      break
    case 'if':
      p.until(node.condition.end)
      p.through(Token.thenWord)
      printBody(p, node.whenTrue)
      if (node.whenFalse) {
        if (node.whenTrue.kind !== 'compound') p.newLine()
        p.next()
        if (node.whenFalse.kind === 'if' && node.whenFalse.label === undefined) printStatement(p, node.whenFalse)
        else printBody(p, node.whenFalse)
      }
      break
    case 'while':
    case 'for':
    case 'with':
      p.through(Token.do)
      printBody(p, node.body)
      break
    case 'case':
      printCase(p, node)
      break
    default:
      p.until(node.end)
  }
  p.isStatement = false
}

/** Statements on lines of their own, one level deeper. */
function printSequence(p: Printer, body: readonly Statement[]): void {
  p.indent()
  for (const statement of body) {
    const isLast = statement === body.at(-1)
    if (statement.kind !== 'empty' || statement.label) {
      p.newLine()
      printStatement(p, statement)
    }
    if (!isLast || p.kind === Token.semicolon) p.accept(Token.semicolon)
  }
  p.outdent()
  p.newLine()
}

/** What a structured statement holds: `begin` goes on its line, another statement too where it stood there. */
function printBody(p: Printer, node: Statement): void {
  const isCompound = node.kind === 'compound' && node.label === undefined
  if (isCompound || node.kind === 'empty' || !p.breaksHere()) {
    printStatement(p, node)
    return
  }
  p.indent()
  p.newLine()
  printStatement(p, node)
  p.outdent()
}

function printCase(p: Printer, node: Statement & { readonly kind: 'case' }): void {
  p.until(node.selector.end)
  p.through(Token.of)
  p.indent()
  for (const { constants, body } of node.arms) {
    p.newLine()
    p.until((constants.at(-1) ?? node).end)
    p.accept(Token.colon)
    printBody(p, body)
    p.accept(Token.semicolon)
  }
  if (node.otherwise) {
    p.newLine()
    p.next()
    printBody(p, node.otherwise)
    p.accept(Token.semicolon)
  }
  p.outdent()
  p.newLine()
  p.next()
}
