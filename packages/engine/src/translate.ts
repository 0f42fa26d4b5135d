import { type Block, type FunctionBuilder, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import { Emitter, type HostCalls } from './emitter.ts'
import { Exit } from './exits.ts'
import type { InstructionRow, Operand } from './insn.ts'
import { Handler } from './interpreter.ts'
import { type CommonState, RECORD, RECORD_SHIFT, type RegisterFile } from './layout.ts'
import { jumpTarget, type Region, type RegionBlock, type RegionInstruction, RegisterSet } from './region.ts'
import { ENTRY_VALUE, FETCH, FETCH_MASK, INDEX_SHIFT } from './tlb.ts'
import type { Usage } from './usage.ts'

const REGISTERS_PER_FILE = 32
const PAGE_BYTES = 4096

/**
 * Translates a region to one function `(state) → Exit`: registers in locals, loaded at entry where live, stored at exits
 * where possibly changed. Addresses are kept relative to the page, so one translation serves every mapping of it.
 */
export class RegionEmitter extends Emitter {
  readonly #files: readonly RegisterFile[]
  readonly #usages: readonly Usage[]
  readonly #regionType: number
  readonly #locals: Int32Array
  #region!: Region
  #pageRecords = 0
  #page!: Local
  #budget!: Local
  #target!: Local
  #targetRecord!: Local
  #blocks: Block[] = []
  #farExit: Block | undefined
  // The place in the block being emitted.
  #at = 0
  #block!: RegionBlock
  #instruction!: RegionInstruction
  #left = 0
  #dirty: RegisterSet = new RegisterSet()
  readonly #checked = new Set<string>()

  constructor(
    common: CommonState,
    calls: HostCalls,
    files: readonly RegisterFile[],
    usages: readonly Usage[],
    regionType: number,
  ) {
    super(common, calls)
    this.#files = files
    this.#usages = usages
    this.#regionType = regionType
    this.#locals = new Int32Array(files.length * REGISTERS_PER_FILE)
  }

  /** Emits the region's function. `pageRecords` is where its page's decoded records lie. */
  translate<M>(
    fn: FunctionBuilder,
    region: Region,
    pageRecords: number,
    rows: readonly InstructionRow<M>[],
    machine: M,
  ): void {
    this.begin(fn)
    this.#region = region
    this.#pageRecords = pageRecords
    this.#locals.fill(-1)
    this.#page = fn.local(I64)
    this.#budget = fn.local(I32)
    this.#target = fn.local(I64)
    this.#targetRecord = fn.local(I32)
    this.#farExit = undefined
    const entry = region.blocks[0] as RegionBlock
    fn.set(this.#budget, this.field32(this.common.budget))
    fn.if(fn.op(Op.i32LtS, fn.get(this.#budget), fn.i32(entry.longestPath)), 'unlikely')
    fn.return(fn.i32(Exit.short))
    fn.end()
    fn.set(this.#page, fn.op(Op.i64And, this.field64(this.common.pc), fn.i64(-4096)))
    this.#eachIn(entry.liveIn, (file, register) => {
      fn.set(this.#local(file, register), fn.load(Op.i64Load, fn.get(0), this.#offset(file, register)))
    })
    this.#blocks = region.blocks.map(() => fn.block())
    fn.jump(this.#blocks[0] as Block)
    for (let i = 0; i < region.blocks.length; i++) this.#emitBlock(i, rows, machine)
    if (this.#farExit !== undefined) this.#emitFarExit(this.#farExit)
  }

  #emitBlock<M>(index: number, rows: readonly InstructionRow<M>[], machine: M): void {
    const fn = this.fn
    const block = this.#region.blocks[index] as RegionBlock
    this.#at = index
    this.#block = block
    this.#dirty = block.dirtyIn.copy()
    this.#checked.clear()
    fn.at(this.#blocks[index] as Block)
    fn.set(this.#budget, fn.op(Op.i32Sub, fn.get(this.#budget), fn.i32(block.instructions.length)))
    for (let i = 0; i < block.instructions.length; i++) {
      const instruction = block.instructions[i] as RegionInstruction
      this.#instruction = instruction
      this.#left = block.instructions.length - i
      const row = rows[instruction.decoded.row] as InstructionRow<M>
      row.semantics(machine, instruction.decoded)
      if (fn.closed) return
    }
    const last = this.#instruction
    if (this.#usages[last.decoded.row]?.flow === 'next') this.#goTo(block.end)
  }

  // Registers

  #local(file: number, register: number): Local {
    const at = file * REGISTERS_PER_FILE + register
    if ((this.#locals[at] as number) < 0) this.#locals[at] = this.fn.local(I64)
    return this.#locals[at] as Local
  }
  #offset(file: number, register: number): number {
    return (this.#files[file] as RegisterFile).offset + register * 8
  }
  #eachIn(set: RegisterSet, each: (file: number, register: number) => void): void {
    for (let file = 0; file < this.#files.length; file++) {
      for (let register = 0; register < REGISTERS_PER_FILE; register++) {
        if (set.has(file, register)) each(file, register)
      }
    }
  }
  read(file: RegisterFile, register: Operand): Node {
    if (register === file.zero) return this.fn.i64(0)
    return this.fn.get(this.#local(this.#files.indexOf(file), register))
  }
  write(file: RegisterFile, register: Operand, value: Node): void {
    if (register === file.zero) return this.fn.effect(value)
    const index = this.#files.indexOf(file)
    this.fn.set(this.#local(index, register), value)
    this.#dirty.add(index, register)
  }
  imm(operand: Operand): Node {
    return this.fn.i64(operand)
  }
  imm32(operand: Operand): Node {
    return this.fn.i32(operand)
  }
  small(operand: Operand): Node {
    return this.fn.i64(operand)
  }
  known(operand: Operand): number | undefined {
    return operand
  }
  pc(): Node {
    return this.#addressOf(this.#instruction.offset)
  }
  nextPc(): Node {
    return this.#addressOf(this.#instruction.offset + this.#instruction.decoded.lengthBytes)
  }
  #addressOf(offset: number): Node {
    return this.fn.op(Op.i64Add, this.fn.get(this.#page), this.fn.i64(offset))
  }
  once(key: string, check: () => void): void {
    if (this.#checked.has(key)) return
    this.#checked.add(key)
    check()
  }

  // Control flow

  branch(cond: Node): void {
    const fn = this.fn
    const taken = fn.block()
    const next = fn.block()
    const instruction = this.#instruction
    fn.branch(cond, taken, next)
    fn.at(taken)
    this.#goTo(jumpTarget(instruction))
    fn.at(next)
    this.#goTo(this.#block.end)
  }
  jump(): void {
    this.#goTo(jumpTarget(this.#instruction))
  }
  jumpTo(target: Node): void {
    this.fn.set(this.#target, target)
    this.#storeRegisters()
    this.#leaveFar()
  }

  /** Goes to an offset of the page: inside the region where there is an edge, else out of it. */
  #goTo(offset: number): void {
    const fn = this.fn
    const next = this.#block.successors.find(s => this.#region.blocks[s]?.offset === offset)
    if (next === undefined) return this.#leaveTo(offset)
    const target = this.#region.blocks[next] as RegionBlock
    // Only loops can overrun what the entry checked; a loop's own check covers one more round.
    if (this.#isBackEdge(next)) {
      fn.if(fn.op(Op.i32LtS, fn.get(this.#budget), fn.i32(target.longestPath)), 'unlikely')
      this.#storeRegisters()
      this.setField64(this.common.pc, this.#addressOf(offset))
      this.setField32(this.common.budget, fn.get(this.#budget))
      fn.return(fn.i32(Exit.goOn))
      fn.end()
    }
    fn.jump(this.#blocks[next] as Block)
  }
  #isBackEdge(next: number): boolean {
    const order = this.#region.order
    return (order[next] as number) <= (order[this.#at] as number)
  }

  #storeRegisters(): void {
    this.#eachIn(this.#dirty, (file, register) => {
      const value = this.fn.get(this.#local(file, register))
      this.fn.store(Op.i64Store, this.fn.get(0), value, this.#offset(file, register))
    })
  }

  /** Leaves for a constant offset, possibly outside the page. */
  #leaveTo(offset: number): void {
    const fn = this.fn
    this.#storeRegisters()
    if (offset < 0 || offset >= PAGE_BYTES) {
      fn.set(this.#target, this.#addressOf(offset))
      return this.#leaveFar()
    }
    this.setField64(this.common.pc, this.#addressOf(offset))
    this.setField32(this.common.budget, fn.get(this.#budget))
    const record = this.#pageRecords + (offset << RECORD_SHIFT)
    this.#chain(() => fn.i32(record))
  }
  #leaveFar(): void {
    this.#farExit ??= this.fn.block()
    this.fn.jump(this.#farExit)
  }
  /** Goes on at `target`, through the fetch TLB. */
  #emitFarExit(block: Block): void {
    const fn = this.fn
    fn.at(block)
    this.setField64(this.common.pc, fn.get(this.#target))
    this.setField32(this.common.budget, fn.get(this.#budget))
    const index = fn.op(Op.i32WrapI64, fn.op(Op.i64ShrU, fn.get(this.#target), fn.i64(INDEX_SHIFT)))
    const entry = fn.let(fn.op(Op.i32Add, fn.get(this.context), fn.op(Op.i32And, index, fn.i32(FETCH_MASK))))
    const page = fn.op(Op.i64And, fn.get(this.#target), fn.i64(-4096))
    fn.if(fn.op(Op.i64Ne, page, fn.load(Op.i64Load, fn.get(entry), FETCH)), 'unlikely')
    fn.return(fn.i32(Exit.goOn))
    fn.end()
    const offset = fn.op(Op.i32And, fn.op(Op.i32WrapI64, fn.get(this.#target)), fn.i32(0xffe))
    const records = fn.load(Op.i32Load, fn.get(entry), FETCH + ENTRY_VALUE)
    fn.set(this.#targetRecord, fn.op(Op.i32Add, records, fn.op(Op.i32Shl, offset, fn.i32(RECORD_SHIFT))))
    this.#chain(() => fn.get(this.#targetRecord))
  }
  /** Tail-calls the region that starts at a record, or returns to the interpreter where there is none. */
  #chain(record: () => Node): void {
    const fn = this.fn
    const handler = fn.load(Op.i32Load16U, record(), RECORD.handler)
    fn.if(fn.op(Op.i32Eq, handler, fn.i32(Handler.enter)), 'likely')
    fn.returnCallIndirect(this.#regionType, 0, fn.load(Op.i32Load, record(), RECORD.imm), [fn.get(0)])
    fn.end()
    fn.return(fn.i32(Exit.goOn))
  }

  protected exit(completed: Node, exit: Node): void {
    const fn = this.fn
    const { offset, decoded } = this.#instruction
    fn.set(this.#targetRecord, completed)
    this.#storeRegisters()
    const advance = fn.op(Op.i32Mul, fn.get(this.#targetRecord), fn.i32(decoded.lengthBytes))
    this.setField64(this.common.pc, fn.op(Op.i64Add, this.#addressOf(offset), fn.op(Op.i64ExtendI32U, advance)))
    const refund = fn.op(Op.i32Sub, fn.i32(this.#left), fn.get(this.#targetRecord))
    this.setField32(this.common.budget, fn.op(Op.i32Add, fn.get(this.#budget), refund))
    fn.return(exit)
  }
  protected publish(): void {
    const fn = this.fn
    this.setField64(this.common.pc, this.pc())
    this.setField32(this.common.budget, fn.op(Op.i32Add, fn.get(this.#budget), fn.i32(this.#left - 1)))
  }
  protected exitAsStored(exit: Node): void {
    this.#storeRegisters()
    this.fn.return(exit)
  }
}
