import type { Span } from '../diagnostics.ts'
import type { CheckedBlock, Constant } from './checked.ts'
import type { RequiredRow } from './required-rows.ts'
import type { Scope } from './scope.ts'
import type { Type } from './types.ts'

/** What an identifier denotes. */
export type Entity =
  | { readonly kind: 'constant'; readonly value: Constant }
  | { readonly kind: 'type'; type: Type }
  | Variable
  | Bound
  | Routine
  | FormalRoutine
  | { readonly kind: 'required'; readonly row: RequiredRow }
  /** Stands for what an error left undefined. */
  | { readonly kind: 'unknown' }

/** An identifier in a scope. */
export interface Binding {
  readonly name: string
  readonly span: Span
  entity: Entity
  /** False as long as its definition goes on. */
  isReady: boolean
  readonly scope: Scope
  /** What the identifier denotes outside. */
  readonly outer: Binding | undefined
  /** The innermost scope that has noted a use of it, so that each notes one. */
  notedBy: Scope | undefined
}

/** A variable or a parameter that is one (§6.5.1). */
export interface Variable {
  readonly kind: 'variable'
  readonly name: string
  readonly type: Type
  readonly owner: Routine
  /** A var parameter, or one that is passed by its address and not copied. */
  readonly byReference: boolean
  readonly isParameter: boolean
  /** The bounds of a conformant array parameter, low and high of each dimension, the outermost first. */
  readonly bounds: readonly Bound[]
  /** Where it is changed in a routine inside its block, so that no for-statement may control it (§6.8.3.9). */
  threat: Span | undefined
  /** It controls for-statements around the place that is looked at. */
  controls: number
  /** It controls a for-statement somewhere. */
  isControl: boolean
  isAssigned: boolean
  /** An inner routine uses it. */
  isShared: boolean
  /** A variable of the program that no routine uses, so that its place is a frame like theirs. */
  isInFrame: boolean
  /** Its place: an offset among the globals or in its routine’s frame; -1 until there is one. */
  offset: number
}

/** A bound of a conformant array parameter: a value, not a variable (§6.6.3.7.1). */
export interface Bound {
  readonly kind: 'bound'
  readonly name: string
  readonly type: Type
  readonly owner: Routine
  /** Where its value is in the frame. */
  offset: number
}

/** One formal parameter. */
export type Parameter =
  | { readonly kind: 'variable'; readonly variable: Variable; readonly section: number }
  | { readonly kind: 'routine'; readonly formal: FormalRoutine; readonly section: number }

/** The parameters and result of a routine. */
export interface Heading {
  readonly isFunction: boolean
  readonly parameters: readonly Parameter[]
  readonly result: Type | undefined
}

/** A procedure or function of the program; the program itself is the first. */
export interface Routine {
  readonly kind: 'routine'
  readonly name: string
  readonly index: number
  readonly parent: Routine | undefined
  /** 1 for the program. */
  readonly level: number
  heading: Heading
  /** A function’s result; assigned in its block. */
  result: Variable | undefined
  isForward: boolean
  hasBlock: boolean
  readonly span: Span
  /** The scope of its parameters, kept between `forward` and its block. */
  scope: Scope | undefined
  readonly variables: Variable[]
  readonly labels: Map<number, Label>
  /** Where `exit` goes on, if there is one of this routine. */
  exit?: Label
  checked: CheckedBlock | undefined
}

/** A procedural or functional parameter (§6.6.3.4, §6.6.3.5). */
export interface FormalRoutine {
  readonly kind: 'formal'
  readonly name: string
  readonly owner: Routine
  readonly heading: Heading
  /** Where its link and code are in the frame. */
  offset: number
}

/** A label of a block. */
export interface Label {
  readonly value: number
  readonly owner: Routine
  readonly span: Span
  /** The statement-sequence that the statement is in, or the statement alone. */
  region: Region | undefined
  isPlaced: boolean
  /** A goto in an inner routine leads here. */
  isNonLocal: boolean
}

/** A statement-sequence or labelled statement, and what it is in: which gotos may lead into it (§6.8.1). */
export interface Region {
  readonly parent: Region | undefined
}
