import { type Block, F64, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import type { AccessGroup } from './accesses.ts'
import { Emitter, type HostCalls, type Sharing } from './emitter.ts'
import { Exit } from './exits.ts'
import type { Operand } from './insn.ts'
import type { CommonState, RegisterFile } from './layout.ts'
import type { RegionBlock, RegionInstruction } from './region.ts'
import { RegisterSet } from './register-set.ts'
import { ENTRY_VALUE, READ, WRITE } from './tlb.ts'
import type { Usage } from './usage.ts'

const REGISTERS_PER_FILE = 32
const PAGE_BYTES = 4096
/** How `from` is made up: an offset in the page, instructions left to count back; and whether translated code may go on. */
const OFFSET_MASK = 0x1fff
const LEFT_SHIFT = 14
const LEFT_MASK = 0xffff
/** Set in `from` when translated code may go on there. */
export const GO_ON: number = 1 << 31
/** What lies below is no guest memory. */
const LEAST_HOST = 4096
const NO_REGISTERS = new RegisterSet()

/** The page that accesses found last, and where that lies. */
interface PageLocals {
  readonly page: Local
  readonly pageHost: Local
}

/** A region's code as far as it is not control flow: registers in locals, cold ways out, memory accesses. */
export abstract class RegionCode extends Emitter {
  protected readonly files: readonly RegisterFile[]
  protected readonly usages: readonly Usage[]
  protected readonly regionType: number
  protected readonly registerLocals: Int32Array
  protected pageLocal!: Local
  protected budgetLocal!: Local
  protected targetRecordLocal!: Local
  /** The common end of all cold ways out, and the latest cold block, with the registers that it and those below store. */
  protected bailBlock!: Block
  protected latestCold: Block | undefined
  protected stored: RegisterSet = new RegisterSet()
  /** Where a cold way out left the straight path: see `whereabouts`. */
  protected fromLocal!: Local
  /** Locals of access groups: by register and kind, where the span lies; by anchors and kind, the page found last. */
  protected readonly hostLocals: Map<number, Local> = new Map()
  protected readonly pageLocals: Map<number, PageLocals> = new Map()
  // The place in the block being emitted.
  protected current!: RegionBlock
  protected instruction!: RegionInstruction
  protected left = 0
  protected dirty: RegisterSet = new RegisterSet()
  /** Accesses that are not simple are served here, by calls, instead of left to the interpreter. */
  protected patient = false
  protected readonly checked: Set<string> = new Set()
  protected readonly located: Set<AccessGroup> = new Set()

  constructor(
    common: CommonState,
    calls: HostCalls,
    sharing: Sharing,
    files: readonly RegisterFile[],
    usages: readonly Usage[],
    regionType: number,
  ) {
    super(common, calls, sharing)
    this.files = files
    this.usages = usages
    this.regionType = regionType
    this.registerLocals = new Int32Array(files.length * REGISTERS_PER_FILE)
  }

  // Registers

  protected localOf(file: number, register: number): Local {
    const at = file * REGISTERS_PER_FILE + register
    const known = this.registerLocals[at] as number
    if (known < 0) this.registerLocals[at] = this.fn.local(this.isFloat(file) ? F64 : I64)
    return this.registerLocals[at] as Local
  }
  protected isFloat(file: number): boolean {
    return this.files[file]?.float === true
  }
  protected offsetOf(file: number, register: number): number {
    return (this.files[file] as RegisterFile).offset + register * 8
  }
  protected eachIn(set: RegisterSet, each: (file: number, register: number) => void): void {
    for (let file = 0; file < this.files.length; file++) {
      for (let rest = set.of(file); rest !== 0; rest &= rest - 1) each(file, 31 - Math.clz32(rest & -rest))
    }
  }
  read(file: RegisterFile, register: Operand): Node {
    if (register === file.zero) return this.fn.i64(0)
    const value = this.fn.get(this.localOf(this.files.indexOf(file), register))
    return file.float ? this.fn.op(Op.i64ReinterpretF64, value) : value
  }
  write(file: RegisterFile, register: Operand, value: Node): void {
    if (register === file.zero) return this.fn.effect(value)
    const index = this.files.indexOf(file)
    this.fn.set(this.localOf(index, register), file.float ? this.fn.op(Op.f64ReinterpretI64, value) : value)
    this.dirty.add(index, register)
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
    return this.addressOf(this.instruction.offset)
  }
  nextPc(): Node {
    return this.addressOf(this.instruction.offset + this.instruction.decoded.lengthBytes)
  }
  protected addressOf(offset: number): Node {
    return this.fn.op(Op.i64Add, this.fn.get(this.pageLocal), this.fn.i64(offset))
  }
  once(key: string, check: () => void): void {
    if (this.checked.has(key)) return
    this.checked.add(key)
    check()
  }

  protected storeRegisters(): void {
    this.storeSet(this.dirty)
  }
  protected storeSet(registers: RegisterSet): void {
    this.eachIn(registers, (file, register) => {
      const value = this.fn.get(this.localOf(file, register))
      this.fn.store(
        this.isFloat(file) ? Op.f64Store : Op.i64Store,
        this.fn.get(0),
        value,
        this.offsetOf(file, register),
      )
    })
  }

  // Cold ways out

  /** What `from` says of the instruction at hand: its offset, and how many of the block's are left, it included. */
  protected whereabouts(): Node {
    return this.fn.i32(this.instruction.offset | (this.left << LEFT_SHIFT))
  }
  /**
   * The cold block to leave for from here. Those of a block form a chain: each stores what was written since the one before
   * and goes on with that one, the first with what was possibly written before the block.
   */
  protected coldBlock(): Block {
    const fn = this.fn
    const before = this.latestCold
    const added = this.dirty.without(before === undefined ? NO_REGISTERS : this.stored)
    if (before !== undefined && added.isEmpty) return before
    const cold = fn.cold()
    fn.inCold(cold, () => {
      this.storeSet(added)
      if (before === undefined) fn.leave(this.bailBlock)
    })
    this.stored = this.dirty.copy()
    this.latestCold = cold
    return cold
  }
  /** Leaves for the interpreter, before the instruction at hand. */
  protected giveUp(cond: Node, cold: Block): void {
    const fn = this.fn
    fn.if(cond, 'unlikely')
    fn.set(this.fromLocal, this.whereabouts())
    fn.leave(cold)
    fn.end()
  }
  override get assumes(): boolean {
    return !this.patient
  }
  override assume(cond: Node): void {
    this.giveUp(this.fn.op(Op.i32Eqz, cond), this.coldBlock())
  }
  override system(what: Node, a: Node, b: Node): Local {
    // It may change what was checked.
    this.checked.clear()
    return super.system(what, a, b)
  }
  override trapIf(cond: Node, _cause: number, _tval: () => Node): void {
    this.giveUp(cond, this.coldBlock())
  }
  protected emitBail(): void {
    const fn = this.fn
    const from = (): Node => fn.get(this.fromLocal)
    const offset = fn.op(Op.i64ExtendI32U, fn.op(Op.i32And, from(), fn.i32(OFFSET_MASK)))
    this.setField64(this.common.pc, fn.op(Op.i64Add, fn.get(this.pageLocal), offset))
    const left = fn.op(Op.i32And, fn.op(Op.i32ShrU, from(), fn.i32(LEFT_SHIFT)), fn.i32(LEFT_MASK))
    this.setField32(this.common.budget, fn.op(Op.i32Add, fn.get(this.budgetLocal), left))
    fn.return(fn.select(fn.op(Op.i32LtS, from(), fn.i32(0)), fn.i32(Exit.goOn), fn.i32(Exit.resume)))
  }
  protected exit(completed: Node, exit: Node): void {
    const fn = this.fn
    const { offset, decoded } = this.instruction
    fn.set(this.targetRecordLocal, completed)
    this.storeRegisters()
    const advance = fn.op(Op.i32Mul, fn.get(this.targetRecordLocal), fn.i32(decoded.lengthBytes))
    this.setField64(this.common.pc, fn.op(Op.i64Add, this.addressOf(offset), fn.op(Op.i64ExtendI32U, advance)))
    const refund = fn.op(Op.i32Sub, fn.i32(this.left), fn.get(this.targetRecordLocal))
    this.setField32(this.common.budget, fn.op(Op.i32Add, fn.get(this.budgetLocal), refund))
    fn.return(exit)
  }

  // Memory

  protected localsOf(group: AccessGroup): PageLocals & { readonly host: Local } {
    const { fn } = this
    const kind = group.store ? 1 : 0
    const hostOf = group.register * 2 + kind
    const host = this.hostLocals.get(hostOf) ?? fn.local(I32)
    this.hostLocals.set(hostOf, host)
    if (!group.cached) return { host, page: 0, pageHost: 0 }
    const pageOf = group.anchors * 2 + kind
    const kept = this.pageLocals.get(pageOf) ?? { page: fn.local(I64), pageHost: fn.local(I32) }
    this.pageLocals.set(pageOf, kept)
    return { host, ...kept }
  }
  /** The host address of a group's span, found at its first access. */
  protected locate(group: AccessGroup, cold: Block): Local {
    const fn = this.fn
    const locals = this.localsOf(group)
    if (this.located.has(group)) return locals.host
    this.located.add(group)
    const { low, end } = group
    const span = end - low
    const array = group.store ? WRITE : READ
    const base = this.read(group.file, group.register)
    const first = fn.let(low === 0 ? base : fn.op(Op.i64Add, base, fn.i64(low)))
    if (!group.cached) {
      this.giveUp(this.missesEntry(fn.get(first), span, array), cold)
      fn.set(locals.host, this.hit(array))
      return locals.host
    }
    const distance = fn.let(fn.op(Op.i64Sub, fn.get(first), fn.get(locals.page)))
    fn.if(fn.op(Op.i64GtU, fn.get(distance), fn.i64(PAGE_BYTES - span)), 'unlikely')
    this.giveUp(this.missesEntry(fn.get(first), span, array), cold)
    fn.set(locals.page, fn.op(Op.i64And, fn.get(first), fn.i64(-PAGE_BYTES)))
    const addend = fn.load(Op.i32Load, fn.get(this.entryLocal), array + ENTRY_VALUE)
    fn.set(locals.pageHost, fn.op(Op.i32Add, fn.op(Op.i32WrapI64, fn.get(locals.page)), addend))
    fn.set(distance, fn.op(Op.i64Sub, fn.get(first), fn.get(locals.page)))
    fn.end()
    fn.set(locals.host, fn.op(Op.i32Add, fn.op(Op.i32WrapI64, fn.get(distance)), fn.get(locals.pageHost)))
    // No page has been found yet, and the address is in page 0: below this there is no guest memory.
    this.giveUp(fn.op(Op.i32LtU, fn.get(locals.host), fn.i32(LEAST_HOST)), cold)
    return locals.host
  }
  /** Where an access is to be made: an address and a constant distance from it. */
  protected accessAt(address: Node, bytes: number, array: number, cold: Block): { host: Node; offset: number } {
    const { group, decoded } = this.instruction
    if (group) return { host: this.fn.get(this.locate(group, cold)), offset: decoded.imm - group.low }
    this.giveUp(this.missesEntry(address, bytes, array), cold)
    return { host: this.hit(array), offset: 0 }
  }

  override load(op: number, bytes: number, address: Node): Node {
    if (this.patient) return super.load(op, bytes, address)
    const { host, offset } = this.accessAt(address, bytes, READ, this.coldBlock())
    return this.fn.load(op, host, offset)
  }
  override store(op: number, bytes: number, address: Node, value: Node): void {
    if (this.patient) return super.store(op, bytes, address, value)
    const { host, offset } = this.accessAt(address, bytes, WRITE, this.coldBlock())
    this.fn.store(op, host, value, offset)
  }
  override atomicAddress(bytes: number, address: Node): Local {
    if (this.patient) return super.atomicAddress(bytes, address)
    this.giveUp(this.missesEntry(address, bytes, WRITE), this.coldBlock())
    return this.fn.let(this.hit(WRITE))
  }
  protected publish(): void {
    const fn = this.fn
    this.setField64(this.common.pc, this.pc())
    this.setField32(this.common.budget, fn.op(Op.i32Add, fn.get(this.budgetLocal), fn.i32(this.left - 1)))
  }
  protected exitAsStored(exit: Node): void {
    this.storeRegisters()
    this.fn.return(exit)
  }
}
