import {
  type Block,
  type FunctionBuilder,
  type FunctionRef,
  Gc,
  I32,
  type Local,
  type ModuleBuilder,
  type Node,
  Op,
  ref,
} from '@doppel/wasm'
import type { Handler } from '../class-file/code.ts'
import type { Kind } from '../class-file/descriptor.ts'
import type { Recording } from '../archive/recording.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import type { BasicBlock } from './blocks.ts'
import type { Cluster } from './cluster.ts'
import { type LoopEntry, type Variable, variablesOf } from './loops.ts'
import { type Entry, OperandStack } from './operand-stack.ts'
import type { MethodSource } from './source.ts'
import { DEPTH_ADDRESS, POSITION_ADDRESS, type ModuleTypes, OBJ, OBJECT, T, VT, VT_REF } from './types.ts'

/** What a module gives to the methods translated into it. */
export interface ModuleContext {
  readonly vm: Vm
  readonly module: ModuleBuilder
  readonly types: ModuleTypes
  readonly functions: Readonly<Record<string, FunctionRef>>
  readonly tag: number
  /** What else is in the module, when it is compiled because it is hot. */
  readonly cluster: Cluster | undefined
  readonly hot: boolean
  /** The name of the function that the module is made for. */
  readonly root: string
  /** Places of call sites that this module must fill with linking stubs. */
  readonly newSites: { readonly place: number; readonly signature: string }[]
  /** When the code is to be used again by other machines: what it takes for granted. */
  readonly recording: Recording | undefined
}

/** Back edges between two looks at whether another thread wants to run. */
const FUEL = 20_000
/** Bytes of stack a frame is charged, and each local besides. */
const FRAME_BYTES = 96
const LOCAL_BYTES = 8
/** Bytes charged for each member of a cluster that is under way. */
const MEMBER_BYTES = 192

/** One method while it is translated: the function under construction and the state of the current instruction. */
export class Frame {
  readonly context: ModuleContext
  readonly source: MethodSource
  readonly fn: FunctionBuilder
  readonly gc: Gc
  readonly stack: OperandStack
  readonly blocks: ReadonlyMap<number, BasicBlock>
  /** Kinds on the stack at the start of each block that has been reached. */
  readonly entryKinds: Map<number, readonly Kind[]> = new Map()
  readonly #wasmBlocks = new Map<number, Block>()
  readonly #dispatchers = new Map<string, Block>()
  readonly pending: number[] = []
  readonly #exception: Local
  /** The receiver, cast to its own class, when fields are read through it. */
  receiver: Local | undefined
  #depthLocal: Local | undefined
  #fuel: Local | undefined
  #state: Local | undefined
  #router: Block | undefined
  #routed: Block[] = []
  at = 0

  constructor(
    context: ModuleContext,
    source: MethodSource,
    fn: FunctionBuilder,
    blocks: ReadonlyMap<number, BasicBlock>,
  ) {
    this.context = context
    this.source = source
    this.fn = fn
    this.gc = new Gc(fn)
    this.stack = new OperandStack(fn)
    this.blocks = blocks
    this.#exception = fn.local(OBJ)
  }
  get vm(): Vm {
    return this.context.vm
  }
  get cls(): JavaClass {
    return this.source.cls
  }

  /** Calls a function of the support module. */
  support(name: string, ...args: Node[]): Node {
    this.notePosition()
    return this.fn.call(this.context.functions[name] as FunctionRef, args)
  }
  /** From here on, code belongs to the current instruction. */
  mark(): void {
    this.fn.mark(this.at)
  }

  /**
   * Before a call that exceptions may come from: V8’s optimizing compiler loses the position of calls in a try region
   * inside a loop, but keeps that of a store.
   */
  notePosition(): void {
    const { fn } = this
    if (this.loops && fn.guarded) fn.store(Op.i32Store, fn.i32(0), fn.i32(0), POSITION_ADDRESS)
  }
  /** True for methods with loops. */
  loops = false

  // Entry, exit, depth

  /** Counts the frame against the thread’s stack, and the call; for methods that call. */
  enter(locals: number): void {
    const { fn } = this
    const { entry } = this.source
    const depth = fn.local(I32)
    this.#depthLocal = depth
    const left = fn.load(Op.i32Load, fn.i32(0), DEPTH_ADDRESS)
    // A loop entered anew goes on in the frame that has been counted; members of a cluster are counted with its root.
    const isMember = !this.isRoot
    this.#cost = isMember ? 0 : FRAME_BYTES + locals * LOCAL_BYTES
    if (isMember || entry) return fn.set(depth, left)
    fn.set(depth, fn.op(Op.i32Sub, left, fn.i32(this.#cost)))
    fn.if(fn.op(Op.i32LtS, fn.get(depth), fn.i32(0)), 'unlikely')
    this.mark()
    fn.effect(this.support('stackOverflow'))
    fn.end()
    fn.store(Op.i32Store, fn.i32(0), fn.get(depth), DEPTH_ADDRESS)
  }
  #cost = 0
  leave(...values: Node[]): void {
    const { fn } = this
    if (this.#cost > 0) {
      const depth = fn.op(Op.i32Add, fn.get(this.#depthLocal as Local), fn.i32(this.#cost))
      fn.store(Op.i32Store, fn.i32(0), depth, DEPTH_ADDRESS)
    }
    fn.return(...values)
  }
  /** Before a call that leaves the module’s members, or starts over: the members under way are counted for its time. */
  beforeOutside(): void {
    const { fn, source, context } = this
    this.notePosition()
    const level = context.cluster?.levelOf(source) ?? 0
    if (level === 0 || this.#depthLocal === undefined) return
    const left = fn.op(Op.i32Sub, fn.get(this.#depthLocal), fn.i32(level * MEMBER_BYTES))
    fn.store(Op.i32Store, fn.i32(0), left, DEPTH_ADDRESS)
    this.#outside = true
  }
  afterCall(): void {
    if (!this.#outside) return
    this.#outside = false
    this.fn.store(Op.i32Store, this.fn.i32(0), this.fn.get(this.#depthLocal as Local), DEPTH_ADDRESS)
  }
  #outside = false
  /** True for the function that the module is made for. */
  get isRoot(): boolean {
    return this.source.name === this.context.root
  }
  /** Counts calls: they are what decides that a method is compiled again, and how a program without loops is ended. */
  count(): void {
    const { fn, vm } = this
    const { method } = this.source
    if (!method) return
    const address = vm.tiers.counter(method)
    const left = this.fn.local(I32)
    fn.set(left, fn.op(Op.i32Sub, fn.load(Op.i32Load, fn.i32(0), address), fn.i32(1)))
    fn.store(Op.i32Store, fn.i32(0), fn.get(left), address)
    fn.if(fn.op(Op.i32LtS, fn.get(left), fn.i32(0)), 'unlikely')
    this.mark()
    fn.effect(this.support('hot', fn.i32(method.id)))
    fn.end()
  }
  /** The function for a method that is in the same module. */
  member(method: Method): FunctionRef | undefined {
    return this.context.cluster?.accept(this.source, method)
  }

  // Control flow

  /** In code whose flow has no structure, every jump goes through one switch. */
  route(): void {
    this.#state = this.fn.local(I32)
    this.#router = this.fn.block()
  }
  /** Goes to the first instruction. */
  begin(): void {
    this.#go(this.blockAt(this.source.entry?.at ?? 0, []))
  }
  finishRouting(): void {
    if (this.#router === undefined) return
    this.fn.at(this.#router)
    this.fn.switch(this.fn.get(this.#state as Local), this.#routed, this.#routed[0] as Block)
  }
  /** The block for the bytecode at `target`, which will be translated; the stack has been flushed. */
  blockAt(target: number, kinds: readonly Kind[]): Block {
    const known = this.#wasmBlocks.get(target)
    if (known !== undefined) return known
    const block = this.fn.block()
    this.#wasmBlocks.set(target, block)
    this.entryKinds.set(target, kinds)
    this.pending.push(target)
    return block
  }
  /** As `blockAt`, as something to branch to: by way of the router where there is one. */
  target(to: number): Block {
    const kinds = this.stack.entries.map(e => e.kind)
    const block = this.blockAt(to, kinds)
    const backward = to <= this.at
    if (!backward && this.#router === undefined) return block
    const here = this.fn.block()
    const guard = this.#guard
    this.#later.push(() => {
      this.fn.at(here)
      // Looking at the world may end in an exception, as running out of memory does.
      if (backward && guard) this.fn.guard(guard)
      if (backward) this.#poll(to)
      this.#go(block)
    })
    return here
  }
  readonly #later: (() => void)[] = []
  /** Fills the blocks between a branch and its targets. */
  settleEdges(): void {
    for (const fill of this.#later.splice(0)) fill()
  }
  #go(block: Block): void {
    if (this.#router === undefined) return this.fn.jump(block)
    let index = this.#routed.indexOf(block)
    if (index < 0) index = this.#routed.push(block) - 1
    this.fn.set(this.#state as Local, this.fn.i32(index))
    this.fn.jump(this.#router)
  }
  jump(to: number): void {
    this.stack.flush()
    this.fn.jump(this.target(to))
    this.settleEdges()
  }
  /** Counts iterations up to the next look at the world; a loop that has run long goes on in code of its own. */
  #poll(to: number): void {
    const { fn } = this
    const fuel = (this.#fuel ??= fn.local(I32))
    fn.set(fuel, fn.op(Op.i32Add, fn.get(fuel), fn.i32(1)))
    fn.if(fn.op(Op.i32GtS, fn.get(fuel), fn.i32(FUEL)), 'unlikely')
    fn.set(fuel, fn.i32(0))
    this.mark()
    const loop = this.#loop(to)
    if (loop === undefined) fn.effect(this.support('poll'))
    else {
      const place = (this.#loopPlace ??= fn.local(I32))
      fn.set(place, this.support('loopPoll', fn.i32(loop.id)))
      fn.if(fn.get(place))
      const args = loop.entry.variables.map(v => fn.get(this.stack.variable(v.index, v.kind)))
      fn.returnCallIndirect(this.context.types.signature(loop.entry.signature).index, 0, fn.get(place), args)
      fn.end()
    }
    fn.end()
  }
  #loopPlace: Local | undefined
  #loop(to: number): { readonly id: number; readonly entry: LoopEntry } | undefined {
    const { source, vm } = this
    if (!source.method || this.entryKinds.get(to)?.length !== 0) return undefined
    this.#variables ??= variablesOf(source.method)
    const [, result] = source.signature.split(')')
    const { method } = source
    if (this.#variables === undefined) return undefined
    const variables = this.#variables
    const signature = `${variables.map(v => v.kind).join('')})${result}`
    const id = vm.tiers.loop(method, to)
    this.context.recording?.loops.push(to, id)
    return { id, entry: { method, at: to, variables, signature } }
  }
  #variables: readonly Variable[] | undefined

  // Exceptions

  /** Sends exceptions of the current block to the handlers that cover it. */
  guard(handlers: readonly Handler[], onClass: (frame: Frame, type: number, exception: Local) => Node): void {
    this.#guard = undefined
    if (handlers.length === 0) return
    // Those that close a loop look at the world; the same handlers may cover other code without closing one.
    const key = handlers.map(h => `${h.target}:${h.type}:${closesLoop(h)}`).join()
    let block = this.#dispatchers.get(key)
    if (block === undefined) {
      block = this.fn.block()
      this.#dispatchers.set(key, block)
      this.#dispatchLater.push([block, handlers])
    }
    this.#onClass = onClass
    this.#guard = { target: block, tag: this.context.tag, into: this.#exception }
    this.fn.guard(this.#guard)
  }
  #guard: Parameters<FunctionBuilder['guard']>[0] | undefined
  #onClass: ((frame: Frame, type: number, exception: Local) => Node) | undefined
  readonly #dispatchLater: (readonly [Block, readonly Handler[]])[] = []
  /** Writes the blocks that choose among handlers. Returns true when there were any. */
  writeDispatchers(): boolean {
    const some = this.#dispatchLater.length > 0
    for (const [block, handlers] of this.#dispatchLater.splice(0)) this.#dispatch(block, handlers)
    return some
  }
  #dispatch(block: Block, handlers: readonly Handler[]): void {
    const { fn } = this
    const exception = this.#exception
    fn.at(block)
    if (this.#depthLocal !== undefined) fn.store(Op.i32Store, fn.i32(0), fn.get(this.#depthLocal), DEPTH_ADDRESS)
    // What was on the stack is gone: a program that ran out of memory may live on having let go of it.
    for (const local of this.stack.references()) fn.set(local, this.gc.refNull(OBJ))
    const place = this.stack.place(0, 'L')
    this.at = (handlers[0] as Handler).target
    // Each time round makes an exception, which takes so long that counting first would not save anything.
    if (handlers.some(closesLoop)) {
      this.mark()
      fn.effect(this.support('poll'))
    }
    for (const { target, type } of handlers) {
      this.at = target
      const handler = this.blockAt(target, ['L'])
      const take = fn.block()
      if (type === 0) {
        fn.jump(take)
        fn.at(take)
        fn.set(place, fn.get(exception))
        this.#go(handler)
        return
      }
      const next = fn.block()
      fn.branch(
        (this.#onClass as (frame: Frame, type: number, exception: Local) => Node)(this, type, exception),
        take,
        next,
      )
      fn.at(take)
      fn.set(place, fn.get(exception))
      this.#go(handler)
      fn.at(next)
    }
    this.gc.throw(this.context.tag, [fn.get(exception)])
  }

  // Objects

  /** The entry as a non-null reference to a type of the module; NullPointerException when it is null. */
  nonNull(type: number, entry: Entry): Node {
    if (this.stack.isNonNull(entry)) {
      const value = this.stack.use(entry)
      return type === T.object ? value : this.gc.refCast(ref(type, false), value)
    }
    this.stack.markNonNull(entry)
    return this.gc.castOrFail(
      ref(type, false),
      this.stack.use(entry),
      this.context.types.cast(type),
      this.context.functions.npe as FunctionRef,
    )
  }
  /** The run-time record of an object that is not null. */
  recordOf(object: Node): Node {
    return this.gc.structGet(T.object, OBJECT.vt, VT_REF, object)
  }
  /** 1 when the local, if not null, is an instance; for null the answer is `ifNull`. */
  isInstance(local: Local, cls: JavaClass): Node {
    const { fn, gc } = this
    if (cls.isInterface || cls.isArray || cls.depth >= 8) {
      return this.support('instanceOf', fn.get(local), fn.i32(cls.id))
    }
    const result = this.stack.temp(I32)
    fn.set(result, fn.i32(0))
    fn.if(fn.op(Op.i32Eqz, gc.refIsNull(fn.get(local))))
    const record = this.recordOf(fn.get(local))
    fn.set(result, fn.op(Op.i32Eq, gc.structGet(T.vt, VT.display + cls.depth, I32, record), fn.i32(cls.id)))
    fn.end()
    return fn.get(result)
  }
  /** Initializes a class first where that is still to be done (JVMS §5.5). */
  initialize(cls: JavaClass): void {
    const { fn, cls: own } = this
    if (own.isSubtypeOf(cls) && !cls.isInterface && own.state !== 'loaded' && own.state !== 'linked') return
    // In another machine it may not be initialized yet.
    if (cls.ready && !this.context.recording) return
    fn.if(fn.op(Op.i32Eqz, fn.load(Op.i32Load, fn.i32(0), this.vm.initFlag(cls))), 'unlikely')
    fn.effect(this.support('init', fn.i32(cls.id)))
    fn.end()
  }
}

/** A handler that lies before the end of what it covers can make a loop that no branch closes. */
const closesLoop = ({ target, end }: Handler): boolean => target < end
