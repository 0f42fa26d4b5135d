import { type Block, type FunctionBuilder, type FunctionRef, I32, type Local, type Node, Op } from '@doppel/wasm'
import { Attribute, BELOW_FRAME_BYTES, Frame, FRAME_BYTES } from './frame.ts'
import { ExecutionError } from './execution-errors.ts'
import { Register, SEGMENT_ADDRESSES, SEGMENT_USES, STACK_BYTES, STACK_HIGH, STACK_LOW } from './layout.ts'
import type { LinkKind, Ops, Value } from './ops.ts'
import { StateEmitter } from './state-emitter.ts'
import { Syscom } from './syscom.ts'

/** How the generated function ends. */
export const Exit = { budget: 0, fault: 1, callFault: 2, native: 3, wait: 4, halt: 5 } as const

/** What generated code calls. */
export interface EmitterCalls {
  /** climb(mp, levels): the frame so many static links out. */
  readonly climb: FunctionRef
  /** (segment) → an execution error, or 0 when the segment is in memory; its use is counted. */
  readonly load: FunctionRef
  /** (segment): one use of it less, and it is not in use any more. */
  readonly unload: FunctionRef
}

/** Link values beyond an address: to be found by the callee's lexical level. */
const BY_LEVEL = -1

/** Writes meanings as code of one function over registers in locals. */
export class Emitter extends StateEmitter implements Ops {
  readonly #calls: EmitterCalls
  readonly #error: Local
  readonly #exit: Local
  readonly #callSegment: Local
  readonly #callProcedure: Local
  readonly #callLink: Local
  readonly #fault: Block
  readonly #callFault: Block
  readonly #leave: Block
  readonly #call: Block
  readonly #next: Block

  /** `next` is where the next instruction is taken up. */
  constructor(fn: FunctionBuilder, calls: EmitterCalls, bigEndian: boolean, next: Block) {
    super(fn, calls.climb, bigEndian)
    this.#calls = calls
    this.#error = fn.local(I32)
    this.#exit = fn.local(I32)
    this.#callSegment = fn.local(I32)
    this.#callProcedure = fn.local(I32)
    this.#callLink = fn.local(I32)
    this.#fault = fn.block()
    this.#callFault = fn.block()
    this.#leave = fn.block()
    this.#call = fn.block()
    this.#next = next
  }

  // Control

  faultIf(condition: Node, error: number): void {
    this.#raiseIf(condition, () => this.fn.i32(error), this.#fault)
  }
  #raiseIf(condition: Node, error: Value, handler: Block): void {
    const { fn } = this
    const [raised, on] = [fn.block(), fn.block()]
    fn.branch(condition, raised, on, 'unlikely')
    fn.at(raised)
    fn.set(this.#error, error())
    fn.jump(handler)
    fn.at(on)
  }
  ipc(): Node {
    return this.get('ipc')
  }
  setIpc(address: Node): void {
    this.#cutIpc(address)
    this.checkStack()
  }
  #cutIpc(address: Node): void {
    this.set('ipc', this.fn.op(Op.i32And, address, this.fn.i32(0xffff)))
  }
  protected checkStack(): void {
    this.faultIf(this.#stackIsOut(), ExecutionError.stackOverflow)
  }
  #stackIsOut(): Node {
    const depth = this.fn.op(Op.i32Sub, this.get('sp'), this.fn.i32(STACK_LOW))
    return this.fn.op(Op.i32GtU, depth, this.fn.i32(STACK_BYTES))
  }
  /** Takes the next byte of code: an instruction begins in memory, and may end in the gap behind it. */
  fetchByte(): Node {
    const { fn } = this
    const byte = fn.let(this.nearByte(this.ipc()))
    this.set('ipc', this.plus(this.ipc(), 1))
    return fn.get(byte)
  }
  jumpTarget(displacement: Node): Node {
    const { fn } = this
    const by = fn.let(displacement)
    const entry = fn.let(fn.op(Op.i32Add, this.get('jtab'), fn.get(by)))
    const target = fn.let(fn.op(Op.i32Add, this.ipc(), fn.get(by)))
    fn.if(fn.op(Op.i32LtS, fn.get(by), fn.i32(0)))
    fn.set(target, fn.op(Op.i32Sub, fn.get(entry), this.word(fn.get(entry))))
    fn.end()
    return fn.get(target)
  }
  /** The beginning of the code of the procedure with this attribute table. */
  #codeOf(jtab: () => Node): Node {
    const entry = (): Node => this.plus(jtab(), Attribute.enter)
    return this.fn.op(Op.i32Sub, entry(), this.word(entry()))
  }

  call(segment: Value | undefined, procedure: Node, link: LinkKind): void {
    const { fn } = this
    fn.set(this.#callProcedure, procedure)
    fn.set(this.#callLink, this.#linkOf(link))
    if (segment === undefined) fn.set(this.#callSegment, this.get('seg'))
    else {
      const [loaded, absent] = [fn.block(), fn.block()]
      // Segment 0, the system, is always there and not counted.
      const uses = fn.let(this.segmentEntry(SEGMENT_USES, segment()))
      const there = fn.op(Op.i32Or, fn.op(Op.i32Eqz, segment()), fn.op(Op.i32Ne, fn.get(uses), fn.i32(0)))
      fn.branch(there, loaded, absent, 'likely')
      fn.at(absent)
      this.spill()
      const error = fn.let(fn.call(this.#calls.load, [segment()]))
      this.reload()
      this.#raiseIf(fn.get(error), () => fn.get(error), this.#fault)
      fn.jump(loaded)
      fn.at(loaded)
      fn.set(this.#callSegment, this.segmentEntry(SEGMENT_ADDRESSES, segment()))
      // A return within a segment is no leaving of it, so such a call is no use either.
      const one = fn.op(Op.i32Ne, fn.get(this.#callSegment), this.get('seg'))
      const count = fn.op(Op.i32Add, this.segmentEntry(SEGMENT_USES, segment()), one)
      fn.store(Op.i32Store, fn.op(Op.i32Shl, segment(), fn.i32(2)), count, SEGMENT_USES)
    }
    fn.jump(this.#call)
  }
  #linkOf(link: LinkKind): Node {
    if (link === 'local') return this.get('mp')
    if (link === 'global') return this.get('base')
    return link === 'base' ? this.field(Register.systemFrame) : this.fn.i32(BY_LEVEL)
  }

  return(words: Value, isBase: boolean): void {
    const { fn } = this
    const frame = fn.let(this.get('mp'))
    const at = (offset: number): Node => this.word(this.plus(fn.get(frame), offset))
    this.set('sp', this.plus(at(Frame.evaluationStack), STACK_LOW))
    this.checkStack()
    if (isBase) {
      const base = this.pop()
      this.set('base', base())
      this.setWord(this.plus(this.field(Register.syscom), Syscom.stackBase), base())
    }
    this.pushWords(() => this.plus(fn.get(frame), FRAME_BYTES), words)
    const number = (): Node => fn.op(Op.i32And, this.word(this.get('seg')), fn.i32(0xff))
    const left = fn.let(number())
    this.set('kp', at(Frame.programStack))
    this.set('mp', at(Frame.dynamicLink))
    this.set('jtab', at(Frame.jumpTable))
    this.set('seg', at(Frame.segment))
    this.#cutIpc(at(Frame.ipc))
    this.setWord(this.plus(this.field(Register.syscom), Syscom.lastFrame), this.get('mp'))
    const [leaves, done] = [fn.block(), fn.block()]
    const other = fn.op(Op.i32Ne, fn.get(left), number())
    fn.branch(fn.op(Op.i32And, other, fn.op(Op.i32Ne, fn.get(left), fn.i32(0))), leaves, done, 'unlikely')
    fn.at(leaves)
    this.spill()
    fn.effect(fn.call(this.#calls.unload, [fn.get(left)]))
    this.reload()
    fn.jump(done)
    fn.at(done)
  }

  /** Writes what a meaning on the host comes to. */
  onHost(operation: FunctionRef, row: number, a: Value, b: Value): void {
    const { fn } = this
    this.spill()
    const exit = fn.let(fn.call(operation, [fn.i32(row), a(), b()]))
    this.reload()
    const [leaving, on] = [fn.block(), fn.block()]
    fn.branch(fn.get(exit), leaving, on, 'unlikely')
    fn.at(leaving)
    fn.set(this.#exit, fn.get(exit))
    fn.jump(this.#leave)
    fn.at(on)
    this.checkStack()
  }

  callIsAsked(): Node {
    return this.field(Register.calls)
  }
  /** Takes up a call that the host has asked for, if any, after what is written first. */
  takeUpCall(first: () => void): void {
    const { fn } = this
    const [asked, none] = [fn.block(), fn.block()]
    fn.branch(this.callIsAsked(), asked, none)
    fn.at(asked)
    first()
    this.setField(Register.calls, fn.i32(0))
    fn.set(this.#callSegment, this.field(Register.callSegment))
    fn.set(this.#callProcedure, this.field(Register.callProcedure))
    fn.set(this.#callLink, this.field(Register.callLink))
    fn.jump(this.#call)
    fn.at(none)
  }

  /** Writes the parts that instructions share. */
  finish(): void {
    const { fn } = this
    this.#finishCall()
    for (const [block, exit] of [
      [this.#fault, Exit.fault],
      [this.#callFault, Exit.callFault],
    ] as const) {
      fn.at(block)
      this.setField(Register.error, fn.get(this.#error))
      this.setField(Register.callSegment, fn.get(this.#callSegment))
      fn.set(this.#exit, fn.i32(exit))
      fn.jump(this.#leave)
    }
    fn.at(this.#leave)
    this.spill()
    fn.return(fn.get(this.#exit))
  }

  #finishCall(): void {
    const { fn } = this
    fn.at(this.#call)
    const segment = (): Node => fn.get(this.#callSegment)
    this.#callFaultIf(this.#stackIsOut(), ExecutionError.stackOverflow)
    const count = fn.op(Op.i32ShrU, this.word(segment()), fn.i32(8))
    const index = fn.op(Op.i32Sub, fn.get(this.#callProcedure), fn.i32(1))
    this.#callFaultIf(fn.op(Op.i32GeU, index, count), ExecutionError.noProcedure)
    const entry = fn.let(fn.op(Op.i32Sub, segment(), fn.op(Op.i32Shl, fn.get(this.#callProcedure), fn.i32(1))))
    const target = fn.op(Op.i32Sub, fn.get(entry), this.word(fn.get(entry)))
    const callee = fn.let(fn.op(Op.i32And, target, fn.i32(0xfffe)))
    const jtab = (): Node => fn.get(callee)
    this.#leaveForNative(jtab)
    this.#findLink(jtab)
    const parameters = fn.let(this.#attribute(jtab, Attribute.parameterBytes))
    const bytes = fn.op(Op.i32Add, fn.get(parameters), this.#attribute(jtab, Attribute.dataBytes))
    const frame = fn.let(fn.op(Op.i32Sub, this.plus(this.get('kp'), -FRAME_BYTES), bytes))
    const low = this.plus(fn.get(frame), -BELOW_FRAME_BYTES)
    this.#callFaultIf(fn.op(Op.i32LeS, low, this.field(Register.np)), ExecutionError.stackOverflow)
    const above = fn.op(Op.i32Sub, fn.i32(STACK_HIGH), this.get('sp'))
    this.#callFaultIf(fn.op(Op.i32GtS, fn.get(parameters), above), ExecutionError.stackOverflow)
    const words = (): Node => fn.op(Op.i32ShrU, fn.get(parameters), fn.i32(1))
    this.popWords(() => this.plus(fn.get(frame), FRAME_BYTES), words)
    this.#enterBase(jtab, frame)
    const store = (offset: number, value: Node): void => this.setWord(this.plus(fn.get(frame), offset), value)
    store(Frame.programStack, this.get('kp'))
    store(Frame.staticLink, fn.get(this.#callLink))
    store(Frame.dynamicLink, this.get('mp'))
    store(Frame.jumpTable, this.get('jtab'))
    store(Frame.segment, this.get('seg'))
    store(Frame.ipc, this.ipc())
    store(Frame.evaluationStack, this.plus(this.get('sp'), -STACK_LOW))
    this.set('kp', this.plus(fn.get(frame), -BELOW_FRAME_BYTES))
    this.set('mp', fn.get(frame))
    this.set('seg', segment())
    this.set('jtab', jtab())
    this.#cutIpc(this.#codeOf(jtab))
    this.setWord(this.plus(this.field(Register.syscom), Syscom.lastFrame), this.get('mp'))
    fn.jump(this.#next)
  }
  /** An error of a call whose segment has been counted as in use. */
  #callFaultIf(condition: Node, error: number): void {
    this.#raiseIf(condition, () => this.fn.i32(error), this.#callFault)
  }
  #attribute(jtab: () => Node, offset: number): Node {
    return this.fn.op(Op.i32And, this.word(this.plus(jtab(), offset)), this.fn.i32(0xfffe))
  }
  /** A procedure whose number is 0 is native code of some processor. */
  #leaveForNative(jtab: () => Node): void {
    const { fn } = this
    const [native, pcode] = [fn.block(), fn.block()]
    fn.branch(fn.op(Op.i32And, this.word(jtab()), fn.i32(0xff)), pcode, native, 'likely')
    fn.at(native)
    this.setField(Register.native, jtab())
    this.setField(Register.callSegment, fn.get(this.#callSegment))
    fn.set(this.#exit, fn.i32(Exit.native))
    fn.jump(this.#leave)
    fn.at(pcode)
  }
  #level(jtab: () => Node): Node {
    return this.fn.op(Op.i32Extend8S, this.fn.op(Op.i32ShrU, this.word(jtab()), this.fn.i32(8)))
  }
  #findLink(jtab: () => Node): void {
    const { fn } = this
    fn.if(fn.op(Op.i32Eq, fn.get(this.#callLink), fn.i32(BY_LEVEL)))
    const levels = fn.op(
      Op.i32Sub,
      this.plus(
        this.#level(() => this.get('jtab')),
        1,
      ),
      this.#level(jtab),
    )
    fn.set(this.#callLink, fn.call(this.#calls.climb, [this.get('mp'), levels]))
    fn.end()
  }
  /** A procedure of level 0 or below is a base: the one before is kept on the evaluation stack. */
  #enterBase(jtab: () => Node, frame: Local): void {
    const { fn } = this
    fn.if(fn.op(Op.i32LeS, this.#level(jtab), fn.i32(0)))
    this.push(this.get('base'))
    this.set('base', fn.get(frame))
    this.setWord(this.plus(this.field(Register.syscom), Syscom.stackBase), fn.get(frame))
    fn.end()
  }
}
