import { type FunctionBuilder, type FunctionRef, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import { Exit, Request } from './exits.ts'
import type { Operand } from './insn.ts'
import type { CommonState, RegisterFile } from './layout.ts'
import { DATA_MASK, ENTRY_VALUE, INDEX_SHIFT, missesTag, READ, WRITE } from './tlb.ts'

/** Functions that generated code calls. */
export interface HostCalls {
  /** (state, address, bytes) → where to load from; 0 after an exception. */
  readonly slowLoad: FunctionRef
  /** (state, address, bytes, value) → a `Request`. */
  readonly slowStore: FunctionRef
  /** (state, address, bytes) → where RAM may be read and written; 0 after an exception. */
  readonly slowAtomic: FunctionRef
  /** (state, address, span, TLB array) → what to add to an address of that span, all in one page; 0 if it is not so simple. */
  readonly probe: FunctionRef
  /** (state, address) → 1 once the TLB has an entry to fetch the page by; 0 when the host must look. */
  readonly fetch: FunctionRef
  /** (state, what, a, b) → i64; the answer may come with a `Request`. */
  readonly system: FunctionRef
  /** Functions of the instruction set's own run-time module, e.g. floating point. */
  readonly runtime: Readonly<Record<string, FunctionRef>>
}

/**
 * Who else accesses guest memory while code runs: nobody ('alone'), or other threads, on a host whose processor keeps stores
 * in order ('ordered': x86's total store order) or one that keeps only what is asked for ('weak': Arm).
 */
export type Sharing = 'alone' | 'ordered' | 'weak'

/**
 * What an instruction's semantics function works on: one machine, seen by the interpreter (operands are read from the
 * decoded record) or by the translator (operands are constants, registers are locals). Reads are to be made before writes.
 */
export abstract class Emitter {
  fn!: FunctionBuilder
  readonly common: CommonState
  readonly calls: HostCalls
  readonly sharing: Sharing
  /** Parameter 0 of all generated code: the address of the hart's state. */
  readonly state: Local = 0
  context!: Local
  protected addressLocal!: Local
  protected entryLocal!: Local
  protected hostLocal!: Local
  protected valueLocal!: Local
  protected statusLocal!: Local

  constructor(common: CommonState, calls: HostCalls, sharing: Sharing) {
    this.common = common
    this.calls = calls
    this.sharing = sharing
  }

  /** Starts a function: scratch locals, and the translation context in force. */
  protected begin(fn: FunctionBuilder): void {
    this.fn = fn
    this.context = fn.local(I32)
    this.entryLocal = fn.local(I32)
    this.hostLocal = fn.local(I32)
    this.statusLocal = fn.local(I32)
    this.addressLocal = fn.local(I64)
    this.valueLocal = fn.local(I64)
    fn.set(this.context, fn.load(Op.i32Load, fn.get(0), this.common.context))
  }

  /** A register's value. */
  abstract read(file: RegisterFile, register: Operand): Node
  abstract write(file: RegisterFile, register: Operand, value: Node): void
  /** An immediate, sign-extended to 64 bits, or as it stands in 32. */
  abstract imm(operand: Operand): Node
  abstract imm32(operand: Operand): Node
  /** A small immediate kept in the place of a register, as 64 bits. */
  abstract small(operand: Operand): Node
  abstract pc(): Node
  abstract nextPc(): Node
  /** Ends the instruction. */
  abstract branch(cond: Node, offset: Operand): void
  abstract jump(offset: Operand): void
  /** `isReturn` says that it goes back to where a call came from, as a rule. */
  abstract jumpTo(target: Node, isReturn?: boolean): void
  /** Emits `check` unless an earlier instruction of the same straight line has. */
  abstract once(key: string, check: () => void): void
  /** True where `assume` may be used: code that can leave an unusual case to the interpreter. */
  get assumes(): boolean {
    return false
  }
  /** Goes on only if `cond`; else the instruction is run by the interpreter, from its start. Nothing may be written before. */
  assume(cond: Node): void {
    this.fn.effect(cond)
  }
  /** The immediate's value where it is known while emitting; undefined in the interpreter. */
  abstract known(operand: Operand): number | undefined
  /**
   * Returns to the host from inside an `if`. `completed`, an i32 0 or 1, says whether this instruction has retired;
   * `exit` is the code to return.
   */
  protected abstract exit(completed: Node, exit: Node): void
  /** Stores pc and budget so that a host function may read or change them. */
  protected abstract publish(): void
  /** Returns to the host at the pc that it has stored itself. */
  protected abstract exitAsStored(exit: Node): void

  /** Reads a field of the hart's state. */
  field32(offset: number): Node {
    return this.fn.load(Op.i32Load, this.fn.get(this.state), offset)
  }
  field64(offset: number): Node {
    return this.fn.load(Op.i64Load, this.fn.get(this.state), offset)
  }
  setField32(offset: number, value: Node): void {
    this.fn.store(Op.i32Store, this.fn.get(this.state), value, offset)
  }
  setField64(offset: number, value: Node): void {
    this.fn.store(Op.i64Store, this.fn.get(this.state), value, offset)
  }

  /** Raises exception `cause` with `tval` when `cond` holds. */
  trapIf(cond: Node, cause: number, tval: () => Node): void {
    this.fn.if(cond, 'unlikely')
    this.trap(cause, tval())
    this.fn.end()
  }
  #raise(cause: number, tval: Node): void {
    this.setField32(this.common.cause, this.fn.i32(cause))
    this.setField32(this.common.request, this.fn.i32(Request.exception))
    this.setField64(this.common.tval, tval)
  }
  /** Raises an exception. */
  trap(cause: number, tval: Node): void {
    this.#raise(cause, tval)
    this.exit(this.fn.i32(0), this.fn.i32(Exit.exception))
  }

  /** Sets the address and TLB entry; true when the entry is not the page's. */
  protected missesEntry(address: Node, bytes: number, array: number): Node {
    const fn = this.fn
    fn.set(this.addressLocal, address)
    const index = fn.op(Op.i32ShrU, fn.op(Op.i32WrapI64, fn.get(this.addressLocal)), fn.i32(INDEX_SHIFT))
    fn.set(this.entryLocal, fn.op(Op.i32Add, fn.get(this.context), fn.op(Op.i32And, index, fn.i32(DATA_MASK))))
    return missesTag(fn, fn.load(Op.i64Load, fn.get(this.entryLocal), array), fn.get(this.addressLocal), bytes)
  }
  /** The host address by the entry. */
  protected hit(array: number): Node {
    const fn = this.fn
    return fn.op(
      Op.i32Add,
      fn.op(Op.i32WrapI64, fn.get(this.addressLocal)),
      fn.load(Op.i32Load, fn.get(this.entryLocal), array + ENTRY_VALUE),
    )
  }
  #addressArgs(bytes: number): Node[] {
    return [this.fn.get(this.state), this.fn.get(this.addressLocal), this.fn.i32(bytes)]
  }
  #hostAddress(address: Node, bytes: number, array: number, slow: FunctionRef): Local {
    const fn = this.fn
    fn.if(this.missesEntry(address, bytes, array), 'unlikely')
    this.publish()
    fn.set(this.hostLocal, fn.call(slow, this.#addressArgs(bytes)))
    fn.if(fn.op(Op.i32Eqz, fn.get(this.hostLocal)), 'unlikely')
    this.exit(fn.i32(0), fn.i32(Exit.exception))
    fn.end()
    fn.else()
    fn.set(this.hostLocal, this.hit(array))
    fn.end()
    return this.hostLocal
  }

  /** Loads `bytes` with the wasm load `op`. The result is to be used before any other access. */
  load(op: number, bytes: number, address: Node): Node {
    return this.fn.load(op, this.fn.get(this.#hostAddress(address, bytes, READ, this.calls.slowLoad)))
  }

  /** Where `bytes` of RAM at `address` may be both read and written: for atomic operations. */
  atomicAddress(bytes: number, address: Node): Local {
    return this.#hostAddress(address, bytes, WRITE, this.calls.slowAtomic)
  }

  /** Keeps all accesses before it apart from all after it, in the eyes of other threads. */
  fence(): void {
    const fn = this.fn
    if (this.sharing === 'weak') fn.effect(fn.op(Op.atomicFence))
    else if (this.sharing === 'ordered') {
      // Only a store and a later load may change places, which any locked operation prevents at a tenth of a fence's cost.
      const place = fn.op(Op.i32Add, fn.get(this.state), fn.i32(this.common.misses))
      fn.effect(fn.op(Op.i32AtomicRmwAdd, place, fn.i32(0)))
    }
  }
  /** Does `attempt`, which says whether it is to be done again, until it need not be. */
  repeat(attempt: () => Node): void {
    const fn = this.fn
    const [again, done] = [fn.block(), fn.block()]
    fn.jump(again)
    fn.at(again)
    fn.branch(attempt(), again, done, 'unlikely')
    fn.at(done)
  }

  /** Stores the low `bytes` of `value` with the wasm store `op`. */
  store(op: number, bytes: number, address: Node, value: Node): void {
    const fn = this.fn
    const missed = this.missesEntry(address, bytes, WRITE)
    fn.set(this.valueLocal, value)
    fn.if(missed, 'unlikely')
    this.publish()
    fn.set(this.statusLocal, fn.call(this.calls.slowStore, [...this.#addressArgs(bytes), fn.get(this.valueLocal)]))
    fn.if(fn.get(this.statusLocal), 'unlikely')
    const completed = (): Node => fn.op(Op.i32Eq, fn.get(this.statusLocal), fn.i32(Request.leaveAfter))
    this.exit(completed(), fn.op(Op.i32Add, fn.i32(Exit.exception), completed()))
    fn.end()
    fn.else()
    fn.store(op, this.hit(WRITE), fn.get(this.valueLocal))
    fn.end()
  }

  /**
   * Asks the host to do what only it can (`what` and two values) and returns its answer. The host may refuse with an
   * exception, leave at another pc, or ask to leave once the instruction is complete (see `settle`).
   */
  system(what: Node, a: Node, b: Node): Local {
    const fn = this.fn
    this.publish()
    fn.set(this.valueLocal, fn.call(this.calls.system, [fn.get(this.state), what, a, b]))
    fn.set(this.statusLocal, this.field32(this.common.request))
    fn.if(fn.op(Op.i32Eq, fn.get(this.statusLocal), fn.i32(Request.exception)), 'unlikely')
    this.exit(fn.i32(0), fn.i32(Exit.exception))
    fn.end()
    fn.if(fn.op(Op.i32Eq, fn.get(this.statusLocal), fn.i32(Request.leaveNow)), 'unlikely')
    this.exitAsStored(fn.i32(Exit.leave))
    fn.end()
    return this.valueLocal
  }
  /** Asks the host for something that always goes on elsewhere (a return from a trap, say). */
  systemJump(what: Node, a: Node, b: Node): void {
    this.publish()
    this.fn.effect(this.fn.call(this.calls.system, [this.fn.get(this.state), what, a, b]))
    const refused = this.fn.op(Op.i32Eq, this.field32(this.common.request), this.fn.i32(Request.exception))
    this.fn.if(refused, 'unlikely')
    this.exit(this.fn.i32(0), this.fn.i32(Exit.exception))
    this.fn.end()
    this.exitAsStored(this.fn.i32(Exit.leave))
  }
  /** Calls a function of the run-time module. */
  runtime(name: string, args: readonly Node[]): Node {
    return this.fn.call(this.calls.runtime[name] as FunctionRef, args)
  }
  /** Leaves at the next instruction when `system` asked for it; comes last, after register writes. */
  settle(): void {
    const fn = this.fn
    fn.if(fn.get(this.statusLocal), 'unlikely')
    const refetch = fn.op(Op.i32Eq, fn.get(this.statusLocal), fn.i32(Request.refetch))
    this.exit(fn.i32(1), fn.select(refetch, fn.i32(Exit.refetch), fn.i32(Exit.leave)))
    fn.end()
  }
}
