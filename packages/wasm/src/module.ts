import { assert } from '@doppel/base'
import type { Arena } from './arena.ts'
import { ByteWriter } from './bytes.ts'
import { type BranchHint, emitLocals } from './emit.ts'
import { FunctionBuilder } from './function.ts'
import { writeBranchHints, writeNames } from './names.ts'
import { relocate, Relocations } from './relocations.ts'
import { Structurer } from './structure.ts'
import {
  type DefinedType,
  FUNCREF,
  type FunctionType,
  type ValueType,
  writeDefinedType,
  writeValueType,
} from './types.ts'

/** A function of the module, imported or defined, as calls name it. */
export interface FunctionRef {
  readonly index: number
  readonly type: FunctionType
}
/** Size limits of a memory (64 KiB pages) or table (entries). */
export interface Limits {
  readonly min: number
  readonly max?: number
  readonly shared?: boolean
}
/** A function's encoded body. It fits any module with the same types, imports and functions before it that it names. */
export interface FunctionBody {
  readonly code: Uint8Array
  readonly hints: readonly BranchHint[]
}
interface DefinedFunction {
  readonly typeIndex: number
  readonly name: string
  code: Uint8Array
  hints: readonly BranchHint[]
  relocations: readonly number[]
  /** Where the code stands in the code section's body. */
  start: number
}

const NO_BYTES = new Uint8Array(0)
const EXTERNAL = { func: 0, table: 1, memory: 2, global: 3, tag: 4 } as const

function writeLimits(out: ByteWriter, limits: Limits): void {
  out.u8((limits.max === undefined ? 0 : 1) | (limits.shared ? 2 : 0))
  out.u32(limits.min)
  if (limits.max !== undefined) out.u32(limits.max)
}

/** Encoding a function is never interrupted by encoding another, so all modules of a thread share this. */
let scratch: ByteWriter | undefined

/** A WebAssembly module under construction (Core spec §5.5). Imports come before definitions of the same kind. */
export class ModuleBuilder {
  readonly #types: DefinedType[] = []
  readonly #typeKeys = new Map<string, number>()
  readonly #imports = new ByteWriter()
  #importCount = 0
  readonly #importedFunctions: string[] = []
  readonly #functions: DefinedFunction[] = []
  readonly #memories: Limits[] = []
  readonly #globals: { type: ValueType; mutable: boolean; init: number }[] = []
  #importedGlobals = 0
  readonly #tags: number[] = []
  #importedTags = 0
  readonly #tables: { element: ValueType; limits: Limits }[] = []
  readonly #segments: { table: number; offset: number; functions: readonly number[] }[] = []
  #codeStart = 0
  readonly #exports: { name: string; kind: number; index: number }[] = []
  readonly #base: ModuleBuilder | undefined
  readonly #relocatable: boolean
  #encodedTypes: Uint8Array | undefined

  /**
   * With `base`, begins with the types and imports of another module, which must not change any more. The functions of a
   * `relocatable` one can be defined again in any other module with that base.
   */
  constructor(base?: ModuleBuilder, relocatable = false) {
    this.#relocatable = relocatable
    if (!base) return
    assert(base.#functions.length === 0, 'a base has types and imports only')
    this.#base = base
    this.#types.push(...base.#types)
    this.#imports.append(base.#imports.view())
    this.#importCount = base.#importCount
    this.#importedFunctions.push(...base.#importedFunctions)
    this.#importedGlobals = base.#importedGlobals
    this.#importedTags = base.#importedTags
  }

  /** The index of a type, defined once however often it is asked for. */
  type(type: DefinedType): number {
    const key = JSON.stringify(type)
    const known = this.#typeKeys.get(key) ?? (this.#base && this.#base.#typeKeys.get(key))
    if (known !== undefined) return known
    this.#types.push(type)
    this.#typeKeys.set(key, this.#types.length - 1)
    return this.#types.length - 1
  }

  /** The types, encoded: for a base, once. */
  typeBytes(): Uint8Array {
    if (this.#encodedTypes) return this.#encodedTypes
    const out = new ByteWriter()
    for (const type of this.#types) writeDefinedType(out, type)
    return (this.#encodedTypes = out.view().slice())
  }
  #import(module: string, name: string, kind: number): ByteWriter {
    this.#importCount++
    this.#imports.name(module)
    this.#imports.name(name)
    this.#imports.u8(kind)
    return this.#imports
  }
  importFunction(module: string, name: string, type: FunctionType): FunctionRef {
    assert(this.#functions.length === 0, 'import functions before defining any')
    this.#import(module, name, EXTERNAL.func).u32(this.type(type))
    this.#importedFunctions.push(name)
    return { index: this.#importedFunctions.length - 1, type }
  }
  importMemory(module: string, name: string, limits: Limits): void {
    writeLimits(this.#import(module, name, EXTERNAL.memory), limits)
  }
  importTable(module: string, name: string, limits: Limits): void {
    const out = this.#import(module, name, EXTERNAL.table)
    out.u8(FUNCREF)
    writeLimits(out, limits)
  }
  /** A table of a reference type other than `funcref`. */
  importTypedTable(module: string, name: string, element: ValueType, limits: Limits): void {
    const out = this.#import(module, name, EXTERNAL.table)
    writeValueType(out, element)
    writeLimits(out, limits)
  }
  importTag(module: string, name: string, type: FunctionType): number {
    const out = this.#import(module, name, EXTERNAL.tag)
    out.u8(0)
    out.u32(this.type(type))
    return this.#importedTags++
  }
  importGlobal(module: string, name: string, type: ValueType, mutable = false): number {
    const out = this.#import(module, name, EXTERNAL.global)
    writeValueType(out, type)
    out.u8(mutable ? 1 : 0)
    return this.#importedGlobals++
  }

  /** Defines a type without looking for an equal one; for callers that keep their own index. */
  defineType(type: DefinedType): number {
    this.#types.push(type)
    return this.#types.length - 1
  }
  /** Defines a table of nullable references, empty at first; numbered after the imported ones. */
  table(element: ValueType, limits: Limits): void {
    this.#tables.push({ element, limits })
  }
  /** Puts functions into a table, from `offset` on, when the module is instantiated. */
  elements(table: number, offset: number, functions: readonly FunctionRef[]): void {
    this.#segments.push({ table, offset, functions: functions.map(f => f.index) })
  }
  memory(limits: Limits): void {
    this.#memories.push(limits)
  }
  /** A global starting at the i32 or sign-extended i64 `init`. */
  global(type: ValueType, mutable: boolean, init: number): number {
    this.#globals.push({ type, mutable, init })
    return this.#importedGlobals + this.#globals.length - 1
  }
  /** An exception tag carrying the type's parameters. */
  tag(type: FunctionType): number {
    this.#tags.push(this.type(type))
    return this.#importedTags + this.#tags.length - 1
  }
  export(name: string, kind: keyof typeof EXTERNAL, index: number): void {
    this.#exports.push({ name, kind: EXTERNAL[kind], index })
  }

  /** Reserves a function's index before its body, so that others may call it. */
  declare(name: string, type: FunctionType): FunctionRef {
    this.#functions.push({ typeIndex: this.type(type), name, code: NO_BYTES, hints: [], relocations: [], start: 0 })
    return { index: this.#importedFunctions.length + this.#functions.length - 1, type }
  }
  /** Starts the body of a declared function. */
  build(declared: FunctionRef, arena?: Arena): FunctionBuilder {
    return new FunctionBuilder(this.#defined(declared).name, declared.type, declared.index, arena)
  }
  /** Encodes a finished body. */
  finish(fn: FunctionBuilder): void {
    const target = this.#defined(fn)
    const out = (scratch ??= new ByteWriter(1 << 16))
    out.length = 0
    const hints: BranchHint[] = []
    const base = this.#base
    out.relocations =
      this.#relocatable && base ? new Relocations(base.#types.length, base.#importedFunctions.length) : undefined
    emitLocals(fn, out)
    new Structurer(fn, out, hints).write()
    target.code = out.take()
    target.hints = hints
    target.relocations = out.relocations?.noted ?? []
  }
  /** A finished body, to be defined again in another module. */
  body(declared: { readonly index: number }): FunctionBody {
    const { code, hints } = this.#defined(declared)
    return { code, hints }
  }
  /** Defines a function by a body from elsewhere. */
  define(name: string, type: FunctionType, body: FunctionBody): FunctionRef {
    const declared = this.declare(name, type)
    Object.assign(this.#defined(declared), { code: body.code, hints: body.hints })
    return declared
  }
  /**
   * Defines every function of a relocatable module with the same base, in their order; `type` gives the index here of a
   * type that the code names there. The first one's index.
   */
  adopt(other: ModuleBuilder, type: (index: number) => number): number {
    const first = this.#importedFunctions.length + this.#functions.length
    const shift = first - other.#importedFunctions.length
    for (const f of other.#functions) {
      const { index } = this.declare(f.name, other.#types[f.typeIndex] as FunctionType)
      const code = relocate(f.code, f.relocations, type, i => i + shift)
      Object.assign(this.#defined({ index }), { code, hints: f.hints })
    }
    return first
  }
  /** Where a function’s code begins in the encoded module. After `encode`. */
  startOf(declared: { readonly index: number }): number {
    return this.#codeStart + this.#defined(declared).start
  }
  #defined(f: { readonly index: number }): DefinedFunction {
    return this.#functions[f.index - this.#importedFunctions.length] as DefinedFunction
  }

  /** Functions defined so far, and the bytes of their code. */
  get functionCount(): number {
    return this.#functions.length
  }
  get codeBytes(): number {
    return this.#functions.reduce((sum, f) => sum + f.code.length, 0)
  }
  /** The defined function of this number, imported ones not counted. */
  functionAt(i: number): FunctionRef {
    const f = this.#functions[i] as DefinedFunction
    return { index: this.#importedFunctions.length + i, type: this.#types[f.typeIndex] as FunctionType }
  }

  /** The binary module. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(4096)
    out.fixed32(0x6d736100)
    out.fixed32(1)
    const section = (id: number, count: number, write: (body: ByteWriter) => void): void => {
      if (count === 0) return
      const body = new ByteWriter()
      body.u32(count)
      write(body)
      out.u8(id)
      out.u32(body.length)
      out.append(body.view())
    }
    section(1, this.#types.length, b => {
      b.append(this.#base?.typeBytes() ?? NO_BYTES)
      for (const type of this.#types.slice(this.#base ? this.#base.#types.length : 0)) writeDefinedType(b, type)
    })
    section(2, this.#importCount, b => b.append(this.#imports.view()))
    section(3, this.#functions.length, b => {
      for (const f of this.#functions) b.u32(f.typeIndex)
    })
    section(4, this.#tables.length, b => {
      for (const t of this.#tables) {
        writeValueType(b, t.element)
        writeLimits(b, t.limits)
      }
    })
    section(5, this.#memories.length, b => {
      for (const m of this.#memories) writeLimits(b, m)
    })
    section(13, this.#tags.length, b => {
      for (const t of this.#tags) {
        b.u8(0)
        b.u32(t)
      }
    })
    section(6, this.#globals.length, b => {
      for (const g of this.#globals) this.#writeGlobal(b, g)
    })
    section(7, this.#exports.length, b => {
      for (const e of this.#exports) {
        b.name(e.name)
        b.u8(e.kind)
        b.u32(e.index)
      }
    })
    section(9, this.#segments.length, b => {
      for (const s of this.#segments) this.#writeSegment(b, s)
    })
    const hinted = this.#functions.map((f, i) => ({ index: this.#importedFunctions.length + i, hints: f.hints }))
    writeBranchHints(out, hinted)
    let bodyStart = 0
    section(10, this.#functions.length, b => {
      for (const f of this.#functions) {
        b.u32(f.code.length)
        f.start = b.length
        b.append(f.code)
      }
    })
    for (const f of this.#functions) bodyStart = f.start + f.code.length
    this.#codeStart = out.length - bodyStart
    writeNames(
      out,
      this.#importedFunctions.length,
      this.#functions.map(f => f.name),
    )
    return out.take()
  }

  /** Where a function's marks went: pairs of byte offset in the encoded module and position. After `encode`. */
  marks(fn: FunctionBuilder): number[] {
    const start = this.startOf(fn)
    return fn.marks.map((value, i) => (i % 2 === 0 ? value + start : value))
  }

  #writeSegment(b: ByteWriter, s: { table: number; offset: number; functions: readonly number[] }): void {
    b.u8(2)
    b.u32(s.table)
    b.u8(0x41)
    b.s32(s.offset)
    b.u8(0x0b)
    b.u8(0)
    b.u32(s.functions.length)
    for (const index of s.functions) b.u32(index)
  }
  #writeGlobal(out: ByteWriter, g: { type: ValueType; mutable: boolean; init: number }): void {
    writeValueType(out, g.type)
    out.u8(g.mutable ? 1 : 0)
    const i32 = g.type === 0x7f
    out.u8(i32 ? 0x41 : 0x42)
    if (i32) out.s32(g.init)
    else out.s64(g.init, g.init >> 31)
    out.u8(0x0b)
  }
}
