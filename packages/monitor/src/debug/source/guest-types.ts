import { AT, ATE, type DwarfEntry, entryWith, nameOf, TAG, typeOf } from '@doppel/base'

/** A type of the program's, as its compiler has described it. */
export type GuestType =
  | { readonly kind: 'void' | 'function' | 'unknown'; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'base'; readonly name: string; readonly sizeBytes: number; readonly encoding: number }
  | { readonly kind: 'pointer'; readonly name: string; readonly sizeBytes: number; readonly target: () => GuestType }
  | {
      readonly kind: 'struct'
      readonly name: string
      readonly sizeBytes: number
      readonly members: () => readonly GuestMember[]
    }
  | {
      readonly kind: 'array'
      readonly name: string
      readonly sizeBytes: number
      readonly element: GuestType
      readonly count: number
    }
  | {
      readonly kind: 'enumeration'
      readonly name: string
      readonly sizeBytes: number
      readonly isSigned: boolean
      readonly values: ReadonlyMap<bigint, string>
    }

/** A part of a structure or union. */
export interface GuestMember {
  /** Empty for what has no name: its own members are seen through it. */
  readonly name: string
  readonly type: GuestType
  readonly offsetBytes: number
  /** For a bit-field: where it begins, from the structure's beginning on, and how long it is. */
  readonly bits?: { readonly offset: number; readonly size: number }
}

/** How far types are followed through one another: real ones are some ten deep. */
const MAX_DEPTH = 64
const MAX_SIZE_BYTES = 1 << 30
const POINTER_BYTES = 8
const UNKNOWN: GuestType = { kind: 'unknown', name: '?', sizeBytes: 0 }
/** What an address without a type leads to. */
export const VOID: GuestType = { kind: 'void', name: 'void', sizeBytes: 1 }
const QUALIFIERS: ReadonlyMap<number, string> = new Map([
  [TAG.constType, 'const'],
  [TAG.volatileType, 'volatile'],
  [TAG.restrictType, ''],
  [TAG.atomicType, '_Atomic'],
])
const KEYWORDS: ReadonlyMap<number, string> = new Map([
  [TAG.structureType, 'struct'],
  [TAG.classType, 'class'],
  [TAG.unionType, 'union'],
])

/** The number that a program's integers are made with where nothing else is said. */
export const LONG: GuestType = { kind: 'base', name: 'long', sizeBytes: 8, encoding: ATE.signed }
export const INT: GuestType = { kind: 'base', name: 'int', sizeBytes: 4, encoding: ATE.signed }
export const UNSIGNED_LONG: GuestType = { kind: 'base', name: 'unsigned long', sizeBytes: 8, encoding: ATE.unsigned }
/** What is read where an address has no type. */
export const BYTE: GuestType = { kind: 'base', name: 'unsigned char', sizeBytes: 1, encoding: ATE.unsignedChar }

/** The type of a variable, member or function's result. Throws `dwarf.*`. */
export function guestTypeOf(entry: DwarfEntry): GuestType {
  return typeAt(typeOf(entry), MAX_DEPTH)
}
/** A pointer to a type. */
export function pointerTo(target: GuestType): GuestType {
  return pointer(target.name, () => target)
}

function pointer(targetName: string, target: () => GuestType): GuestType {
  // A pointer to an array or function is written inside of what it leads to.
  const at = /^(.*?)( ?)((?:\(\*+\))?)(\[.*\]|\(.*\))$/s.exec(targetName)
  const name = at
    ? `${at[1]} (*${(at[3] ?? '').replace(/[()]/g, '')})${at[4]}`
    : `${targetName}${targetName.endsWith('*') ? '' : ' '}*`
  return { kind: 'pointer', name, sizeBytes: POINTER_BYTES, target }
}

function typeAt(entry: DwarfEntry | undefined, depth: number): GuestType {
  if (!entry) return VOID
  if (depth === 0) return UNKNOWN
  const sizeBytes = sizeOf(entry)
  const name = nameOf(entry) ?? ''
  const of = (): GuestType => typeAt(typeOf(entry), depth - 1)
  const qualifier = QUALIFIERS.get(entry.tag)
  if (qualifier !== undefined) {
    const type = of()
    if (qualifier === '') return type
    return { ...type, name: type.kind === 'pointer' ? `${type.name} ${qualifier}` : `${qualifier} ${type.name}` }
  }
  const keyword = KEYWORDS.get(entry.tag)
  if (keyword !== undefined) {
    const title = `${keyword} ${name === '' ? '{...}' : name}`
    return { kind: 'struct', name: title, sizeBytes, members: once(() => membersOf(entry)) }
  }
  switch (entry.tag) {
    case TAG.baseType:
      return { kind: 'base', name, sizeBytes, encoding: Number(entry.number(AT.encoding) ?? 0n) }
    case TAG.typedef:
      return { ...of(), name }
    case TAG.pointerType:
    case TAG.referenceType:
    case TAG.rvalueReferenceType:
      // What it leads to may lead back here: its name alone is needed now.
      return pointer(nameAt(typeOf(entry), depth - 1), once(of))
    case TAG.arrayType:
      return arrayOf(entry, of())
    case TAG.enumerationType:
      return enumeration(entry, `enum ${name === '' ? '{...}' : name}`, sizeBytes)
    case TAG.subroutineType:
    case TAG.subprogram:
      return { kind: 'function', name: nameAt(entry, depth), sizeBytes: 1 }
    default:
      return { ...UNKNOWN, name, sizeBytes }
  }
}

/** A type's name alone: structures are not gone into. */
function nameAt(entry: DwarfEntry | undefined, depth: number): string {
  if (!entry) return 'void'
  if (depth <= 0) return '?'
  const isFunction = entry.tag === TAG.subroutineType || entry.tag === TAG.subprogram
  if (!isFunction) {
    if (entry.tag !== TAG.pointerType) return typeAt(entry, depth).name
    return pointer(nameAt(typeOf(entry), depth - 1), () => VOID).name
  }
  const parameters = entry.children
    .filter(({ tag }) => tag === TAG.formalParameter)
    .slice(0, MAX_DEPTH)
    .map(parameter => nameAt(typeOf(parameter), depth - MAX_DEPTH / 8))
  return `${nameAt(typeOf(entry), depth - 1)} (${parameters.length === 0 ? 'void' : parameters.join(', ')})`
}

function sizeOf(entry: DwarfEntry): number {
  const size = entryWith(entry, AT.byteSize)?.number(AT.byteSize) ?? 0n
  return size >= 0n && size <= MAX_SIZE_BYTES ? Number(size) : 0
}

function membersOf(entry: DwarfEntry): GuestMember[] {
  return entry.children
    .filter(({ tag }) => tag === TAG.member || tag === TAG.inheritance)
    .map(member => {
      const type = guestTypeOf(member)
      const offset = member.value(AT.dataMemberLocation)
      const offsetBytes = offset?.kind === 'constant' ? Number(offset.value) : 0
      const size = member.number(AT.bitSize)
      return {
        name: nameOf(member) ?? '',
        type,
        offsetBytes,
        ...(size !== undefined && { bits: { offset: bitsAt(member, type, offsetBytes), size: Number(size) } }),
      }
    })
}
/** DWARF 5 §5.7.6; the older form counts from the storage unit's most significant bit (DWARF 3 §5.6.6). */
function bitsAt(member: DwarfEntry, type: GuestType, offsetBytes: number): number {
  const whole = member.number(AT.dataBitOffset)
  if (whole !== undefined) return Number(whole)
  const [fromTop, size] = [Number(member.number(AT.bitOffset) ?? 0n), Number(member.number(AT.bitSize) ?? 0n)]
  const storage = Number(member.number(AT.byteSize) ?? BigInt(type.sizeBytes))
  return offsetBytes * 8 + storage * 8 - fromTop - size
}

/** Dimensions follow one another in the entry: the last is the innermost. */
function arrayOf(entry: DwarfEntry, element: GuestType): GuestType {
  const counts = entry.children
    .filter(({ tag }) => tag === TAG.subrangeType)
    .map(range => {
      const upper = range.value(AT.upperBound)
      const count = range.number(AT.count) ?? (upper?.kind === 'constant' ? upper.value + 1n : 0n)
      return count > 0n && count <= MAX_SIZE_BYTES ? Number(count) : 0
    })
  const brackets = counts.map(count => `[${count}]`)
  return counts.reduceRight<GuestType>((inner, count, i) => {
    const total = inner.sizeBytes * count
    const name = `${element.name}${/[\])]$/.test(element.name) ? '' : ' '}${brackets.slice(i).join('')}`
    return { kind: 'array', name, sizeBytes: total <= MAX_SIZE_BYTES ? total : 0, element: inner, count }
  }, element)
}

function enumeration(entry: DwarfEntry, name: string, sizeBytes: number): GuestType {
  const values = new Map<bigint, string>()
  for (const value of entry.children) {
    const number = value.number(AT.constValue)
    if (value.tag === TAG.enumerator && number !== undefined && !values.has(number)) {
      values.set(number, nameOf(value) ?? '')
    }
  }
  return { kind: 'enumeration', name, sizeBytes, isSigned: [...values.keys()].some(value => value < 0n), values }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
