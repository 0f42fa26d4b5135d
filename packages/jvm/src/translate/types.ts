import {
  Arena,
  EQREF,
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
  type FunctionBuilder,
  type FunctionType,
  type Gc,
  I16,
  I32,
  I64,
  I8,
  type Limits,
  type ModuleBuilder,
  type Node,
  ref,
  type ValueType,
} from '@doppel/wasm'
import type { FieldKind, Kind } from '../class-file/descriptor.ts'

/**
 * Type indices that every module of the machine defines first and in this order, so that equal types are the same type
 * across modules (Core spec §3.1.1, iso-recursive types).
 *
 * A class’s run-time record (`VT`) has its number, its first superclasses by depth, its virtual methods and a cache. An
 * object has its record, a lock word and an identity hash. An array is an object with a length and the elements.
 */
export const T = {
  ints: 0,
  vt: 1,
  object: 2,
  bytes: 3,
  shorts: 4,
  longs: 5,
  floats: 6,
  doubles: 7,
  refs: 8,
  array: 9,
  arrayB: 10,
  arrayS: 11,
  arrayI: 12,
  arrayJ: 13,
  arrayF: 14,
  arrayD: 15,
  arrayL: 16,
} as const

/** Superclasses that a class’s record lists, the class itself included when its depth is below this. */
export const DISPLAY = 8
/** Fields of the record. */
export const VT = { id: 0, display: 1, methods: 9, cache: 10, mirror: 11, element: 12 } as const
/** Entries of a record’s cache, each a key and a value. */
export const CACHE_ENTRIES = 32
/** Fields of every object, and of every array after them. */
export const OBJECT = { vt: 0, lock: 1, hash: 2, fields: 3 } as const
export const ARRAY = { length: 3, elements: 4 } as const

/** A reference to any object, the erased type of locals and signatures. */
export const OBJ: ValueType = ref(T.object)
export const VT_REF: ValueType = ref(T.vt, false)

/** How the elements of each array type are kept: the wrapper, the elements, one element’s storage. */
export const ARRAYS: Readonly<
  Record<string, { wrapper: number; elements: number; value: ValueType; storage: ValueType; scale: number }>
> = {
  Z: { wrapper: T.arrayB, elements: T.bytes, value: I32, storage: I8, scale: 1 },
  B: { wrapper: T.arrayB, elements: T.bytes, value: I32, storage: I8, scale: 1 },
  C: { wrapper: T.arrayS, elements: T.shorts, value: I32, storage: I16, scale: 2 },
  S: { wrapper: T.arrayS, elements: T.shorts, value: I32, storage: I16, scale: 2 },
  I: { wrapper: T.arrayI, elements: T.ints, value: I32, storage: I32, scale: 4 },
  J: { wrapper: T.arrayJ, elements: T.longs, value: I64, storage: I64, scale: 8 },
  F: { wrapper: T.arrayF, elements: T.floats, value: F32, storage: F32, scale: 4 },
  D: { wrapper: T.arrayD, elements: T.doubles, value: F64, storage: F64, scale: 8 },
  L: { wrapper: T.arrayL, elements: T.refs, value: OBJ, storage: OBJ, scale: 4 },
}

/** Defines the common types in a module. */
export function defineCommonTypes(module: ModuleBuilder): void {
  const array = (type: ValueType): number => module.defineType({ kind: 'array', element: { type, mutable: true } })
  const mutable = (type: ValueType): { type: ValueType; mutable: boolean } => ({ type, mutable: true })
  const fixed = (type: ValueType): { type: ValueType; mutable: boolean } => ({ type, mutable: false })
  array(I32)
  module.defineType({
    kind: 'struct',
    fields: [
      fixed(I32),
      ...Array.from({ length: DISPLAY }, () => fixed(I32)),
      fixed(ref(T.ints, false)),
      fixed(ref(T.ints, false)),
      mutable(EQREF),
      fixed(I32),
    ],
  })
  const header = [fixed(VT_REF), mutable(I32), mutable(I32)]
  module.defineType({ kind: 'struct', fields: header })
  for (const type of [I8, I16, I64, F32, F64, OBJ]) array(type)
  const arrayHeader = [...header, fixed(I32)]
  module.defineType({ kind: 'struct', supertype: T.object, fields: arrayHeader })
  for (const elements of [T.bytes, T.shorts, T.ints, T.longs, T.floats, T.doubles, T.refs]) {
    module.defineType({
      kind: 'struct',
      final: true,
      supertype: T.array,
      fields: [...arrayHeader, fixed(ref(elements, false))],
    })
  }
}

/** The value type of a kind. */
export function valueTypeOf(kind: FieldKind): ValueType {
  switch (kind) {
    case 'X':
      return EXTERNREF
    case 'I':
      return I32
    case 'J':
      return I64
    case 'F':
      return F32
    case 'D':
      return F64
    case 'L':
      return OBJ
  }
}

/** What an object of a class is made of: the field kinds of each class on the way from Object that has any. */
export interface Layout {
  readonly parent: Layout | undefined
  /** Kinds of the fields that this level adds. */
  readonly kinds: string
  /** Index of the first of them. */
  readonly first: number
  /** Tells layouts apart. */
  readonly key: string
}

/** The layout of java/lang/Object. */
export const OBJECT_LAYOUT: Layout = { parent: undefined, kinds: '', first: OBJECT.fields, key: '' }

/** The layout of a subclass that adds fields of these kinds. */
export function extendLayout(parent: Layout, kinds: string): Layout {
  if (kinds === '') return parent
  return { parent, kinds, first: parent.first + parent.kinds.length, key: `${parent.key}|${kinds}` }
}

/** All field kinds of a layout in order. */
export function fieldKinds(layout: Layout): string {
  return layout.parent ? fieldKinds(layout.parent) + layout.kinds : layout.kinds
}

/** Erased signature: kinds of the parameters (receiver first), `)`, the result’s kind. */
export type Signature = string

/** The types of one module beyond the common ones, each defined once. */
export class ModuleTypes {
  readonly module: ModuleBuilder
  readonly #layouts = new Map<string, number>([['', T.object]])
  readonly #signatures = new Map<Signature, { readonly index: number; readonly type: FunctionType }>()
  /** The block type from an erased reference to the same, not null. */
  readonly nonNull: number
  /** How to get the same type in another module, by index. */
  readonly #made = new Map<number, (to: ModuleTypes) => number>()

  /** With `base`, the types of the module that `module` began with. */
  constructor(module: ModuleBuilder, base?: ModuleTypes) {
    this.module = module
    if (!base) {
      defineCommonTypes(module)
      this.nonNull = module.defineType({ kind: 'func', params: [OBJ], results: [ref(T.object, false)] })
      return
    }
    this.nonNull = base.nonNull
    for (const [key, index] of base.#layouts) this.#layouts.set(key, index)
    for (const [key, signature] of base.#signatures) this.#signatures.set(key, signature)
  }

  layout(layout: Layout): number {
    const known = this.#layouts.get(layout.key)
    if (known !== undefined) return known
    const supertype = this.layout(layout.parent as Layout)
    const header = [
      { type: VT_REF, mutable: false },
      { type: I32, mutable: true },
      { type: I32, mutable: true },
    ]
    const own = fieldKinds(layout)
      .split('')
      .map(kind => ({ type: valueTypeOf(kind as FieldKind), mutable: true }))
    const index = this.module.defineType({ kind: 'struct', supertype, fields: [...header, ...own] })
    this.#layouts.set(layout.key, index)
    this.#made.set(index, to => to.layout(layout))
    return index
  }
  signature(signature: Signature): { readonly index: number; readonly type: FunctionType } {
    const known = this.#signatures.get(signature)
    if (known) return known
    const [params = '', result = 'V'] = signature.split(')')
    const type: FunctionType = {
      kind: 'func',
      params: params.split('').map(kind => valueTypeOf(kind as Kind)),
      results: result === 'V' ? [] : [valueTypeOf(result as Kind)],
    }
    const made = { index: this.module.defineType(type), type }
    this.#signatures.set(signature, made)
    this.#made.set(made.index, to => to.signature(signature).index)
    return made
  }
  /** The index in another module with the same base of one of this module’s types. */
  indexIn(to: ModuleTypes, index: number): number {
    return this.#made.get(index)?.(to) ?? index
  }
}

const TABLE_LIMITS: Limits = { min: 1 }

/** Where multianewarray’s dimensions are put for the host, in the page after the scratch area. */
export const DIMENSIONS_ADDRESS = 65_536
/** A word that is only written to. */
export const POSITION_ADDRESS = 69_636
/** Not 0 when the event loop should turn before more is allocated: objects let go of are held until it does. */
export const PRESSURE_ADDRESS = 69_640
/** Where the bytes that the current thread’s stack has left are counted. */
export const DEPTH_ADDRESS = 69_632

/** Imports what all modules share: the code table (0), references (1), class records (2), memory; returns the tag. */
export function importShared(module: ModuleBuilder): number {
  module.importTypedTable('vm', 'code', FUNCREF, TABLE_LIMITS)
  module.importTypedTable('vm', 'refs', OBJ, TABLE_LIMITS)
  module.importTypedTable('vm', 'records', ref(T.vt), TABLE_LIMITS)
  module.importMemory('vm', 'memory', { min: 1 })
  return module.importTag('vm', 'throwable', { kind: 'func', params: [OBJ], results: [] })
}
/** Expressions of the function being built: functions are built one after another, so all share one store. */
export const sharedArena: Arena = new Arena()
/** The same for methods, during whose translation other functions may be built. */
export const methodArena: Arena = new Arena()
/** Table numbers. */
export const TABLE = { code: 0, refs: 1, records: 2 } as const

/** The default value of a kind. */
export function zeroOf(fn: FunctionBuilder, gc: Gc, kind: FieldKind): Node {
  switch (kind) {
    case 'I':
      return fn.i32(0)
    case 'J':
      return fn.i64(0)
    case 'F':
      return fn.f32Bits(0)
    case 'D':
      return fn.f64Bits(0, 0)
    case 'X':
      return gc.refNull(EXTERNREF)
    case 'L':
      return gc.refNull(OBJ)
  }
}
