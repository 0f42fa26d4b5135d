import { containsFile, hostOf, isString, lengthOf, type OrdinalType, type Type } from './types.ts'

/** Compatible types (ISO 7185 §6.4.5). */
export function compatible(a: Type, b: Type): boolean {
  if (a === b || a.kind === 'error' || b.kind === 'error') return true
  if (a.kind === 'ordinal' && b.kind === 'ordinal') return hostOf(a) === hostOf(b)
  if (a.kind === 'set' && b.kind === 'set') {
    if (a.base === undefined || b.base === undefined) return true
    const samePacking = a.packed === undefined || b.packed === undefined || a.packed === b.packed
    return samePacking && hostOf(a.base) === hostOf(b.base)
  }
  if (a.kind === 'string' && b.kind === 'string') return true
  if (a.kind === 'long' && b.kind === 'long') return true
  if (isString(a) && isString(b)) return lengthOf(a) === lengthOf(b)
  // `nil` has the type of every pointer.
  if (a.kind === 'pointer' && b.kind === 'pointer') return a.target === undefined || b.target === undefined
  return false
}

/** Why a value cannot be assigned to a variable of a type, or undefined where it can (§6.4.6). */
export function assignmentFault(to: Type, from: Type): 'type' | 'file' | 'lengths' | undefined {
  if (to.kind === 'error' || from.kind === 'error') return undefined
  if (containsFile(to) && (to === from || to.kind === 'file')) return 'file'
  if (to.kind === 'real' && isInteger(from)) return undefined
  if (to.kind === 'string' && isChar(from)) return undefined
  if (to.kind === 'long' && isInteger(from)) return undefined
  if (isString(to) && isString(from) && lengthOf(to) !== lengthOf(from)) return 'lengths'
  return compatible(to, from) ? undefined : 'type'
}

/** Of type integer or a subrange of it. */
export function isInteger(type: Type): type is OrdinalType {
  return type.kind === 'ordinal' && type.family === 'integer'
}

/** Of type integer or real, or not known. */
export function isNumber(type: Type): boolean {
  return isInteger(type) || type.kind === 'real'
}

/** Of type Boolean or a subrange of it. */
export function isBoolean(type: Type): type is OrdinalType {
  return type.kind === 'ordinal' && type.family === 'boolean'
}

/** Of type char or a subrange of it. */
export function isChar(type: Type): type is OrdinalType {
  return type.kind === 'ordinal' && type.family === 'char'
}
