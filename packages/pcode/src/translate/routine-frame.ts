import { F64, I32, I64, type Local, type Node, Op, type ValueType as WasmType } from '@doppel/wasm'
import { FRAME_HEADER_BYTES, frameSize } from '../machine/layout.ts'
import { STORAGE, type StorageClass, UNDEFINED_WORD, VALUE_BYTES } from '../program/program.ts'
import { enclosing } from '../verify/operands.ts'
import type { RoutineTranslator } from './routine.ts'
import { constant, inLocal, inNode, ofParts, type Value, WASM_TYPES } from './value.ts'

/** Where the address of the enclosing routine's frame stands, seen from a frame. */
const LINK_OFFSET = -FRAME_HEADER_BYTES
/** Frames up to this size are filled in place. */
const MAX_INLINE_FILL_BYTES = 128

/** A routine's variables as its code finds them: some in locals, the others in a frame in memory. */
export class RoutineFrame {
  readonly #code: RoutineTranslator
  /** The locals of each variable in registers, by offset. */
  readonly registers: Map<number, readonly Local[]> = new Map()
  readonly #base: Local | undefined
  readonly #link: Local | undefined
  readonly #resumed: boolean

  /** Gives variables their locals. A `resumed` function has all of them as parameters. */
  constructor(code: RoutineTranslator, resumed: boolean) {
    this.#code = code
    this.#resumed = resumed
    const { fn, routine, context, verified } = code
    const plan = context.plans[verified.index] as (typeof context.plans)[number]
    let parameter = resumed ? 1 : 0
    this.#link = plan.takesLink ? parameter++ : undefined
    const inMemory = plan.inMemory && verified.index !== 0
    if (resumed) {
      this.#base = inMemory ? parameter++ : undefined
      for (const [offset, storage] of plan.registers) {
        const types = WASM_TYPES[STORAGE[storage].type] as readonly WasmType[]
        this.registers.set(
          offset,
          types.map(() => parameter++),
        )
      }
      return
    }
    this.#base = inMemory ? fn.local(I32) : undefined
    routine.params.forEach((type, i) => {
      const offset = routine.paramOffsets[i] as number
      const locals = (WASM_TYPES[type] as readonly WasmType[]).map(() => parameter++)
      if (plan.registers.has(offset)) this.registers.set(offset, locals)
    })
    for (const [offset, storage] of plan.registers) {
      if (this.registers.has(offset)) continue
      const types = WASM_TYPES[STORAGE[storage].type] as readonly WasmType[]
      this.registers.set(
        offset,
        types.map(type => fn.local(type)),
      )
    }
  }
  /** What a function that goes on with this one's work takes after the number of the loop. */
  state(): { readonly types: WasmType[]; readonly values: Node[] } {
    const { fn, context, verified } = this.#code
    const locals = [this.#link, this.#base].filter(local => local !== undefined)
    for (const offset of context.plans[verified.index]?.registers.keys() ?? []) {
      locals.push(...(this.registers.get(offset) as readonly Local[]))
    }
    return { types: locals.map(local => fn.localType(local)), values: locals.map(local => fn.get(local)) }
  }

  /** The address of the frame so many static levels up. */
  address(levels: number): Value {
    const { context, verified } = this.#code
    if (levels === 0) return this.#own()
    const owner = enclosing(context.program, verified.index, levels)
    if (owner === 0) return constant(context.layout.stack + FRAME_HEADER_BYTES)
    let frame = inLocal(I32, this.#link as Local, true)
    for (let i = 1; i < levels; i++) frame = this.#code.settled(this.#code.load('a', frame, LINK_OFFSET))
    return frame
  }
  #own(): Value {
    if (this.#base !== undefined) return inLocal(I32, this.#base, true)
    return constant(this.#code.context.layout.stack + FRAME_HEADER_BYTES)
  }
  /** The frame of routine `outer`, which is this one or encloses it. */
  enclosingFrame(outer: number): Value {
    const { context, verified } = this.#code
    if (outer === 0) return constant(context.layout.stack + FRAME_HEADER_BYTES)
    let levels = 0
    for (let at = verified.index; at !== outer; levels++) at = enclosing(context.program, at, 1) as number
    return this.address(levels)
  }

  prologue(): void {
    if (this.#resumed) return
    const { fn, context, verified, routine } = this.#code
    this.#countEntry()
    if (this.#base !== undefined) {
      this.#code.site = context.sites.push({ routine: verified.index, at: 0 }) - 1
      fn.set(this.#base, fn.op(Op.i32Add, fn.globalGet(context.stackTop, I32), fn.i32(FRAME_HEADER_BYTES)))
      this.reenter()
      const top = inNode(I32, fn.globalGet(context.stackTop, I32))
      this.#code.trapIf(this.#code.op('gt', top, constant(context.layout.stackEnd)), 'stack')
      if (this.#link !== undefined) fn.store(Op.i32Store, this.#header(), fn.get(this.#link), 0)
      this.#fill()
    }
    this.#initialize()
    routine.params.forEach((type, i) => this.#placeParameter(type, i))
  }
  #header(): Node {
    const { fn } = this.#code
    return fn.op(Op.i32Add, fn.get(this.#base as Local), fn.i32(LINK_OFFSET))
  }
  #countEntry(): void {
    const { context, verified } = this.#code
    if (context.recursive.has(verified.index)) this.count()
  }
  /** Looks at the world outside once in a while: wherever code may come again and again without a loop. */
  count(): void {
    const { fn, context, verified } = this.#code
    const left = fn.let(fn.op(Op.i32Sub, fn.globalGet(context.entryFuel, I32), fn.i32(1)))
    fn.globalSet(context.entryFuel, fn.get(left))
    fn.if(fn.op(Op.i32LtS, fn.get(left), fn.i32(0)), 'unlikely')
    fn.globalSet(context.entryFuel, fn.i32(ENTRY_FUEL))
    fn.effect(this.#code.host('look', [fn.i32(context.sites.push({ routine: verified.index, at: 0 }) - 1)]))
    fn.end()
  }
  /** Fills the frame with what fresh memory holds. */
  #fill(): void {
    const { fn, routine, context, verified, program } = this.#code
    if (!context.plans[verified.index]?.holdsVariables) return
    const bytes = frameSize(routine.frameBytes) - FRAME_HEADER_BYTES
    const word = program.undefined ? UNDEFINED_WORD : 0
    const base = this.#base as Local
    if (bytes > MAX_INLINE_FILL_BYTES) {
      fn.effect(fn.call(context.byteFunctions.fill, [fn.get(base), fn.i32(bytes), fn.i32(word)]))
      return
    }
    for (let at = 0; at < bytes; at += 8) fn.store(Op.i64Store, fn.get(base), fn.i64(word, word), at)
  }
  #initialize(): void {
    const { fn, routine, context, verified, program } = this.#code
    if (!program.undefined) return
    const plan = context.plans[verified.index] as (typeof context.plans)[number]
    for (const [offset, storage] of plan.registers) {
      if (routine.paramOffsets.includes(offset)) continue
      const value = undefinedValue(storage, offset)
      const locals = this.registers.get(offset) as readonly Local[]
      for (const local of locals) {
        if (fn.localType(local) === I32) fn.set(local, fn.i32(value))
        else if (fn.localType(local) === F64) fn.set(local, fn.f64Bits(UNDEFINED_WORD, UNDEFINED_WORD))
        else fn.set(local, fn.i64(UNDEFINED_WORD, UNDEFINED_WORD))
      }
    }
  }
  #placeParameter(type: keyof typeof VALUE_BYTES, i: number): void {
    const code = this.#code
    const { routine, context, verified } = code
    const offset = routine.paramOffsets[i] as number
    const storage = context.plans[verified.index]?.registers.get(offset)
    const before = routine.params.slice(0, i).reduce((sum, p) => sum + (WASM_TYPES[p] as readonly number[]).length, 0)
    const first = before + (this.#link === undefined ? 0 : 1)
    const types = WASM_TYPES[type] as readonly WasmType[]
    const values = types.map((wasm, k) => inLocal(wasm, first + k, true))
    const value = types[0] === I64 ? ofParts(values) : (values[0] as Value)
    if (!storage) code.store(type, this.address(0), offset, value)
    else if (STORAGE[storage].type === 'i' && STORAGE[storage].bytes < 4) code.storeLocal(storage, 0, offset, value)
  }
  /** Makes the top of the stack what it is while this routine runs. */
  reenter(): void {
    const { fn, routine, context } = this.#code
    if (this.#base === undefined) return
    const size = frameSize(routine.frameBytes) - FRAME_HEADER_BYTES
    fn.globalSet(context.stackTop, fn.op(Op.i32Add, fn.get(this.#base), fn.i32(size)))
  }
  epilogue(): void {
    const { fn, context } = this.#code
    if (this.#base !== undefined) fn.globalSet(context.stackTop, this.#header())
  }
}

/** Calls of recursive routines between looks at the world outside. */
export const ENTRY_FUEL = 20_000

/** What a variable holds in memory filled with undefined words. */
function undefinedValue(storage: StorageClass, offset: number): number {
  const { bytes } = STORAGE[storage]
  if (bytes >= 4) return UNDEFINED_WORD
  const shift = (offset & 3) * 8
  return bytes === 1 ? (UNDEFINED_WORD >>> shift) & 255 : ((UNDEFINED_WORD >>> shift) << 16) >> 16
}
