import { LONG_BYTES } from '../../machine/long-integers.ts'
import { STORAGE, type StorageClass, UNDEFINED_WORD, type ValueType } from '../../program/program.ts'
import type { FieldSymbol, TypeSymbol } from '../../program/type-symbol.ts'
import {
  type Field,
  hostOf,
  type OrdinalType,
  type RecordType,
  type SetType,
  type Type,
  type VariantPart,
} from '../analysis/types.ts'

/** Bytes of a file variable before its buffer. */
export const FILE_ID_BYTES = 4

const LAST_OF_BYTE = 255
const LAST_OF_HALF = 32_767
/** The greatest member of a small set. */
const LAST_OF_SMALL_SET = 63

/** How a scalar of a type is stored; in a packed variable subranges take the least room. */
export function storageOf(type: Type, packed = false): StorageClass {
  switch (type.kind) {
    case 'ordinal':
      return ordinalStorage(type, packed)
    case 'real':
      return 'r'
    case 'set':
      return setKind(type)
    default:
      return 'a'
  }
}

function ordinalStorage(type: OrdinalType, packed: boolean): StorageClass {
  if (type.family === 'char') return 'c'
  if (type.family === 'boolean') return 'b'
  // All subranges of an enumeration are stored alike, by their host, since var parameters see them so.
  if (type.family === 'enumeration') return hostOf(type).high <= LAST_OF_BYTE ? 'x' : 'i'
  if (!packed) return 'i'
  if (type.low >= 0 && type.high <= LAST_OF_BYTE) return 'x'
  return type.low >= -LAST_OF_HALF - 1 && type.high <= LAST_OF_HALF ? 'h' : 'i'
}

/** A small set where all members fit one. */
export function setKind(type: SetType): 's' | 't' {
  return type.base === undefined || type.base.high <= LAST_OF_SMALL_SET ? 't' : 's'
}

/** What stands for no value in a variable that controls for-statements; undefined where each byte is a value. */
export function noValueOf({ type }: { readonly type: Type }): number | undefined {
  if (type.kind !== 'ordinal') return undefined
  const storage = storageOf(type)
  if (storage === 'i') return UNDEFINED_WORD
  return type.high < LAST_OF_BYTE ? LAST_OF_BYTE : undefined
}

/** Whether a value of a type is on the operand stack itself; of others the address is. */
export function isScalar(type: Type): boolean {
  return type.kind === 'ordinal' || type.kind === 'real' || type.kind === 'pointer' || type.kind === 'set'
}

/** What a value of a type is on the operand stack. */
export function valueType(type: Type): ValueType {
  return isScalar(type) ? STORAGE[storageOf(type)].type : 'i'
}

/** Bytes of a variable of a type, and what its address is a multiple of. */
export function sizeOf(type: Type, packed = false): { readonly bytes: number; readonly align: number } {
  if (isScalar(type)) {
    const { bytes } = STORAGE[storageOf(type, packed)]
    return { bytes, align: packed ? 1 : Math.min(bytes, 8) }
  }
  switch (type.kind) {
    case 'array': {
      const { bytes, align } = sizeOf(type.component, type.packed)
      const stride = roundUp(bytes, align)
      return { bytes: stride * (type.index.high - type.index.low + 1), align }
    }
    case 'record':
      return { bytes: layOut(type).bytes, align: type.packed ? 1 : 8 }
    case 'string':
      // Aligned, so that the length in fresh memory is 0.
      return { bytes: type.max + 1, align: 4 }
    case 'long':
      return { bytes: LONG_BYTES, align: 4 }
    case 'file':
      return { bytes: FILE_ID_BYTES + sizeOf(type.component).bytes, align: 4 }
    default:
      return { bytes: 4, align: 4 }
  }
}

/** Bytes from one component of an array to the next. */
export function strideOf(array: { readonly component: Type; readonly packed: boolean }): number {
  const { bytes, align } = sizeOf(array.component, array.packed)
  return roundUp(bytes, align)
}

/** The next multiple of `align`. */
export function roundUp(bytes: number, align: number): number {
  return Math.ceil(bytes / align) * align
}

/** Gives the fields of a record their offsets, once; variants share the room behind the fixed part. */
export function layOut(record: RecordType): RecordType {
  if (record.bytes === 0) {
    const end = placeFields(record.fixed, record.variant, 0, record.packed)
    record.bytes = Math.max(1, record.packed ? end : roundUp(end, 4))
  }
  return record
}

function placeFields(
  fixed: RecordType['fixed'],
  part: VariantPart | undefined,
  start: number,
  packed: boolean,
): number {
  let at = start
  for (const field of part?.tag ? [...fixed, part.tag] : fixed) {
    const { bytes, align } = sizeOf(field.type, packed)
    field.offset = roundUp(at, align)
    at = field.offset + bytes
  }
  let end = at
  for (const variant of part?.variants ?? []) {
    variant.endBytes = placeFields(variant.fixed, variant.inner, at, packed)
    end = Math.max(end, variant.endBytes)
  }
  return end
}

/** A type as debuggers and messages see it. */
export function typeSymbol(type: Type, packed = false): TypeSymbol {
  switch (type.kind) {
    case 'ordinal': {
      const { bytes } = STORAGE[storageOf(type, packed)]
      if (type.family === 'enumeration') return { kind: 'enumeration', bytes, names: type.values }
      return { kind: type.family, bytes }
    }
    case 'real':
      return { kind: 'real' }
    case 'pointer': {
      const { target } = type
      return { kind: 'pointer', target: () => (target === undefined ? { kind: 'unknown' } : typeSymbol(target)) }
    }
    case 'set': {
      const { base } = type
      const bytes = STORAGE[setKind(type)].bytes
      return { kind: 'set', bytes, element: base === undefined ? { kind: 'unknown' } : typeSymbol(base) }
    }
    case 'array': {
      const { low, high } = type.index
      const element = typeSymbol(type.component, type.packed)
      return { kind: 'array', low, high, elementBytes: strideOf(type), element, index: typeSymbol(type.index) }
    }
    case 'conformant': {
      const { component, low, high } = type
      return {
        kind: 'conformant',
        lowOffset: low.offset,
        highOffset: high.offset,
        elementBytes: component.kind === 'conformant' ? undefined : strideOf(type),
        element: typeSymbol(component, type.packed),
        index: typeSymbol(type.index),
      }
    }
    case 'record': {
      layOut(type)
      return { kind: 'record', fields: [...type.fields.values()].map(field => fieldSymbol(field, type.packed)) }
    }
    case 'string':
      return { kind: 'string', bytes: type.max + 1 }
    case 'long':
      return { kind: 'long', digits: type.digits }
    case 'file':
      return { kind: 'file', component: typeSymbol(type.component) }
    default:
      return { kind: 'unknown' }
  }
}

function fieldSymbol({ name, offset, type, variant }: Field, packed: boolean): FieldSymbol {
  const symbol = { name, offset, type: typeSymbol(type, packed) }
  if (!variant) return symbol
  const { tag } = variant.part
  return { ...symbol, variant: { labels: variant.labels, tag: tag && fieldSymbol(tag, packed) } }
}
