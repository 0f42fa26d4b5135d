import { DoppelError } from '@doppel/base'
import { Diagnostics } from '../pascal/diagnostics.ts'
import { DIALECTS } from '../pascal/dialect.ts'
import { Sources } from '../pascal/source.ts'
import { Cursor } from '../pascal/syntax/cursor.ts'
import { Lexer } from '../pascal/syntax/lexer.ts'
import { Names } from '../pascal/syntax/names.ts'
import { parseExpression } from '../pascal/syntax/parse-expression.ts'
import { Token } from '../pascal/syntax/tokens.ts'
import type { Expression } from '../pascal/syntax/tree.ts'

/** An expression as it was written, and the spellings of the names in it. */
export interface WrittenExpression {
  readonly tree: Expression
  readonly nameOf: (id: number) => string
}

/** Reads one expression, by the compiler's own grammar. Throws `debug.expression`. */
export function readExpression(text: string): WrittenExpression {
  const sources = new Sources()
  const diagnostics = new Diagnostics(sources)
  const names = new Names()
  const cursor = new Cursor(
    new Lexer(names, diagnostics).scan(sources.add('expression', text)),
    sources,
    diagnostics,
    DIALECTS['iso-1'],
  )
  const tree = parseExpression(cursor)
  if (cursor.kind !== Token.end) cursor.unexpected('the end')
  const [first] = diagnostics.all()
  if (first) throw new DoppelError('debug.expression', `${first.message} in '${text}'`, { expression: text })
  return { tree, nameOf: id => names.text(id) }
}
