import { F64, type FunctionBuilder, Gc, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import { LIVE } from '../machine/heap.ts'
import { NIL, STORAGE, type StorageClass } from '../program/program.ts'
import type { ModuleContext } from './context.ts'
import { SetExpressions } from './set-expressions.ts'
import { constant, inNode, MAX_WORD, MIN_WORD, ofParts, type Value } from './value.ts'

const LOAD: Readonly<Record<StorageClass, number>> = {
  i: Op.i32Load,
  a: Op.i32Load,
  b: Op.i32Load8U,
  c: Op.i32Load8U,
  x: Op.i32Load8U,
  h: Op.i32Load16S,
  r: Op.f64Load,
  s: Op.i64Load,
  t: Op.i64Load,
}
const STORE: Readonly<Record<StorageClass, number>> = {
  i: Op.i32Store,
  a: Op.i32Store,
  b: Op.i32Store8,
  c: Op.i32Store8,
  x: Op.i32Store8,
  h: Op.i32Store16,
  r: Op.f64Store,
  s: Op.i64Store,
  t: Op.i64Store,
}
const SET_WORD_BYTES = 8
/** Copies up to this size are made in place. */
const MAX_INLINE_BYTES = 64
/** Where the mark of a heap block stands, seen from its variable. */
const MARK_OFFSET = -4

/** The bounds of what a load of a storage class gives. */
export function storageBounds(storage: StorageClass): readonly [number, number] {
  if (STORAGE[storage].bytes === 1) return [0, 255]
  return storage === 'h' ? [-0x8000, 0x7fff] : [MIN_WORD, MAX_WORD]
}

/** Expressions of what is in memory, and statements that change it. */
export abstract class MemoryExpressions extends SetExpressions {
  readonly context: ModuleContext

  constructor(fn: FunctionBuilder, context: ModuleContext) {
    super(fn, context.program, (name, args) => this.host(name, args))
    this.context = context
  }
  /** A call of the host. */
  host(name: string, args: readonly Node[]): Node {
    const callee = this.context.host.get(name)
    if (!callee) throw new Error(`the host has no ${name}`)
    return this.fn.call(callee, args)
  }
  /** Makes sure that what is on the operand stack does not change with what comes now. */
  abstract settleStack(): void

  globalAddress(offset: number): Value {
    return constant(this.context.layout.globals + offset)
  }
  constantAddress(offset: number): Value {
    return constant(this.context.layout.constants + offset)
  }
  element(address: Value, index: Value, bytes: number): Value {
    if (index.kind === 'constant') return this.offset(address, Math.imul(index.base, bytes))
    // An index is 0 or more; but without what is added to it, it may be less.
    const foldable = index.offset <= 0 || index.low - index.offset >= 0
    const whole = foldable ? this.baseNode(index) : this.node(index)
    const added = foldable ? Math.imul(index.offset, bytes) : 0
    const { fn } = this
    const scaled = bytes === 1 ? whole : fn.op(Op.i32Mul, whole, fn.i32(bytes))
    if (address.kind === 'constant') return { ...inNode(I32, scaled), offset: (address.base + added) | 0 }
    const sum = fn.op(Op.i32Add, this.baseNode(address), scaled)
    return { ...inNode(I32, sum), offset: (address.offset + added) | 0 }
  }

  /** An address as an expression and the constant that the instruction itself adds. */
  #split(address: Value, offset: number): readonly [Node, number] {
    const total = address.offset + offset
    if (address.kind === 'constant') {
      const at = address.base + offset
      if (address.base >= 0 && at >= 0) return [this.fn.i32(0), at]
      return offset >= 0 ? [this.fn.i32(address.base), offset] : [this.fn.i32(at), 0]
    }
    if (total >= 0 && total <= MAX_WORD) return [this.baseNode(address), total]
    return [this.node(this.offset(address, offset)), 0]
  }
  load(storage: StorageClass, address: Value, offset: number): Value {
    const op = LOAD[storage]
    if (storage === 's' || storage === 't') {
      const from = this.once(address)
      const count = STORAGE[storage].bytes / SET_WORD_BYTES
      return ofParts(
        Array.from({ length: count }, (_, i) => {
          const [node, at] = this.#split(from, offset + i * SET_WORD_BYTES)
          return inNode(I64, this.fn.load(op, node, at))
        }),
      )
    }
    const [node, at] = this.#split(address, offset)
    return inNode(storage === 'r' ? F64 : I32, this.fn.load(op, node, at), ...storageBounds(storage))
  }
  store(storage: StorageClass, address: Value, offset: number, value: Value): void {
    this.settleStack()
    const op = STORE[storage]
    if (value.kind !== 'set') {
      const [node, at] = this.#split(address, offset)
      return this.fn.store(op, node, this.node(value), at)
    }
    // All words are known before the first is stored: they may come from the same place.
    const settled = this.settled(value)
    const to = this.settled(address)
    settled.parts.forEach((part, i) => {
      const [node, at] = this.#split(to, offset + i * SET_WORD_BYTES)
      this.fn.store(op, node, this.node(part), at)
    })
  }
  move(to: Value, from: Value, bytes: Value): void {
    this.settleStack()
    if (bytes.kind !== 'constant' || bytes.base > MAX_INLINE_BYTES || bytes.base <= 0) {
      new Gc(this.fn).memoryCopy(this.node(to), this.node(from), this.node(bytes))
      return
    }
    // Of a sum the whole must be in memory, whatever its parts are.
    const address = (value: Value): Value =>
      value.kind === 'constant' ? value : this.once(inNode(I32, this.node(value)))
    const [target, source] = [address(to), address(from)]
    const copied: [number, number, Local][] = []
    for (let at = 0; at < bytes.base; ) {
      const left = bytes.base - at
      const [size, load, store] =
        left >= 8
          ? ([8, Op.i64Load, Op.i64Store] as const)
          : left >= 4
            ? ([4, Op.i32Load, Op.i32Store] as const)
            : ([1, Op.i32Load8U, Op.i32Store8] as const)
      const [node, offset] = this.#split(source, at)
      copied.push([at, store, this.fn.let(this.fn.load(load, node, offset))])
      at += size
    }
    for (const [at, store, local] of copied) {
      const [node, offset] = this.#split(target, at)
      this.fn.store(store, node, this.fn.get(local), offset)
    }
  }
  compareBytes(a: Value, b: Value, bytes: Value): Value {
    const call = this.fn.call(this.context.byteFunctions.compare, [this.node(a), this.node(b), this.node(bytes)])
    return inNode(I32, call, -255, 255)
  }
  allocate(bytes: Value): Value {
    this.settleStack()
    return this.once(inNode(I32, this.fn.call(this.context.heapFunctions.allocate, [this.node(bytes)])))
  }
  release(pointer: Value): void {
    this.settleStack()
    this.fn.effect(this.fn.call(this.context.heapFunctions.release, [this.node(pointer)]))
  }
  checkPointer(pointer: Value, nilAllowed: boolean): Value {
    const { fn } = this
    const value = this.once(pointer)
    const mark = fn.load(Op.i32Load, this.node(this.offset(value, MARK_OFFSET)))
    const dead = fn.op(Op.i32Ne, mark, fn.i32(LIVE))
    const bad = nilAllowed ? fn.op(Op.i32And, dead, fn.op(Op.i32Ne, this.node(value), fn.i32(NIL))) : dead
    fn.if(bad, 'unlikely')
    fn.effect(this.host('badPointer', [fn.i32(this.site), this.node(value)]))
    fn.unreachable()
    fn.end()
    return value
  }
}
