import type { ByteWriter } from './bytes.ts'

/** Value types by their binary encoding (Core spec §5.3). Heap types of WasmGC are written with `ref`. */
export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
export const FUNCREF = 0x70
export const EXTERNREF = 0x6f
export const ANYREF = 0x6e
export const EQREF = 0x6d
/** Packed storage types, for fields and elements only. */
export const I8 = 0x78
export const I16 = 0x77
/** What a node that produces nothing has as its type. */
export const VOID = 0x40

/** A value type: one of the constants above, or a reference made by `ref`. */
export type ValueType = number

/** References to defined types are numbered above every one-byte type. */
const REF_BASE = 0x1000
const NULLABLE = 1

/** The type of references to the module's type `index` (WasmGC), nullable unless said otherwise. */
export function ref(index: number, nullable = true): ValueType {
  return REF_BASE + index * 2 + (nullable ? NULLABLE : 0)
}

/** Writes a heap type: what a reference type refers to. */
export function writeHeapType(out: ByteWriter, type: ValueType): void {
  if (type < REF_BASE) return out.u8(type)
  out.signedTypeIndex((type - REF_BASE) >> 1)
}

/** Writes a value type. */
export function writeValueType(out: ByteWriter, type: ValueType): void {
  if (type < REF_BASE) return out.u8(type)
  out.u8((type - REF_BASE) & NULLABLE ? 0x63 : 0x64)
  out.signedTypeIndex((type - REF_BASE) >> 1)
}

/** Parameters and results. */
export interface FunctionType {
  readonly kind: 'func'
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
}
/** A field of a structure, or an array’s element. */
export interface FieldType {
  /** A value type, or the packed storage types i8 (0x78) and i16 (0x77). */
  readonly type: ValueType
  readonly mutable: boolean
}
/** A structure of WasmGC; `supertype` is a type index. */
export interface StructType {
  readonly kind: 'struct'
  readonly fields: readonly FieldType[]
  readonly supertype?: number
  /** True when nothing extends it, which makes casts to it cheaper. */
  readonly final?: boolean
}
/** An array of WasmGC. */
export interface ArrayType {
  readonly kind: 'array'
  readonly element: FieldType
}
/** A type a module defines (Core spec §5.3.9–5.3.13). */
export type DefinedType = FunctionType | StructType | ArrayType

/** Writes one defined type; structures are open to be extended unless they are final. */
export function writeDefinedType(out: ByteWriter, type: DefinedType): void {
  const field = (f: FieldType): void => {
    writeValueType(out, f.type)
    out.u8(f.mutable ? 1 : 0)
  }
  switch (type.kind) {
    case 'func':
      out.u8(0x60)
      for (const list of [type.params, type.results]) {
        out.u32(list.length)
        for (const t of list) writeValueType(out, t)
      }
      return
    case 'struct':
      out.u8(type.final ? 0x4f : 0x50)
      out.u32(type.supertype === undefined ? 0 : 1)
      if (type.supertype !== undefined) out.typeIndex(type.supertype)
      out.u8(0x5f)
      out.u32(type.fields.length)
      for (const f of type.fields) field(f)
      return
    case 'array':
      out.u8(0x5e)
      field(type.element)
  }
}
