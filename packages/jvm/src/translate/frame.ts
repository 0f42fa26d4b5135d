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
import type { Recording } from '../archive/recording.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import type { BasicBlock } from './blocks.ts'
import type { Cluster } from './cluster.ts'
import { DebugSites } from './debug-sites.ts'
import { Flow } from './flow.ts'
import { Handlers } from './handlers.ts'
import { type Entry, OperandStack } from './operand-stack.ts'
import type { MethodSource } from './source.ts'
import { DEPTH_ADDRESS, POSITION_ADDRESS, type ModuleTypes, OBJECT, T, VT, VT_REF } from './types.ts'

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
  /** Whether the code tells the debugger what it does. */
  readonly debug: boolean
  /** The name of the function that the module is made for. */
  readonly root: string
  /** Places of call sites that this module must fill with linking stubs. */
  readonly newSites: { readonly place: number; readonly signature: string }[]
  /** When the code is to be used again by other machines: what it takes for granted. */
  readonly recording: Recording | undefined
}

/** Bytes of stack a frame is charged, and each local besides. */
const FRAME_BYTES = 96
const LOCAL_BYTES = 8
/** Bytes charged for each member of a cluster that is under way. */
const MEMBER_BYTES = 192

/** A call that the code of the method it calls stands in place of. */
export interface Inlined {
  /** The caller, at the call. */
  readonly frame: Frame
  /** Where the caller goes on, and where it finds the result. */
  readonly done: Block
  readonly result: Local | undefined
}
/** Who a function’s code belongs to besides its own method: methods, and the positions of their calls. */
export interface InlinedMark {
  readonly method: number
  readonly caller: number
}
/** Where the number of the inlined call stands in a position, above the bytecode offset. */
export const INLINED_SHIFT = 16

/** One method while it is translated: the function under construction and the state of the current instruction. */
export class Frame {
  readonly context: ModuleContext
  readonly source: MethodSource
  readonly fn: FunctionBuilder
  readonly gc: Gc
  readonly stack: OperandStack
  readonly blocks: ReadonlyMap<number, BasicBlock>
  readonly flow: Flow
  readonly handlers: Handlers
  readonly debug: DebugSites | undefined
  /** Undefined for the method that the function is made for. */
  readonly outer: Inlined | undefined
  /** Calls inlined so far, of all frames of the function. */
  readonly inlined: InlinedMark[]
  readonly #number: number
  /** The receiver, cast to its own class, when fields are read through it. */
  receiver: Local | undefined
  /** True for methods with loops, and what is inlined into them. */
  readonly loops: boolean
  #depthLocal: Local | undefined
  /** The condition of the branch that comes next, where a comparison before it has found it out. */
  condition: Entry | undefined
  at = 0

  /** `closed` are the loops that branches close: where each begins, and the last such branch. */
  constructor(
    context: ModuleContext,
    source: MethodSource,
    fn: FunctionBuilder,
    blocks: ReadonlyMap<number, BasicBlock>,
    closed: ReadonlyMap<number, number>,
    outer?: Inlined,
  ) {
    this.context = context
    this.source = source
    this.fn = fn
    this.gc = new Gc(fn)
    this.stack = new OperandStack(fn, outer?.frame.stack)
    this.blocks = blocks
    this.outer = outer
    this.inlined = outer?.frame.inlined ?? []
    this.#number = outer
      ? this.inlined.push({ method: (source.method as Method).id, caller: outer.frame.#position })
      : 0
    if (outer) this.#depthLocal = outer.frame.#depthLocal
    this.loops = closed.size > 0 || outer?.frame.loops === true
    this.flow = new Flow(this, closed)
    this.handlers = new Handlers(this)
    this.debug = context.debug ? new DebugSites(this) : undefined
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
    this.fn.mark(this.#position)
  }
  /** Goes on with the current instruction in another block. */
  goOn(block: Block): void {
    this.fn.at(block)
    this.handlers.resume()
    this.mark()
  }
  get #position(): number {
    return (this.#number << INLINED_SHIFT) | this.at
  }

  /**
   * Before a call that exceptions may come from: V8’s optimizing compiler loses the position of calls in a try region,
   * but keeps that of a store.
   */
  notePosition(): void {
    const { fn } = this
    if (fn.guarded) fn.store(Op.i32Store, fn.i32(0), fn.i32(0), POSITION_ADDRESS)
  }

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
  /** Returns. */
  leave(...values: Node[]): void {
    const { fn, outer } = this
    if (outer) {
      if (outer.result !== undefined) fn.set(outer.result, values[0] as Node)
      return fn.jump(outer.done)
    }
    this.debug?.leave()
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
  /** Where an exception has come back to this method, its frame is the innermost again. */
  restoreDepth(): void {
    const { fn } = this
    if (this.#depthLocal !== undefined) fn.store(Op.i32Store, fn.i32(0), fn.get(this.#depthLocal), DEPTH_ADDRESS)
  }
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
  // Objects

  /** The entry as a non-null reference to a type of the module; NullPointerException when it is null. */
  nonNull(type: number, entry: Entry): Node {
    const { context, gc, stack } = this
    const value = stack.use(entry)
    const known = stack.isNonNull(entry)
    if (!known) stack.markNonNull(entry)
    // The two tests apart: the engine makes one branch of each, and leaves out what it has seen before.
    const npe = context.functions.npe as FunctionRef
    const object = known ? value : gc.nonNullOr(ref(T.object, false), value, context.types.nonNull, npe)
    return type === T.object ? object : gc.refCast(ref(type, false), object)
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
