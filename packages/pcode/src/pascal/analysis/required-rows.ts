import type { Expression } from '../syntax/tree.ts'
import type { CheckedStatement, Value } from './checked.ts'
import type { Context } from './context.ts'

/** A call as written. */
export type CallNode = Expression & { readonly kind: 'call' }

/** A required procedure or function (ISO 7185 §6.6.4): its name, and what a call of it means. */
export interface RequiredRow {
  readonly name: string
  readonly isFunction: boolean
  /** A call of a function. */
  readonly value?: (c: Context, node: CallNode) => Value
  /** A call of a procedure. */
  readonly statement?: (c: Context, node: CallNode) => CheckedStatement
}
