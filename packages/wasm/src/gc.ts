import type { FunctionBuilder, Node } from './function.ts'
import { GC_KINDS, GcKind } from './gc-emit.ts'
import { I32, VOID, type ValueType } from './types.ts'

/**
 * Instructions of WasmGC, tables of references and exceptions, as expressions of a function being built. Types are the
 * module's type indices; `result` is the value type that comes out. The engine validates; nothing is checked here.
 */
export class Gc {
  readonly #fn: FunctionBuilder

  constructor(fn: FunctionBuilder) {
    this.#fn = fn
  }
  #fb(code: number, result: ValueType, operands: readonly Node[], imm0 = 0, imm1 = 0): Node {
    return this.#fn.node(GC_KINDS + code, result, operands, imm0, imm1)
  }

  structNew(type: number, result: ValueType, fields: readonly Node[]): Node {
    return this.#fb(0, result, fields, type)
  }
  structGet(type: number, field: number, result: ValueType, object: Node): Node {
    return this.#fb(2, result, [object], type, field)
  }
  structSet(type: number, field: number, object: Node, value: Node): void {
    this.#fn.effect(this.#fb(5, VOID, [object, value], type, field))
  }
  /** An array of `length` elements, each `value`. */
  arrayNew(type: number, result: ValueType, value: Node, length: Node): Node {
    return this.#fb(6, result, [value, length], type)
  }
  arrayNewDefault(type: number, result: ValueType, length: Node): Node {
    return this.#fb(7, result, [length], type)
  }
  arrayGet(type: number, result: ValueType, array: Node, index: Node): Node {
    return this.#fb(11, result, [array, index], type)
  }
  /** Sign-extends a packed element. */
  arrayGetS(type: number, array: Node, index: Node): Node {
    return this.#fb(12, I32, [array, index], type)
  }
  /** Zero-extends a packed element. */
  arrayGetU(type: number, array: Node, index: Node): Node {
    return this.#fb(13, I32, [array, index], type)
  }
  arraySet(type: number, array: Node, index: Node, value: Node): void {
    this.#fn.effect(this.#fb(14, VOID, [array, index, value], type))
  }
  arrayLength(array: Node): Node {
    return this.#fb(15, I32, [array])
  }
  /** Copies `count` elements between arrays of one type; ranges may overlap. */
  arrayCopy(type: number, to: Node, toIndex: Node, from: Node, fromIndex: Node, count: Node): void {
    this.#fn.effect(this.#fn.node(GcKind.arrayCopy, VOID, [to, toIndex, from, fromIndex, count], type, type))
  }
  arrayFill(type: number, array: Node, index: Node, value: Node, count: Node): void {
    this.#fn.effect(this.#fb(16, VOID, [array, index, value, count], type))
  }
  /** 1 when the reference is of the type and not null. */
  refTest(type: ValueType, value: Node): Node {
    return this.#fb(20, I32, [value], type)
  }
  /** The reference as `type`, not null; traps otherwise. */
  refCast(type: ValueType, value: Node): Node {
    return this.#fb(22, type, [value], type)
  }
  /** The reference as the nullable `type`; traps when it is something else. */
  refCastNull(type: ValueType, value: Node): Node {
    return this.#fb(23, type, [value], type)
  }
  /**
   * The reference when it is not null, or else a call of `fail`, which must not return. `type` is the operand's type
   * without null, `blockType` the module's index of the function type from the one to the other.
   */
  nonNullOr(type: ValueType, value: Node, blockType: number, fail: { readonly index: number }): Node {
    return this.#fn.node(GcKind.nonNullOr, type, [value], blockType, fail.index)
  }
  /** A null of the nullable reference type. */
  refNull(type: ValueType): Node {
    return this.#fn.node(GcKind.refNull, type, [], type)
  }
  refIsNull(value: Node): Node {
    return this.#fn.node(GcKind.refIsNull, I32, [value])
  }
  refAsNonNull(type: ValueType, value: Node): Node {
    return this.#fn.node(GcKind.refAsNonNull, type, [value])
  }
  refEq(a: Node, b: Node): Node {
    return this.#fn.node(GcKind.refEq, I32, [a, b])
  }
  tableGet(table: number, type: ValueType, index: Node): Node {
    return this.#fn.node(GcKind.tableGet, type, [index], table)
  }
  tableSet(table: number, index: Node, value: Node): void {
    this.#fn.effect(this.#fn.node(GcKind.tableSet, VOID, [index, value], table))
  }
  /** Grows a table by `count` entries of `value`; the old size, or -1. */
  tableGrow(table: number, value: Node, count: Node): Node {
    return this.#fn.node(GcKind.tableGrow, I32, [value, count], table)
  }
  /** Copies `count` entries from table `source` to table `target`. */
  tableCopy(target: number, source: number, to: Node, from: Node, count: Node): void {
    this.#fn.effect(this.#fn.node(GcKind.tableCopy, VOID, [to, from, count], target, source))
  }
  memoryCopy(to: Node, from: Node, count: Node): void {
    this.#fn.effect(this.#fn.node(GcKind.memoryCopy, VOID, [to, from, count]))
  }
  /** Throws an exception; the block ends here. */
  throw(tag: number, payload: readonly Node[]): void {
    this.#fn.effect(this.#fn.node(GcKind.throw, VOID, payload, tag))
    this.#fn.unreachable()
  }
}
