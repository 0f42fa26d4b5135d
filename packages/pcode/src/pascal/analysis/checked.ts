import type { StandardName } from '../../rows/standard.ts'
import type { Bound, FormalRoutine, Label, Routine, Variable } from './symbols.ts'
import type { ArrayType, ConformantType, Field, RecordType, Type, Variant, VariantPart } from './types.ts'

/** The value of a constant: an ordinal number, a real, a string’s characters, or a long integer’s digits. */
export interface Constant {
  readonly type: Type
  readonly value: number | string
}

/** An expression that was found right, with all that is implicit written out. `pos` leads to its line. */
export type Value =
  | (ValueBase & { readonly op: 'ordinal'; readonly value: number })
  | (ValueBase & { readonly op: 'real'; readonly value: number })
  | (ValueBase & { readonly op: 'string'; readonly text: string })
  | (ValueBase & { readonly op: 'nil' })
  | (ValueBase & { readonly op: 'load'; readonly place: Place })
  /** A bound of a conformant array parameter. */
  | (ValueBase & { readonly op: 'bound'; readonly bound: Bound })
  | (ValueBase & { readonly op: 'unary'; readonly operator: UnaryOperator; readonly operand: Value })
  | (ValueBase & {
      readonly op: 'binary'
      readonly operator: BinaryOperator
      readonly left: Value
      readonly right: Value
    })
  | (ValueBase & {
      readonly op: 'set'
      readonly members: readonly { readonly low: Value; readonly high: Value | undefined }[]
    })
  | CallValue
  /** What a standard procedure of the machine pushes; the address of so many bytes of room is its first operand where it needs some. */
  | (ValueBase & {
      readonly op: 'standard'
      readonly name: StandardName
      readonly operands: readonly Operand[]
      readonly roomBytes: number
      /** The program goes on where it fails (`{$I-}`). */
      readonly isLenient?: boolean
    })
  /** `eof(f)` and `eoln(f)`. */
  | (ValueBase & {
      readonly op: 'file-state'
      readonly state: 'eof' | 'eoln'
      readonly file: Place
      /** A closed file is at its end; else asking is an error. */
      readonly isClosedAtEnd: boolean
    })
  | (ValueBase & { readonly op: 'bad' })

/** What every value has. */
export interface ValueBase {
  readonly pos: number
  readonly type: Type
  /** What an ordinal value lies between, as far as is known before the program runs. */
  readonly low: number
  readonly high: number
}
/** The result of a function of the program. */
export interface CallValue extends ValueBase {
  readonly op: 'call'
  readonly call: Call
}

/** Operators with one operand, functions of one argument among them. */
export type UnaryOperator =
  | 'negate'
  | 'not'
  | 'to-real'
  | 'abs'
  | 'sqr'
  | 'odd'
  | 'ord'
  | 'chr'
  | 'succ'
  | 'pred'
  | 'trunc'
  | 'round'
  | 'sin'
  | 'cos'
  | 'exp'
  | 'ln'
  | 'sqrt'
  | 'arctan'

/** Operators with two operands of one class. */
export type BinaryOperator =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'div'
  | 'mod'
  | 'and'
  | 'or'
  | 'in'
  | 'equal'
  | 'not-equal'
  | 'less'
  | 'greater'
  | 'less-equal'
  | 'greater-equal'

/** A call of a procedure or function. */
export interface Call {
  readonly callee: Routine | FormalRoutine
  readonly args: readonly Actual[]
}
/** An actual parameter. */
export type Actual =
  | { readonly kind: 'value'; readonly value: Value; readonly type: Type }
  | { readonly kind: 'variable'; readonly place: Place }
  | { readonly kind: 'routine'; readonly routine: Routine | FormalRoutine }
  /** An array for a conformant parameter: its address, and its bounds where the formal is its section’s first. */
  | {
      readonly kind: 'conformant'
      readonly source: Place | Value
      readonly formal: Variable
      readonly givesBounds: boolean
    }

/** A variable-access (ISO 7185 §6.5). */
export type Place =
  | (PlaceBase & { readonly at: 'variable'; readonly variable: Variable })
  | (PlaceBase & {
      readonly at: 'index'
      readonly base: Place
      readonly array: ArrayType | ConformantType
      readonly index: Value
    })
  | (PlaceBase & { readonly at: 'field'; readonly base: Place; readonly record: RecordType; readonly field: Field })
  | (PlaceBase & { readonly at: 'pointer'; readonly pointer: Value })
  | (PlaceBase & { readonly at: 'buffer'; readonly file: Place })
  /** A character of a string of varying length. */
  | (PlaceBase & { readonly at: 'character'; readonly base: Place; readonly index: Value })
  /** The record that a with-statement opened. */
  | (PlaceBase & { readonly at: 'with'; readonly opened: OpenedRecord })
  | (PlaceBase & { readonly at: 'bad' })

/** What a standard procedure of the machine takes: a value, or the address of a variable. */
export type Operand = Value | { readonly op: 'address'; readonly place: Place }

/** What every variable-access has. */
export interface PlaceBase {
  readonly pos: number
  readonly type: Type
  /** Component of a packed variable: cannot be a var parameter (§6.6.3.3). */
  readonly isPackedComponent: boolean
}
/** A record that with-statements keep the address of. */
export interface OpenedRecord {
  readonly place: Place
  /** The frame’s place of the address; -1 where the record’s own address is known. */
  offset: number
}

/** One value of a write, or variable of a read. */
export interface WriteItem {
  readonly value: Value
  readonly width: Value | undefined
  readonly digits: Value | undefined
}

/** A statement that was found right. */
export type CheckedStatement = CheckedNode & { label?: Label }
type CheckedNode =
  | { readonly op: 'empty' }
  | { readonly op: 'sequence'; readonly body: readonly CheckedStatement[] }
  | (At & { readonly op: 'assign'; readonly place: Place; readonly value: Value })
  | (At & { readonly op: 'call'; readonly call: Call })
  | (At & {
      readonly op: 'if'
      readonly condition: Value
      readonly whenTrue: CheckedStatement
      readonly whenFalse: CheckedStatement | undefined
    })
  | (At & { readonly op: 'while'; readonly condition: Value; readonly body: CheckedStatement })
  | (At & { readonly op: 'repeat'; readonly condition: Value; readonly body: readonly CheckedStatement[] })
  | ForStatement
  | CaseStatement
  | (At & { readonly op: 'with'; readonly records: readonly OpenedRecord[]; readonly body: CheckedStatement })
  | (At & { readonly op: 'goto'; readonly target: Label })
  | (Io & { readonly op: 'standard'; readonly name: StandardName; readonly operands: readonly Operand[] })
  | (Io & { readonly op: 'read'; readonly file: Place; readonly targets: readonly Place[]; readonly line: boolean })
  | (Io & { readonly op: 'write'; readonly file: Place; readonly items: readonly WriteItem[]; readonly line: boolean })
  | (Io & { readonly op: 'file'; readonly action: 'reset' | 'rewrite' | 'get' | 'put' | 'page'; readonly file: Place })
  | (At & { readonly op: 'new' | 'dispose'; readonly pointer: Place | Value; readonly tags: readonly Selection[] })
  | (At & { readonly op: 'pack' | 'unpack'; readonly unpacked: Place; readonly index: Value; readonly packed: Place })
interface At {
  /** Leads to the statement’s line. */
  readonly pos: number
}
interface Io extends At {
  /** For a statement of input or output: whether the program goes on where it fails (`{$I-}`). */
  readonly isLenient?: boolean
}
/** A tag value that `new` or `dispose` was given, and the variant that it selects. */
export interface Selection {
  readonly value: number
  readonly part: VariantPart
  readonly variant: Variant
}
/** A for-statement; its bounds are evaluated once. */
export interface ForStatement extends At {
  readonly op: 'for'
  readonly variable: Variable
  readonly from: Value
  readonly to: Value
  readonly isDown: boolean
  readonly body: CheckedStatement
}
/** A case-statement: values, and what is done for them. */
export interface CaseStatement extends At {
  readonly op: 'case'
  readonly selector: Value
  readonly arms: readonly { readonly values: readonly number[]; readonly body: CheckedStatement }[]
  /** What is done where none matches; undefined where that is an error. */
  readonly otherwise: CheckedStatement | undefined
}

/** The statements of a block. */
export interface CheckedBlock {
  readonly body: readonly CheckedStatement[]
  readonly startPos: number
  readonly endPos: number
}

/** A whole program that was found right. */
export interface CheckedProgram {
  readonly name: string
  /** The program first, then every routine; a routine’s index is its place here. */
  readonly routines: readonly Routine[]
  /** Program parameters, in order. */
  readonly parameters: readonly Variable[]
  /** It looks at IORESULT. */
  readonly asksIoResult: boolean
  /** Types that it disposes of variables of. */
  readonly disposed: ReadonlySet<Type>
  /** It marks and releases its heap. */
  readonly marksHeap: boolean
}
