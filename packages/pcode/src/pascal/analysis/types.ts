import { MAX_LONG_DIGITS } from '../../machine/long-integers.ts'
import { MAX_CHAR, MAXINT, USUAL_STRING } from '../limits.ts'
import type { Bound } from './symbols.ts'

/** A type (ISO 7185 §6.4). Two types are the same when they are the same object. */
export type Type =
  | OrdinalType
  | RealType
  | PointerType
  | ArrayType
  | ConformantType
  | RecordType
  | SetType
  | FileType
  | StringType
  | LongType
  | ErrorType

/** Integer, Boolean, char, an enumeration, or a subrange of one of these (§6.4.2). */
export interface OrdinalType {
  readonly kind: 'ordinal'
  name: string
  readonly family: 'integer' | 'boolean' | 'char' | 'enumeration'
  readonly low: number
  readonly high: number
  /** The host type of a subrange; undefined for a type that is none. */
  readonly host: OrdinalType | undefined
  /** Spellings of an enumeration’s values; shared by its subranges. */
  readonly values: readonly string[]
}
/** The type real (§6.4.2.2). */
export interface RealType {
  readonly kind: 'real'
  name: string
}
/** A pointer; `nil`’s own type has no target and is compatible with all. */
export interface PointerType {
  readonly kind: 'pointer'
  name: string
  target: Type | undefined
}
/** One dimension: `array [a, b] of c` is an array of arrays (§6.4.3.2). */
export interface ArrayType {
  readonly kind: 'array'
  name: string
  readonly packed: boolean
  readonly index: OrdinalType
  readonly component: Type
  /** A string wherever its indexes begin (UCSD). */
  readonly isAnyString?: boolean
}
/** A conformant array parameter’s type: its bounds are values of a call (§6.6.3.7). */
export interface ConformantType {
  readonly kind: 'conformant'
  name: string
  readonly packed: boolean
  readonly index: OrdinalType
  readonly component: Type
  readonly low: Bound
  readonly high: Bound
}
/** A record, its fields placed when code is generated. */
export interface RecordType {
  readonly kind: 'record'
  name: string
  readonly packed: boolean
  /** All fields of all variants, by name number. */
  readonly fields: ReadonlyMap<number, Field>
  readonly fixed: readonly Field[]
  readonly variant: VariantPart | undefined
  bytes: number
  /** The program makes variables of it with the tags of their variants (§6.6.5.3). */
  isMadeWithTags: boolean
}
/** One field of a record. */
export interface Field {
  readonly name: string
  readonly type: Type
  /** The variant it belongs to, or undefined for a fixed part’s. */
  readonly variant: Variant | undefined
  /** It is the tag of this variant part. */
  tagOf: VariantPart | undefined
  offset: number
}
/** The variant part of a record or of a variant. */
export interface VariantPart {
  readonly tag: Field | undefined
  readonly tagType: OrdinalType
  readonly variants: Variant[]
}
/** One variant: the fields that are there for some values of the tag. */
export interface Variant {
  readonly part: VariantPart
  /** The variant around this part, if it is nested. */
  readonly outer: Variant | undefined
  readonly labels: number[]
  readonly fixed: Field[]
  inner: VariantPart | undefined
  /** Bytes of a record up to the end of this variant. */
  endBytes: number
}
/** A set (§6.4.3.4). */
export interface SetType {
  readonly kind: 'set'
  name: string
  /** Undefined for a constructor, which is of either (§6.7.1). */
  readonly packed: boolean | undefined
  /** Undefined for `[]`, which is a value of every set type. */
  readonly base: OrdinalType | undefined
}
/** A file (§6.4.3.5). */
export interface FileType {
  readonly kind: 'file'
  name: string
  readonly packed: boolean
  readonly component: Type
  readonly isText: boolean
  /** It has no components: blocks are transferred (UCSD). */
  readonly isUntyped?: boolean
}
/** Characters behind their number, at most so many (UCSD). All such types are compatible. */
export interface StringType {
  readonly kind: 'string'
  name: string
  readonly max: number
}
/** Integers of at most so many decimal digits (UCSD). All such types are compatible. */
export interface LongType {
  readonly kind: 'long'
  name: string
  readonly digits: number
}
/** What stands for a type after an error: compatible with all, so that one error is told once. */
export interface ErrorType {
  readonly kind: 'error'
  name: string
}

/** The type of what an error left unknown. */
export const ERROR: ErrorType = { kind: 'error', name: 'unknown' }
/** The type integer. */
export const INTEGER: OrdinalType = ordinal('integer', 'integer', -MAXINT, MAXINT)
export const CHAR: OrdinalType = ordinal('char', 'char', 0, MAX_CHAR)
export const BOOLEAN: OrdinalType = { ...ordinal('Boolean', 'boolean', 0, 1), values: ['false', 'true'] }
export const REAL: RealType = { kind: 'real', name: 'real' }
export const NIL: PointerType = { kind: 'pointer', name: 'nil', target: undefined }
export const EMPTY_SET: SetType = { kind: 'set', name: 'the empty set', packed: undefined, base: undefined }
/** The type string (UCSD). */
export const STRING: StringType = { kind: 'string', name: 'string', max: USUAL_STRING }
/** What arithmetic on long integers gives. */
export const LONG: LongType = { kind: 'long', name: '', digits: MAX_LONG_DIGITS }
export const TEXT: FileType = { kind: 'file', name: 'text', packed: false, component: CHAR, isText: true }

function ordinal(name: string, family: OrdinalType['family'], low: number, high: number): OrdinalType {
  return { kind: 'ordinal', name, family, low, high, host: undefined, values: [] }
}

/** A new enumeration (§6.4.2.3). */
export function enumeration(values: readonly string[]): OrdinalType {
  return { ...ordinal('', 'enumeration', 0, values.length - 1), values }
}

/** A subrange of an ordinal type (§6.4.2.4). */
export function subrange(of: OrdinalType, low: number, high: number): OrdinalType {
  return { ...of, name: '', host: hostOf(of), low, high }
}

/** The type that a subrange is one of; other ordinal types are their own. */
export function hostOf(type: OrdinalType): OrdinalType {
  return type.host ?? type
}

/** A string type (§6.4.3.2): packed, components of type char, indexed from 1 to more than 1. */
export function isString(type: Type): type is ArrayType {
  if (type.kind !== 'array') return false
  if (type.isAnyString === true) return true
  return (
    type.packed &&
    type.component === CHAR &&
    type.index.family === 'integer' &&
    type.index.low === 1 &&
    type.index.high > 1
  )
}

/** How many characters a string of a string type has. */
export function lengthOf({ index }: ArrayType): number {
  return index.high - index.low + 1
}

/** The type of a character string of so many characters, more than one. */
export function stringOf(length: number): ArrayType {
  return { kind: 'array', name: '', packed: true, index: subrange(INTEGER, 1, length), component: CHAR }
}

/** Whether a type is or has a component that is a file: such values cannot be copied (§6.4.6). */
export function containsFile(type: Type): boolean {
  switch (type.kind) {
    case 'file':
      return true
    case 'array':
    case 'conformant':
      return containsFile(type.component)
    case 'record':
      for (const field of type.fields.values()) if (containsFile(field.type)) return true
      return false
    default:
      return false
  }
}

/** An ordinal value as the program would write it. */
export function showOrdinal(type: OrdinalType, value: number): string {
  if (type.family === 'char' && value >= 32 && value < 127) return `'${String.fromCharCode(value)}'`
  if (type.family === 'char') return `chr(${value})`
  return type.values[value] ?? String(value)
}

/** A type as messages call it. */
export function showType(type: Type): string {
  if (type.name !== '') return type.name
  switch (type.kind) {
    case 'ordinal':
      if (type.host) return `${showOrdinal(type, type.low)}..${showOrdinal(type, type.high)}`
      return `(${type.values.slice(0, 3).join(', ')}${type.values.length > 3 ? ', …' : ''})`
    case 'pointer':
      return type.target === undefined || type.target.name === '' ? 'a pointer' : `^${type.target.name}`
    case 'array':
      if (isString(type as Type)) return `a string of ${lengthOf(type)} characters`
      return `${type.packed ? 'packed ' : ''}array [${showType(type.index)}] of ${showType(type.component)}`
    case 'conformant':
      return `a conformant array of ${showType(type.component)}`
    case 'record':
      return 'a record'
    case 'set':
      return type.base ? `set of ${showType(type.base)}` : 'a set'
    case 'string':
      return `string[${type.max}]`
    case 'long':
      return `integer[${type.digits}]`
    case 'file':
      if (type.isUntyped === true) return 'file'
      return `file of ${showType(type.component)}`
    default:
      return 'unknown'
  }
}
