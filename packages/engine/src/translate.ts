import { type Block, type FunctionBuilder, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import { Exit } from './exits.ts'
import { REGION_TYPE } from './generated-module.ts'
import type { InstructionRow } from './insn.ts'
import { Handler } from './handlers.ts'
import { RECORD, RECORD_SHIFT } from './layout.ts'
import { GO_ON, RegionCode } from './region-code.ts'
import type { RegisterSet } from './register-set.ts'
import { DISPATCH_OFFSET, jumpTarget, type Region, type RegionBlock, type RegionInstruction } from './region.ts'
import { ENTRY_VALUE, FETCH, FETCH_MASK, INDEX_SHIFT, missesTag } from './tlb.ts'

const PAGE_BYTES = 4096
/** The parameter that is the address of the region's first record. */
const ENTRY_RECORD: Local = 1
/** The parameter that says how many regions wait for a return, and how many may. */
const DEPTH: Local = 2
const MAX_DEPTH = 200

/**
 * Translates a region to one function `(state, record) → Exit`, the record being the region's own: registers in locals, loaded at entry where live, stored at exits
 * where possibly changed. Addresses are kept relative to the page, so one translation serves every mapping of it.
 */
export class RegionEmitter extends RegionCode {
  #region!: Region
  #targetLocal!: Local
  #blocks: Block[] = []
  #farExit: Block | undefined
  #nearExit: Block | undefined
  #currentIndex = 0

  /** Emits the region's function. */
  translate<M>(
    fn: FunctionBuilder,
    region: Region,
    rows: readonly InstructionRow<M>[],
    machine: M,
    patient: boolean,
  ): void {
    this.begin(fn)
    this.patient = patient
    this.#region = region
    this.registerLocals.fill(-1)
    this.pageLocal = fn.local(I64)
    this.budgetLocal = fn.local(I32)
    this.#targetLocal = fn.local(I64)
    this.targetRecordLocal = fn.local(I32)
    this.fromLocal = fn.local(I32)
    this.#farExit = undefined
    this.#nearExit = undefined
    this.hostLocals.clear()
    this.pageLocals.clear()
    this.bailBlock = fn.cold()
    const entry = region.blocks[0] as RegionBlock
    fn.set(this.budgetLocal, this.field32(this.common.budget))
    fn.if(fn.op(Op.i32LtS, fn.get(this.budgetLocal), fn.i32(entry.longestPath)), 'unlikely')
    fn.return(fn.i32(Exit.short))
    fn.end()
    fn.set(this.pageLocal, fn.op(Op.i64And, this.field64(this.common.pc), fn.i64(-4096)))
    this.#loadRegisters(entry.liveIn)
    this.#blocks = region.blocks.map(() => fn.block())
    fn.jump(this.#blocks[0] as Block)
    for (let i = 0; i < region.blocks.length; i++) this.#emitBlock(i, rows, machine)
    if (this.#farExit !== undefined) this.#emitFarExit(this.#farExit)
    if (this.#nearExit !== undefined) this.#emitNearExit(this.#nearExit)
    fn.inCold(this.bailBlock, () => this.emitBail())
  }

  #emitBlock<M>(index: number, rows: readonly InstructionRow<M>[], machine: M): void {
    const fn = this.fn
    const block = this.#region.blocks[index] as RegionBlock
    this.#currentIndex = index
    this.current = block
    this.dirty = block.dirtyIn.copy()
    this.latestCold = undefined
    this.located.clear()
    this.checked.clear()
    fn.at(this.#blocks[index] as Block)
    if (block.instructions.length === 0) return this.#emitDispatch(block)
    fn.set(this.budgetLocal, fn.op(Op.i32Sub, fn.get(this.budgetLocal), fn.i32(block.instructions.length)))
    for (let i = 0; i < block.instructions.length; i++) {
      const instruction = block.instructions[i] as RegionInstruction
      this.instruction = instruction
      this.left = block.instructions.length - i
      const row = rows[instruction.decoded.row] as InstructionRow<M>
      row.semantics(machine, instruction.decoded)
      fn.endLets()
      if (fn.closed) return
    }
    const last = this.instruction
    if (this.usages[last.decoded.row]?.flow === 'next') this.#goTo(block.end)
  }

  // Control flow

  branch(cond: Node): void {
    const fn = this.fn
    const taken = fn.block()
    const next = fn.block()
    const instruction = this.instruction
    fn.branch(cond, taken, next)
    fn.at(taken)
    this.#goTo(jumpTarget(instruction))
    fn.at(next)
    this.#goTo(this.current.end)
  }
  jump(): void {
    const target = jumpTarget(this.instruction)
    const back = this.#returnBlock()
    if (back === undefined) return this.#goTo(target)
    this.storeRegisters()
    if (target < 0 || target >= PAGE_BYTES) {
      this.fn.set(this.#targetLocal, this.addressOf(target))
      this.#findRecord()
    } else {
      this.setField64(this.common.pc, this.addressOf(target))
      this.setField32(this.common.budget, this.fn.get(this.budgetLocal))
      this.fn.set(this.targetRecordLocal, this.#recordAt(this.fn.i32(target)))
    }
    this.#call(back)
  }
  jumpTo(target: Node, isReturn = false): void {
    const fn = this.fn
    fn.set(this.#targetLocal, target)
    if (this.instruction.dispatches) return this.#goToDispatch()
    this.storeRegisters()
    const back = this.#returnBlock()
    if (back !== undefined) {
      this.#findRecord()
      return this.#call(back)
    }
    if (isReturn) {
      // Whoever called looks where it is to go on.
      fn.if(fn.get(DEPTH), 'likely')
      this.setField64(this.common.pc, fn.get(this.#targetLocal))
      this.setField32(this.common.budget, fn.get(this.budgetLocal))
      fn.return(fn.i32(Exit.goOn))
      fn.end()
    }
    this.#leaveFar()
  }

  // Calls are calls of WebAssembly: the callee's return comes back here, which costs less than finding the way

  /** The block that the call which ends this one returns to; undefined when there is no call, or no such block. */
  #returnBlock(): number | undefined {
    return this.current.calls ? this.current.successors[0] : undefined
  }
  /** Calls the region that starts at the target record; pc, budget and registers are stored. Goes on at `back`. */
  #call(back: number): void {
    const fn = this.fn
    const block = this.#region.blocks[back] as RegionBlock
    const record = (): Node => fn.get(this.targetRecordLocal)
    const handler = fn.load(Op.i32Load16U, record(), RECORD.handler)
    fn.if(fn.op(Op.i32Ne, handler, fn.i32(Handler.enter)), 'unlikely')
    fn.return(fn.i32(Exit.goOn))
    fn.end()
    const slot = (): Node => fn.load(Op.i32Load, record(), RECORD.imm)
    fn.if(fn.op(Op.i32GeU, fn.get(DEPTH), fn.i32(MAX_DEPTH)), 'unlikely')
    fn.returnCallIndirect(this.regionType, 0, slot(), [fn.get(0), record(), fn.get(DEPTH)])
    fn.end()
    const args = [fn.get(0), record(), fn.op(Op.i32Add, fn.get(DEPTH), fn.i32(1))]
    const exit = fn.let(fn.callIndirect(this.regionType, REGION_TYPE, 0, slot(), args))
    const elsewhere = fn.op(Op.i64Ne, this.field64(this.common.pc), this.addressOf(block.offset))
    fn.if(fn.op(Op.i32Or, fn.get(exit), elsewhere), 'unlikely')
    fn.return(fn.get(exit))
    fn.end()
    fn.set(this.budgetLocal, this.field32(this.common.budget))
    fn.if(fn.op(Op.i32LtS, fn.get(this.budgetLocal), fn.i32(block.longestPath)), 'unlikely')
    fn.return(fn.i32(Exit.goOn))
    fn.end()
    this.#loadRegisters(block.liveIn)
    fn.jump(this.#blocks[back] as Block)
  }
  #loadRegisters(registers: RegisterSet): void {
    const fn = this.fn
    this.eachIn(registers, (file, register) => {
      const op = this.isFloat(file) ? Op.f64Load : Op.i64Load
      fn.set(this.localOf(file, register), fn.load(op, fn.get(0), this.offsetOf(file, register)))
    })
  }

  /** Goes to an offset of the page: inside the region where there is an edge, else out of it. */
  #goTo(offset: number): void {
    const fn = this.fn
    const next = this.current.successors.find(s => this.#region.blocks[s]?.offset === offset)
    if (next === undefined) return this.#leaveTo(offset)
    const target = this.#region.blocks[next] as RegionBlock
    // Only loops can overrun what the entry checked; a loop's own check covers one more round.
    if (this.#isBackEdge(next)) {
      const cold = this.coldBlock()
      fn.if(fn.op(Op.i32LtS, fn.get(this.budgetLocal), fn.i32(target.longestPath)), 'unlikely')
      fn.set(this.fromLocal, fn.i32(GO_ON | offset))
      fn.leave(cold)
      fn.end()
    }
    this.storeSet(this.dirty.intersect(target.flushed))
    fn.jump(this.#blocks[next] as Block)
  }
  /** Goes to the dispatch block; as on any way back in a loop, only if there is room for another round. */
  #goToDispatch(): void {
    const fn = this.fn
    const next = this.current.successors[0]
    if (next !== undefined && !this.#isBackEdge(next)) return this.#goTo(DISPATCH_OFFSET)
    if (next !== undefined) {
      const { longestPath, flushed } = this.#region.blocks[next] as RegionBlock
      const [over, more] = [fn.block(), fn.block()]
      fn.branch(fn.op(Op.i32LtS, fn.get(this.budgetLocal), fn.i32(longestPath)), over, more, 'unlikely')
      fn.at(more)
      this.storeSet(this.dirty.intersect(flushed))
      fn.jump(this.#blocks[next] as Block)
      fn.at(over)
    }
    this.storeRegisters()
    this.#leaveFar()
  }
  /** Goes on where `target` says: by a table of the known targets' span, else out of the region. */
  #emitDispatch(block: RegionBlock): void {
    const fn = this.fn
    const offsets = block.successors.map(s => (this.#region.blocks[s] as RegionBlock).offset)
    const least = Math.min(...offsets)
    const span = Math.max(...offsets) - least + 1
    const elsewhere = fn.block()
    if (offsets.length > 0) {
      const distance = fn.let(fn.op(Op.i64Sub, fn.get(this.#targetLocal), this.addressOf(least)))
      const near = fn.block()
      fn.branch(fn.op(Op.i64LtU, fn.get(distance), fn.i64(span)), near, elsewhere, 'likely')
      fn.at(near)
      const edges: Block[] = Array.from({ length: (span + 1) >> 1 }, () => elsewhere)
      const entries = offsets.map(offset => (edges[(offset - least) >> 1] = fn.block()))
      fn.switch(fn.op(Op.i32ShrU, fn.op(Op.i32WrapI64, fn.get(distance)), fn.i32(1)), edges, elsewhere)
      fn.endLets()
      offsets.forEach((offset, i) => {
        fn.at(entries[i] as Block)
        this.#goTo(offset)
      })
    } else fn.jump(elsewhere)
    fn.at(elsewhere)
    this.storeRegisters()
    this.#leaveFar()
  }
  #isBackEdge(next: number): boolean {
    const order = this.#region.order
    return (order[next] as number) <= (order[this.#currentIndex] as number)
  }

  /** Leaves for a constant offset, possibly outside the page. */
  #leaveTo(offset: number): void {
    const fn = this.fn
    this.storeRegisters()
    if (offset < 0 || offset >= PAGE_BYTES) {
      fn.set(this.#targetLocal, this.addressOf(offset))
      return this.#leaveFar()
    }
    fn.set(this.fromLocal, fn.i32(offset))
    this.#nearExit ??= fn.block()
    fn.jump(this.#nearExit)
  }
  /** Goes on at the offset in `from`. */
  #emitNearExit(block: Block): void {
    const fn = this.fn
    fn.at(block)
    this.setField64(
      this.common.pc,
      fn.op(Op.i64Add, fn.get(this.pageLocal), fn.op(Op.i64ExtendI32U, fn.get(this.fromLocal))),
    )
    this.setField32(this.common.budget, fn.get(this.budgetLocal))
    fn.set(this.targetRecordLocal, this.#recordAt(fn.get(this.fromLocal)))
    this.#chain()
  }
  /** The record of an offset in the page. */
  #recordAt(offset: Node): Node {
    const fn = this.fn
    const root = (this.#region.blocks[0] as RegionBlock).offset
    const distance = fn.op(Op.i32Shl, fn.op(Op.i32Sub, offset, fn.i32(root)), fn.i32(RECORD_SHIFT))
    return fn.op(Op.i32Add, fn.get(ENTRY_RECORD), distance)
  }
  #leaveFar(): void {
    this.#farExit ??= this.fn.block()
    this.fn.jump(this.#farExit)
  }
  /** Goes on at `target`, through the fetch TLB. */
  #emitFarExit(block: Block): void {
    const fn = this.fn
    fn.at(block)
    // Most targets are near: returns to the same file's functions, jump tables.
    const distance = fn.let(fn.op(Op.i64Sub, fn.get(this.#targetLocal), fn.get(this.pageLocal)))
    const [near, far] = [fn.block(), fn.block()]
    fn.branch(fn.op(Op.i64LtU, fn.get(distance), fn.i64(PAGE_BYTES)), near, far)
    fn.at(near)
    fn.set(this.fromLocal, fn.op(Op.i32WrapI64, fn.get(distance)))
    this.#nearExit ??= fn.block()
    fn.jump(this.#nearExit)
    fn.at(far)
    this.#findRecord()
    this.#chain()
  }
  /** Finds the target's record through the fetch TLB; pc and budget are stored then. Returns for what is not there. */
  #findRecord(): void {
    const fn = this.fn
    this.setField64(this.common.pc, fn.get(this.#targetLocal))
    this.setField32(this.common.budget, fn.get(this.budgetLocal))
    const index = fn.op(Op.i32ShrU, fn.op(Op.i32WrapI64, fn.get(this.#targetLocal)), fn.i32(INDEX_SHIFT))
    const entry = fn.let(fn.op(Op.i32Add, fn.get(this.context), fn.op(Op.i32And, index, fn.i32(FETCH_MASK))))
    fn.if(missesTag(fn, fn.load(Op.i64Load, fn.get(entry), FETCH), fn.get(this.#targetLocal), 1), 'unlikely')
    fn.return(fn.i32(Exit.goOn))
    fn.end()
    const offset = fn.op(Op.i32And, fn.op(Op.i32WrapI64, fn.get(this.#targetLocal)), fn.i32(0xffe))
    const records = fn.load(Op.i32Load, fn.get(entry), FETCH + ENTRY_VALUE)
    fn.set(this.targetRecordLocal, fn.op(Op.i32Add, records, fn.op(Op.i32Shl, offset, fn.i32(RECORD_SHIFT))))
  }
  /** Tail-calls the region that starts at the target record, or returns to the interpreter where there is none. */
  #chain(): void {
    const fn = this.fn
    const record = (): Node => fn.get(this.targetRecordLocal)
    const handler = fn.load(Op.i32Load16U, record(), RECORD.handler)
    fn.if(fn.op(Op.i32Eq, handler, fn.i32(Handler.enter)), 'likely')
    fn.returnCallIndirect(this.regionType, 0, fn.load(Op.i32Load, record(), RECORD.imm), [
      fn.get(0),
      record(),
      fn.get(DEPTH),
    ])
    fn.end()
    fn.return(fn.i32(Exit.goOn))
  }
}
