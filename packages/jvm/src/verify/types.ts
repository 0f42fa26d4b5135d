/**
 * Verification types (JVMS §4.10.1.2) as strings: `T` top, `I` `J` `F` `D`, `j` and `d` the upper words of long and
 * double, `N` null, `U` uninitializedThis, `u<offset>` uninitialized, `r<offset>` the return address of a subroutine,
 * `L<name>;` and `[…` classes and arrays.
 */
export type VType = string

/** Anything, so nothing that can be used. */
export const TOP: VType = 'T'
/** The type of null. */
export const NULL: VType = 'N'
/** `this` before another constructor has been called. */
export const UNINITIALIZED_THIS: VType = 'U'
export const OBJECT: VType = 'Ljava/lang/Object;'
export const THROWABLE: VType = 'Ljava/lang/Throwable;'

/** The type of a class named as constants name it: arrays by their descriptor. */
export function classType(name: string): VType {
  return name[0] === '[' ? name : `L${name};`
}
/** The name by which a class or array type is loaded. */
export function nameOf(type: VType): string {
  return type[0] === 'L' ? type.slice(1, -1) : type
}
/** The type of values of a field descriptor: what is narrower than int is int. */
export function typeOfDescriptor(descriptor: string): VType {
  return 'ZBCS'.includes(descriptor) ? 'I' : descriptor
}
/** True for two-word types. */
export function isWide(type: VType): boolean {
  return type === 'J' || type === 'D'
}
/** Classes, arrays, null: initialized references. */
export function isReference(type: VType): boolean {
  const first = type[0]
  return first === 'L' || first === '[' || first === 'N'
}
/** Uninitialized objects. */
export function isUninitialized(type: VType): boolean {
  const first = type[0]
  return first === 'U' || first === 'u'
}

/** The answer to whether one type may stand for another: known here, or a question about two classes. */
export type Assignable = boolean | readonly [from: string, to: string]

/** isAssignable (JVMS §4.10.1.2), as far as it can be told without loading classes. */
export function assignable(from: VType, to: VType): Assignable {
  if (from === to || to === TOP) return true
  if (!isReference(to) || !isReference(from)) return false
  if (from === NULL) return true
  if (to === NULL) return false
  if (to === OBJECT) return true
  if (to[0] === '[') return from[0] === '[' && componentAssignable(from.slice(1), to.slice(1))
  if (from[0] === '[') {
    return to === 'Ljava/lang/Cloneable;' || to === 'Ljava/io/Serializable;'
  }
  return [from, to]
}
function componentAssignable(from: string, to: string): Assignable {
  if (from === to) return true
  if (!isReference(from) || !isReference(to)) return false
  return assignable(from, to)
}
