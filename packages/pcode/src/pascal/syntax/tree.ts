import type { Span } from '../diagnostics.ts'

/** An identifier where it stands. */
export interface Name extends Span {
  /** Its number in `Names`. */
  readonly id: number
}

/** A unit that is used (UCSD). */
export interface UsedUnit extends Name {
  /** Where it is, if `{$U file}` says so. */
  readonly file: string | undefined
}

/** An expression as written (ISO 7185 §6.7). */
export type Expression = ExpressionNode & {
  /** A variable in parentheses is a value, not a variable (§6.5.1). */
  readonly isParenthesized?: boolean
}
type ExpressionNode =
  | NameExpression
  | LiteralExpression
  | NilExpression
  | SetExpression
  | UnaryExpression
  | BinaryExpression
  | IndexExpression
  | FieldExpression
  | ArrowExpression
  | CallExpression
  | BadExpression

/** An identifier: which kind of thing it names, the analysis finds. */
export interface NameExpression extends Name {
  readonly kind: 'name'
}
/** An unsigned number or a character string. */
export interface LiteralExpression extends Span {
  readonly kind: 'integer' | 'real' | 'string'
  readonly value: number | string
}
/** `nil` (§6.7.1). */
export interface NilExpression extends Span {
  readonly kind: 'nil'
}
/** `[a, b..c]` (§6.7.1). */
export interface SetExpression extends Span {
  readonly kind: 'set'
  readonly members: readonly SetMember[]
}
/** One member of a set constructor, or a range of them. */
export interface SetMember {
  readonly low: Expression
  readonly high: Expression | undefined
}
/** A sign or `not`. */
export interface UnaryExpression extends Span {
  readonly kind: 'unary'
  /** A kind of token. */
  readonly operator: number
  readonly operand: Expression
}
/** Two operands and the operator between them. */
export interface BinaryExpression extends Span {
  readonly kind: 'binary'
  readonly operator: number
  readonly left: Expression
  readonly right: Expression
}
/** `a[i, j]` (§6.5.3.2). */
export interface IndexExpression extends Span {
  readonly kind: 'index'
  readonly base: Expression
  readonly indexes: readonly Expression[]
}
/** `r.f` (§6.5.3.3). */
export interface FieldExpression extends Span {
  readonly kind: 'field'
  readonly base: Expression
  readonly field: Name
}
/** `p^`: an identified or buffer variable. */
export interface ArrowExpression extends Span {
  readonly kind: 'arrow'
  readonly base: Expression
}
/** A name with arguments: a function or a procedure. */
export interface CallExpression extends Span {
  readonly kind: 'call'
  readonly callee: Name
  readonly args: readonly Argument[]
}
/** What parsing failed on; reported already. */
export interface BadExpression extends Span {
  readonly kind: 'bad'
}
/** An actual parameter; with field widths in `write` (§6.9.3). */
export interface Argument {
  readonly value: Expression
  readonly width: Expression | undefined
  readonly digits: Expression | undefined
}

/** A type as written (§6.4). */
export type TypeNode =
  | (Name & { readonly kind: 'type-name' })
  | (Span & { readonly kind: 'enumeration'; readonly names: readonly Name[] })
  | (Span & { readonly kind: 'subrange'; readonly low: Expression; readonly high: Expression })
  | (Span & { readonly kind: 'pointer'; readonly target: Name })
  /** `string[n]`, `integer[n]` (UCSD). */
  | (Span & { readonly kind: 'sized'; readonly name: Name; readonly length: Expression })
  | ArrayNode
  | RecordNode
  | (Span & { readonly kind: 'set'; readonly packed: boolean; readonly base: TypeNode })
  | (Span & { readonly kind: 'file'; readonly packed: boolean; readonly component: TypeNode | undefined })
  | (Span & { readonly kind: 'bad' })
/** An array type (§6.4.3.2). */
export interface ArrayNode extends Span {
  readonly kind: 'array'
  readonly packed: boolean
  readonly indexes: readonly TypeNode[]
  readonly component: TypeNode
}
/** A record type (§6.4.3.3). */
export interface RecordNode extends Span {
  readonly kind: 'record'
  readonly packed: boolean
  readonly fields: FieldListNode
}
/** The fixed part and the variant part of a record. */
export interface FieldListNode {
  readonly fixed: readonly { readonly names: readonly Name[]; readonly type: TypeNode }[]
  readonly variant: VariantPartNode | undefined
}
/** `case tag: type of …` in a record. */
export interface VariantPartNode extends Span {
  readonly tag: Name | undefined
  readonly tagType: Name
  readonly variants: readonly { readonly constants: readonly Expression[]; readonly fields: FieldListNode }[]
}

/** A statement as written (§6.8). */
export type Statement = StatementNode & { label?: LabelNode }
type StatementNode =
  | (Span & { readonly kind: 'empty' | 'bad' })
  | (Span & { readonly kind: 'compound'; readonly body: readonly Statement[] })
  | (Span & { readonly kind: 'assign'; readonly target: Expression; readonly value: Expression })
  | (Span & { readonly kind: 'call'; readonly callee: Expression })
  | (Span & { readonly kind: 'goto'; readonly target: LabelNode })
  | IfNode
  | (Span & { readonly kind: 'while'; readonly condition: Expression; readonly body: Statement })
  | (Span & { readonly kind: 'repeat'; readonly condition: Expression; readonly body: readonly Statement[] })
  | ForNode
  | CaseNode
  | (Span & { readonly kind: 'with'; readonly records: readonly Expression[]; readonly body: Statement })
/** A label where it stands. */
export interface LabelNode extends Span {
  readonly value: number
}
/** An if-statement (§6.8.3.4). */
export interface IfNode extends Span {
  readonly kind: 'if'
  readonly condition: Expression
  readonly whenTrue: Statement
  readonly whenFalse: Statement | undefined
}
/** A for-statement (§6.8.3.9). */
export interface ForNode extends Span {
  readonly kind: 'for'
  readonly variable: Name
  readonly from: Expression
  readonly to: Expression
  readonly isDown: boolean
  readonly body: Statement
}
/** A case-statement (§6.8.3.5). */
export interface CaseNode extends Span {
  readonly kind: 'case'
  readonly selector: Expression
  readonly arms: readonly { readonly constants: readonly Expression[]; readonly body: Statement }[]
  /** What to do where none matches (UCSD). */
  readonly otherwise: Statement | undefined
}

/** One declaration part or routine of a block (§6.2.1). */
export type Declaration =
  | (Span & { readonly kind: 'labels'; readonly labels: readonly LabelNode[] })
  | (Span & { readonly kind: 'consts'; readonly items: readonly { readonly name: Name; readonly value: Expression }[] })
  | (Span & { readonly kind: 'types'; readonly items: readonly { readonly name: Name; readonly type: TypeNode }[] })
  | (Span & {
      readonly kind: 'vars'
      readonly items: readonly { readonly names: readonly Name[]; readonly type: TypeNode }[]
    })
  | RoutineNode

/** A procedure or function (§6.6). */
export interface RoutineNode extends Span {
  readonly kind: 'routine'
  readonly heading: HeadingNode
  /** `forward` or another directive, in place of a block. */
  readonly directive: Name | undefined
  /** A unit offers it: its block is in the implementation. */
  readonly isOffer?: boolean
  readonly block: Block | undefined
}
/** The name, parameters and result of a routine. */
export interface HeadingNode extends Span {
  readonly isFunction: boolean
  readonly name: Name
  readonly parameters: readonly ParameterNode[] | undefined
  readonly result: Name | undefined
}
/** One section of a formal parameter list (§6.6.3.1). */
export type ParameterNode =
  | (Span & {
      readonly kind: 'value' | 'var'
      readonly names: readonly Name[]
      readonly type: ParameterTypeNode
    })
  | (Span & { readonly kind: 'routine'; readonly heading: HeadingNode })
/** A type-identifier or a conformant array schema (§6.6.3.7). */
export type ParameterTypeNode =
  | TypeNode
  | (Span & {
      readonly kind: 'conformant'
      readonly packed: boolean
      readonly indexes: readonly { readonly low: Name; readonly high: Name; readonly type: Name }[]
      readonly component: ParameterTypeNode
    })

/** Declarations and statements (§6.2.1). */
export interface Block extends Span {
  readonly declarations: readonly Declaration[]
  readonly body: Statement & { readonly kind: 'compound' }
}

/** A unit (UCSD): what it offers to those that use it, and how that is done. */
export interface UnitNode extends Span {
  readonly name: Name
  readonly uses: readonly UsedUnit[]
  readonly offers: readonly Declaration[]
  readonly implementation: readonly Declaration[]
}

/** A program (§6.10). */
export interface ProgramNode extends Span {
  readonly name: Name
  readonly parameters: readonly Name[]
  /** Those whose text is in the program’s (UCSD). */
  readonly units: readonly UnitNode[]
  readonly uses: readonly UsedUnit[]
  readonly block: Block
}

/** Whether an expression is written as a variable-access is (§6.5.1). */
export function isAccess({ kind, isParenthesized }: Expression): boolean {
  return isParenthesized !== true && (kind === 'name' || kind === 'index' || kind === 'field' || kind === 'arrow')
}
