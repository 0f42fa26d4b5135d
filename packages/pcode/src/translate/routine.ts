import { assert } from '@doppel/base'
import {
  type Block,
  type FunctionBuilder,
  Gc,
  I32,
  type Local,
  type Node,
  Op,
  type ValueType as WasmType,
} from '@doppel/wasm'
import { CODE_WORDS, Field, type Routine, STORAGE, type StorageClass } from '../program/program.ts'
import type { Ops } from '../rows/ops.ts'
import { STANDARD } from '../rows/standard.ts'
import { rowAt } from '../verify/effects.ts'
import type { VerifiedRoutine } from '../verify/verify.ts'
import type { CodeGraph } from './blocks.ts'
import { functionType, type ModuleContext, SET_RESULT_ADDRESS } from './context.ts'
import { LoopEntries } from './loop-entries.ts'
import { MemoryExpressions, storageBounds } from './memory-expressions.ts'
import { RoutineFrame } from './routine-frame.ts'
import { constant, inLocal, inNode, ofParts, type Value, WASM_TYPES } from './value.ts'

/** What stands for "from the beginning" among labels. */
const NO_LABEL = -1

/** Makes the code of one routine; once more, when `resumed` says so, as a function entered at one of its loops. */
export class RoutineTranslator extends MemoryExpressions implements Ops<Value> {
  readonly verified: VerifiedRoutine
  readonly routine: Routine
  readonly graph: CodeGraph
  readonly frame: RoutineFrame
  readonly #gc: Gc
  readonly #loops: LoopEntries
  readonly #blocks: Block[]
  /** Locals that carry the operand stack from block to block, by depth and type. */
  readonly #slots = new Map<string, Local[]>()
  #stack: Value[] = []
  #at = 0
  #block = 0

  constructor(
    fn: FunctionBuilder,
    context: ModuleContext,
    verified: VerifiedRoutine,
    graph: CodeGraph,
    resumed: boolean,
    resume: { readonly index: number } | undefined,
  ) {
    super(fn, context)
    this.verified = verified
    this.routine = verified.routine
    this.graph = graph
    this.#gc = new Gc(fn)
    this.frame = new RoutineFrame(this, resumed)
    this.#blocks = graph.blocks.map(() => fn.block())
    this.#loops = new LoopEntries(this, this.#blocks, resumed, resume)
  }

  /** Writes the whole function. */
  translate(): void {
    const { fn, graph } = this
    this.frame.prologue()
    const handler = this.verified.outerTargets.length > 0 ? this.#handler() : undefined
    this.#loops.enter()
    graph.flow.order.forEach(block => this.#translateBlock(block, handler))
    for (let block = 0; block < graph.blocks.length; block++) {
      if ((graph.flow.position[block] as number) >= 0) continue
      fn.at(this.#blocks[block] as Block)
      fn.unreachable()
    }
  }

  #translateBlock(block: number, handler: { target: Block; into: Local } | undefined): void {
    const { fn, verified, graph } = this
    const { first, end, next } = graph.blocks[block] as CodeGraph['blocks'][number]
    this.#block = block
    fn.at(this.#loops.body(block))
    if (handler) fn.guard({ ...handler, tag: this.context.gotoTag })
    this.#stack = (verified.stacks[first] as string).split('').map((type, depth) => this.#fromSlot(depth, type))
    for (let at = first; at < end; at++) this.#instruction(at)
    if (!fn.closed) {
      this.#flush()
      fn.jump(this.#loops.edge(block, next[0] as number))
    }
    fn.endLets()
  }
  #instruction(at: number): void {
    const { routine, verified, fn } = this
    const word = at * CODE_WORDS
    const row = rowAt(routine.code, word)
    const effect = verified.effects[at] as { pops: string }
    if (this.#stack.length === 0) fn.endLets()
    this.#at = at
    this.site = this.context.sites.push({ routine: verified.index, at }) - 1
    fn.mark(this.site)
    const values = effect.pops === '' ? [] : this.#stack.splice(-effect.pops.length)
    const operands = {
      p: routine.code[word + Field.p] as number,
      q: routine.code[word + Field.q] as number,
      r: routine.code[word + Field.r] as number,
    }
    const result = row.run(this as Ops<Value>, operands, ...values)
    if (result === undefined) return
    if (Array.isArray(result)) this.#stack.push(...(result as Value[]))
    else this.#stack.push(result as Value)
  }

  // The operand stack between blocks

  #slot(depth: number, type: string): Local[] {
    const key = `${depth}${type}`
    const known = this.#slots.get(key)
    if (known) return known
    const locals = (WASM_TYPES[type] as readonly WasmType[]).map(wasm => this.fn.local(wasm))
    this.#slots.set(key, locals)
    return locals
  }
  #fromSlot(depth: number, type: string): Value {
    const locals = this.#slot(depth, type)
    const values = (WASM_TYPES[type] as readonly WasmType[]).map((wasm, i) => inLocal(wasm, locals[i] as Local, false))
    return type === 's' || type === 't' ? ofParts(values) : (values[0] as Value)
  }
  /** Puts what is on the stack where the next block finds it. */
  #flush(): void {
    if (this.#stack.length === 0) return
    const types = this.#typesNow()
    const settled = this.#stack.map(value => this.settled(value))
    settled.forEach((value, depth) => {
      this.#slot(depth, types[depth] as string).forEach((local, i) => this.fn.set(local, this.nodes(value)[i] as Node))
    })
    this.#stack = settled
  }
  /** The types on the stack after the current instruction took its operands. */
  #typesNow(): string {
    const before = this.verified.stacks[this.#at] as string
    const { pops, pushes } = this.verified.effects[this.#at] as { pops: string; pushes: string }
    return (before.slice(0, before.length - pops.length) + pushes).slice(0, this.#stack.length)
  }
  settleStack(): void {
    if (this.#stack.length > 0) this.#stack = this.#stack.map(value => this.settled(value))
  }

  // Variables of frames

  loadLocal(storage: StorageClass, levels: number, offset: number): Value {
    const register = levels === 0 ? this.frame.registers.get(offset) : undefined
    if (!register) return this.load(storage, this.frame.address(levels), offset)
    const type = WASM_TYPES[STORAGE[storage].type] as readonly WasmType[]
    const values = type.map((wasm, i) => inLocal(wasm, register[i] as Local, false))
    if (storage === 's' || storage === 't') return ofParts(values)
    return this.bounded(values[0] as Value, ...storageBounds(storage))
  }
  storeLocal(storage: StorageClass, levels: number, offset: number, value: Value): void {
    const register = levels === 0 ? this.frame.registers.get(offset) : undefined
    if (!register) return this.store(storage, this.frame.address(levels), offset, value)
    this.settleStack()
    const kept = this.settledForParts(value)
    const stored = storage === 'h' ? this.#shortened(kept) : this.#byteOf(storage, kept)
    this.nodes(stored).forEach((node, i) => this.fn.set(register[i] as Local, node))
  }
  /** The words of a set are all known before the first is assigned. */
  settledForParts(value: Value): Value {
    return value.parts.length > 1 ? this.settled(value) : value
  }
  #byteOf(storage: StorageClass, value: Value): Value {
    if (STORAGE[storage].bytes !== 1) return value
    return value.low >= 0 && value.high <= 255 ? value : this.op('and', value, constant(255))
  }
  #shortened(value: Value): Value {
    return inNode(I32, this.fn.op(Op.i32Extend16S, this.node(value)))
  }
  localAddress(levels: number, offset: number): Value {
    return this.offset(this.frame.address(levels), offset)
  }

  // Calls

  standard(index: number, args: readonly Value[]): Value | undefined {
    const row = STANDARD[index]
    assert(row !== undefined, 'standard procedures are verified')
    if (row.inline) return row.inline(this as Ops<Value>, ...args) ?? undefined
    this.settleStack()
    const call = this.host(`csp${index}`, [...args.map(value => this.node(value)), this.fn.i32(this.site)])
    const result = row.pushes[0]
    if (result) return this.once(inNode((WASM_TYPES[result] as readonly WasmType[])[0] as WasmType, call))
    this.fn.effect(call)
    return undefined
  }
  call(routine: number, args: readonly Value[]): Value | undefined {
    this.settleStack()
    const link = this.context.plans[routine]?.takesLink ? [this.node(this.procedureLink(routine))] : []
    const callee = this.context.routines[routine] as { index: number; type: ReturnType<typeof functionType> }
    const node = this.fn.call(callee, [...link, ...args.flatMap(value => this.nodes(value))])
    return this.#result(this.program.routines[routine]?.result, node)
  }
  callIndirect(signature: number, link: Value, code: Value, args: readonly Value[]): Value | undefined {
    this.settleStack()
    const wanted = this.program.signatures[signature]
    assert(wanted !== undefined, 'signatures are verified')
    const type = functionType(wanted, true)
    const operands = [this.node(link), ...args.flatMap(value => this.nodes(value))]
    const node = this.fn.callIndirect(this.context.module.type(type), type, 0, this.node(code), operands)
    return this.#result(wanted.result, node)
  }
  #result(type: string | undefined, call: Node): Value | undefined {
    if (type === undefined || type === 's') this.fn.effect(call)
    if (type === undefined) return undefined
    if (type === 's') return this.settled(this.load('s', constant(SET_RESULT_ADDRESS), 0))
    const [wasm] = WASM_TYPES[type] as readonly WasmType[]
    const value = this.once(inNode(wasm as WasmType, call))
    return type === 't' ? ofParts([value]) : value
  }
  procedureLink(routine: number): Value {
    return this.frame.enclosingFrame(this.program.routines[routine]?.parent as number)
  }
  procedureCode(routine: number): Value {
    return constant(routine + 1)
  }

  // Control flow

  jump(target: number): void {
    this.#flush()
    this.fn.jump(this.#edge(target))
  }
  jumpIf(condition: Value, target: number): void {
    if (this.#stack.length > 0) {
      const kept = this.settled(condition)
      this.#flush()
      return this.#branch(kept, target)
    }
    this.#branch(condition, target)
  }
  #branch(condition: Value, target: number): void {
    if (condition.kind === 'constant') return this.fn.jump(this.#edge(condition.base !== 0 ? target : this.#at + 1))
    const node = this.node(condition)
    this.fn.branch(node, this.#edge(target), this.#edge(this.#at + 1))
  }
  jumpTable(table: number, selector: Value): void {
    const { low, targets, fallback } = this.program.tables[table] as {
      low: number
      targets: readonly number[]
      fallback: number
    }
    const index = this.settled(this.op('sub', selector, constant(low)))
    this.#flush()
    const node = this.node(index)
    this.fn.switch(
      node,
      targets.map(target => this.#edge(target)),
      this.#edge(fallback),
    )
  }
  #edge(target: number): Block {
    return this.#loops.edge(this.#block, this.graph.blockAt.get(target) as number)
  }
  return(value: Value | undefined): void {
    const { fn } = this
    const nodes = value === undefined ? [] : this.nodes(value)
    if (this.routine.result === 's') {
      this.store('s', constant(SET_RESULT_ADDRESS), 0, value as Value)
      nodes.length = 0
    }
    const kept = nodes.map(node => fn.let(node))
    this.frame.epilogue()
    fn.return(...kept.map(local => fn.get(local)))
  }
  stop(): void {
    if (this.verified.index === 0) return this.fn.return()
    this.fn.effect(this.host('stop', []))
    this.fn.unreachable()
  }
  goto(levels: number, target: number): void {
    this.fn.globalSet(this.context.gotoFrame, this.node(this.frame.address(levels)))
    this.#gc.throw(this.context.gotoTag, [this.fn.i32(target)])
  }
  /**
   * Where gotos out of procedures arrive: those to this activation begin it again, at their label; others go further out.
   * Beginning again is what keeps the graph reducible: a label has code before it that may be left by such a goto too.
   */
  #handler(): { target: Block; into: Local } {
    const { fn, verified, graph, context } = this
    const into = fn.local(I32)
    const [again, target, ours, others] = [fn.block(), fn.block(), fn.block(), fn.block()]
    fn.set(into, fn.i32(NO_LABEL))
    fn.jump(again)
    fn.at(target)
    const frame = fn.globalGet(context.gotoFrame, I32)
    fn.branch(fn.op(Op.i32Eq, frame, this.node(this.frame.address(0))), ours, others)
    fn.at(others)
    this.#gc.throw(context.gotoTag, [fn.get(into)])
    fn.at(ours)
    this.frame.reenter()
    this.frame.count()
    fn.jump(again)
    fn.at(again)
    for (const label of verified.outerTargets) {
      const rest = fn.block()
      const to = this.#loops.arrival(graph.blockAt.get(label) as number)
      fn.branch(fn.op(Op.i32Eq, fn.get(into), fn.i32(label)), to, rest, 'unlikely')
      fn.at(rest)
    }
    return { target, into }
  }
}
