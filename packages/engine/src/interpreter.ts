import { type Block, type FunctionBuilder, type FunctionRef, I32, I64, type Local, type Node, Op } from '@doppel/wasm'
import { Emitter, type HostCalls, type Sharing } from './emitter.ts'
import { Exit } from './exits.ts'
import { REGION_TYPE } from './generated-module.ts'
import {
  COMPUTED,
  Handler,
  handlerOf,
  HEAT_MASK,
  PAGE_RECORD_BYTES,
  REPLACED_SHIFT,
  RESUMES,
  START_RECORDS,
} from './handlers.ts'
import type { InstructionRow, Operand, Operands } from './insn.ts'
import { type CommonState, PAGE_TAIL, RECORD, RECORD_SHIFT, type RegisterFile } from './layout.ts'
import { ENTRY_VALUE, FETCH, FETCH_MASK, INDEX_SHIFT, missesTag } from './tlb.ts'

/** More host calls, for the interpreter alone. */
export interface InterpreterCalls extends HostCalls {
  /** (state, record): fill the record. */
  readonly decode: FunctionRef
  /** (state, record): a much-used jump target; translate it if worthwhile. */
  readonly hot: FunctionRef
  /** (state, record): translated code has given up here many times. */
  readonly unsuited: FunctionRef
  /** (state) → 0, or 1 after an exception: decode the instruction at pc into the state's out-of-line records. */
  readonly outOfLine: FunctionRef
}

const PAGE_BYTES = 4096
/** Operands are offsets of record fields. */
const FIELDS: Readonly<Operands> = {
  rd: RECORD.rd,
  rs1: RECORD.rs1,
  rs2: RECORD.rs2,
  rs3: RECORD.rs3,
  imm: RECORD.imm,
  uimm: RECORD.uimm,
}

/** Generates `run(state, outOfLineFirst) → Exit`: a loop over decoded records with one switch on their handlers. */
export class InterpreterEmitter extends Emitter {
  readonly #calls: InterpreterCalls
  readonly #heatLimit: number
  readonly #replaced: number
  #record!: Local
  /** The records of the page that pc is in, its guest-virtual address, and how many record bytes it has. */
  #pageRecords!: Local
  #pageAddress!: Local
  #pageBytes!: Local
  #budget!: Local
  #target!: Local
  #targetRecord!: Local
  #done!: Local
  #length: 2 | 4 = 4
  #head!: Block
  #lookup!: Block
  #computed!: Block
  #arrive!: Block
  #goOutOfLine!: Block
  #goReplaced!: Block
  #resume!: Block

  /** `replaced` is the address of what region entries have replaced: for each slot, handler and immediate. */
  constructor(common: CommonState, calls: InterpreterCalls, sharing: Sharing, heatLimit: number, replaced: number) {
    super(common, calls, sharing)
    this.#calls = calls
    this.#heatLimit = heatLimit
    this.#replaced = replaced
  }

  /** Builds the whole function for the given rows. `regionType` is the type of regions in table 0. */
  generate<M>(
    fn: FunctionBuilder,
    rows: readonly InstructionRow<M>[],
    hasShortForm: (row: number) => boolean,
    machine: M,
    illegal: (m: M, f: Readonly<Operands>) => void,
    regionType: number,
  ): void {
    this.begin(fn)
    this.#record = fn.local(I32)
    this.#pageRecords = fn.local(I32)
    this.#pageBytes = fn.local(I32)
    this.#budget = fn.local(I32)
    this.#targetRecord = fn.local(I32)
    this.#done = fn.local(I32)
    this.#pageAddress = fn.local(I64)
    this.#target = fn.local(I64)
    this.#head = fn.block()
    this.#lookup = fn.block()
    this.#computed = fn.block()
    this.#arrive = fn.block()
    this.#goOutOfLine = fn.block()
    this.#goReplaced = fn.block()
    this.#resume = fn.block()
    fn.set(this.#budget, this.field32(this.common.budget))
    fn.set(this.#target, this.field64(this.common.pc))
    // Begin at a record that stands for "look pc up" or "run it out of line": the head is then the only loop's entry.
    const first = fn.op(Op.i32Add, fn.i32(START_RECORDS), fn.op(Op.i32Mul, fn.get(1), fn.i32(RECORD.bytes)))
    fn.set(this.#record, first)
    fn.set(this.#pageRecords, fn.get(this.#record))
    fn.set(this.#pageAddress, fn.get(this.#target))
    fn.jump(this.#head)

    this.#emitLookup()
    this.#emitArrive()
    this.#emitOutOfLine()
    this.#emitReplaced()
    const handlers: Block[] = []
    handlers[Handler.decode] = this.#special(() => {
      this.publish()
      fn.effect(fn.call(this.#calls.decode, [fn.get(0), fn.get(this.#record)]))
      fn.jump(this.#head)
    })
    handlers[Handler.outOfLine] = this.#special(() => this.#emitCrossing())
    handlers[Handler.enter] = this.#special(() => this.#emitEnter(regionType))
    handlers[Handler.leavePage] = this.#special(() => {
      fn.set(this.#target, this.pc())
      fn.jump(this.#lookup)
    })
    handlers[Handler.breakpoint] = this.#special(() => {
      this.publish()
      fn.return(fn.i32(Exit.breakpoint))
    })
    handlers[Handler.illegal] = this.#handler(() => illegal(machine, FIELDS), 4)
    rows.forEach((row, i) => {
      for (const length of [4, 2] as const) {
        const at = handlerOf(i, length)
        handlers[at] =
          length === 2 && row.encoding.lengthBits === 32 && !hasShortForm(i)
            ? (handlers[Handler.illegal] as Block)
            : this.#handler(() => row.semantics(machine, FIELDS), length)
      }
    })
    fn.at(this.#head)
    fn.set(this.#budget, fn.op(Op.i32Sub, fn.get(this.#budget), fn.i32(1)))
    fn.if(fn.op(Op.i32LtS, fn.get(this.#budget), fn.i32(0)), 'unlikely')
    this.exit(fn.i32(0), fn.i32(Exit.budget))
    fn.end()
    const handler = fn.load(Op.i32Load16U, fn.get(this.#record), RECORD.handler)
    fn.switch(handler, handlers, handlers[Handler.illegal] as Block)
  }

  /** A handler that retires nothing: the head has counted it, so it counts back. */
  #special(body: () => void): Block {
    const block = this.fn.block()
    this.fn.at(block)
    this.fn.set(this.#budget, this.fn.op(Op.i32Add, this.fn.get(this.#budget), this.fn.i32(1)))
    body()
    return block
  }
  #handler(semantics: () => void, length: 2 | 4): Block {
    const fn = this.fn
    const block = fn.block()
    fn.at(block)
    this.#length = length
    semantics()
    if (!fn.closed) {
      fn.set(this.#record, fn.op(Op.i32Add, fn.get(this.#record), fn.i32(length << RECORD_SHIFT)))
      fn.jump(this.#head)
    }
    return block
  }

  #emitLookup(): void {
    const fn = this.fn
    fn.at(this.#lookup)
    this.#findRecord()
    fn.jump(this.#arrive)
    // A jump to a computed address says so where it lands: a region that has such a jump takes the place in.
    fn.at(this.#computed)
    this.#findRecord()
    const heat = fn.load(Op.i32Load16U, fn.get(this.#record), RECORD.heat)
    fn.store(Op.i32Store16, fn.get(this.#record), fn.op(Op.i32Or, heat, fn.i32(COMPUTED)), RECORD.heat)
    fn.jump(this.#arrive)
  }
  /** Finds the record of `target`, or asks the host for its page. */
  #findRecord(): void {
    const fn = this.fn
    const index = fn.op(Op.i32ShrU, fn.op(Op.i32WrapI64, fn.get(this.#target)), fn.i32(INDEX_SHIFT))
    const entry = fn.let(fn.op(Op.i32Add, fn.get(this.context), fn.op(Op.i32And, index, fn.i32(FETCH_MASK))))
    fn.set(this.#pageAddress, fn.op(Op.i64And, fn.get(this.#target), fn.i64(-4096)))
    fn.if(missesTag(fn, fn.load(Op.i64Load, fn.get(entry), FETCH), fn.get(this.#target), 1), 'unlikely')
    fn.if(fn.op(Op.i32Eqz, fn.call(this.#calls.fetch, [fn.get(0), fn.get(this.#target)])), 'unlikely')
    this.setField64(this.common.pc, fn.get(this.#target))
    this.setField32(this.common.budget, fn.get(this.#budget))
    fn.return(fn.i32(Exit.fetch))
    fn.end()
    fn.end()
    fn.set(this.#pageRecords, fn.load(Op.i32Load, fn.get(entry), FETCH + ENTRY_VALUE))
    fn.set(this.#pageBytes, fn.i32(PAGE_RECORD_BYTES))
    const offset = fn.op(Op.i32And, fn.op(Op.i32WrapI64, fn.get(this.#target)), fn.i32(0xffe))
    fn.set(this.#record, fn.op(Op.i32Add, fn.get(this.#pageRecords), fn.op(Op.i32Shl, offset, fn.i32(RECORD_SHIFT))))
  }

  /** A jump has landed: count it, so that hot code gets translated. */
  #emitArrive(): void {
    const fn = this.fn
    fn.at(this.#arrive)
    const heat = fn.let(fn.op(Op.i32Add, fn.load(Op.i32Load16U, fn.get(this.#record), RECORD.heat), fn.i32(1)))
    fn.store(Op.i32Store16, fn.get(this.#record), fn.get(heat), RECORD.heat)
    if (this.#heatLimit > 0) {
      const arrivals = fn.op(Op.i32And, fn.get(heat), fn.i32(HEAT_MASK))
      fn.if(fn.op(Op.i32Eq, arrivals, fn.i32(this.#heatLimit)), 'unlikely')
      fn.effect(fn.call(this.#calls.hot, [fn.get(0), fn.get(this.#record)]))
      fn.end()
    }
    fn.jump(this.#head)
  }

  /** An instruction that goes on in the next page: kept after the page's records while that page is the same. */
  #emitCrossing(): void {
    const fn = this.fn
    fn.set(this.#target, this.pc())
    const next = fn.let(fn.op(Op.i64Add, fn.get(this.#pageAddress), fn.i64(PAGE_BYTES)))
    const index = fn.op(Op.i32WrapI64, fn.op(Op.i64ShrU, fn.get(next), fn.i64(INDEX_SHIFT)))
    const entry = fn.let(fn.op(Op.i32Add, fn.get(this.context), fn.op(Op.i32And, index, fn.i32(FETCH_MASK))))
    const mapped = fn.op(Op.i32Eqz, missesTag(fn, fn.load(Op.i64Load, fn.get(entry), FETCH), fn.get(next), 1))
    const into = fn.load(Op.i32Load, fn.get(this.#pageRecords), PAGE_RECORD_BYTES + PAGE_TAIL.crossesInto)
    const same = fn.op(Op.i32Eq, fn.load(Op.i32Load, fn.get(entry), FETCH + ENTRY_VALUE), into)
    // At the start, and out of line, there is no page around the record.
    const inPage = fn.op(Op.i32Ne, fn.get(this.#pageBytes), fn.i32(0))
    const kept = fn.block()
    fn.branch(fn.op(Op.i32And, fn.op(Op.i32And, mapped, same), inPage), kept, this.#goOutOfLine)
    fn.at(kept)
    fn.set(this.#record, fn.op(Op.i32Add, fn.get(this.#pageRecords), fn.i32(PAGE_RECORD_BYTES + PAGE_TAIL.crossing)))
    this.#runOutside()
  }
  /** Goes on at a record outside the page's, as if it were the one of `target`. */
  #runOutside(): void {
    const fn = this.fn
    fn.set(this.#pageAddress, fn.op(Op.i64And, fn.get(this.#target), fn.i64(-4096)))
    const offset = fn.op(Op.i32And, fn.op(Op.i32WrapI64, fn.get(this.#target)), fn.i32(0xffe))
    fn.set(this.#pageRecords, fn.op(Op.i32Sub, fn.get(this.#record), fn.op(Op.i32Shl, offset, fn.i32(RECORD_SHIFT))))
    // No jump lands inside this "page".
    fn.set(this.#pageBytes, fn.i32(0))
    fn.jump(this.#head)
  }
  /** Runs the instruction at `target` from the state's own records, placed so that addresses come out right. */
  #emitOutOfLine(): void {
    const fn = this.fn
    fn.at(this.#goOutOfLine)
    this.setField64(this.common.pc, fn.get(this.#target))
    fn.if(fn.call(this.#calls.outOfLine, [fn.get(0)]), 'unlikely')
    this.setField32(this.common.budget, fn.get(this.#budget))
    fn.return(fn.i32(Exit.exception))
    fn.end()
    fn.set(this.#record, fn.op(Op.i32Add, fn.get(0), fn.i32(this.common.outOfLine)))
    this.#runOutside()
  }
  /** Runs the instruction that a region starts with, whose record says "enter", by what was kept of it. */
  #emitReplaced(): void {
    const fn = this.fn
    fn.at(this.#goReplaced)
    this.#findRecord()
    const entered = fn.load(Op.i32Load16U, fn.get(this.#record), RECORD.handler)
    const [known, unknown] = [fn.block(), this.#goOutOfLine]
    fn.branch(fn.op(Op.i32Eq, entered, fn.i32(Handler.enter)), known, unknown)
    fn.at(known)
    const slot = fn.load(Op.i32Load, fn.get(this.#record), RECORD.imm)
    const kept = fn.let(fn.op(Op.i32Add, fn.i32(this.#replaced), fn.op(Op.i32Shl, slot, fn.i32(REPLACED_SHIFT))))
    const place = fn.let(fn.op(Op.i32Add, fn.get(0), fn.i32(this.common.outOfLine)))
    for (const half of [0, 8]) {
      fn.store(Op.i64Store, fn.get(place), fn.load(Op.i64Load, fn.get(this.#record), half), half)
    }
    fn.store(Op.i32Store16, fn.get(place), fn.load(Op.i32Load, fn.get(kept)), RECORD.handler)
    fn.store(Op.i32Store, fn.get(place), fn.load(Op.i32Load, fn.get(kept), 4), RECORD.imm)
    fn.set(this.#record, fn.get(place))
    this.#runOutside()
  }

  #emitEnter(regionType: number): void {
    const fn = this.fn
    this.publish()
    const slot = fn.load(Op.i32Load, fn.get(this.#record), RECORD.imm)
    const args = [fn.get(0), fn.get(this.#record), fn.i32(0)]
    const exit = fn.let(fn.callIndirect(regionType, REGION_TYPE, 0, slot, args))
    fn.set(this.#budget, this.field32(this.common.budget))
    fn.set(this.#target, this.field64(this.common.pc))
    const ended = fn.block()
    fn.branch(fn.op(Op.i32Eqz, fn.get(exit)), this.#lookup, ended)
    fn.at(ended)
    const long = fn.block()
    const over = fn.block()
    fn.branch(fn.op(Op.i32Eq, fn.get(exit), fn.i32(Exit.short)), this.#goReplaced, long)
    fn.at(long)
    fn.branch(fn.op(Op.i32Eq, fn.get(exit), fn.i32(Exit.resume)), this.#resume, over)
    this.#emitResume()
    fn.at(over)
    fn.return(fn.get(exit))
  }

  /** Runs the instruction at `target`, which translated code has given up on, by its own record or out of line. */
  #emitResume(): void {
    const fn = this.fn
    fn.at(this.#resume)
    this.#findRecord()
    const failures = fn.op(Op.i32Add, fn.load(Op.i32Load16U, fn.get(this.#record), RECORD.heat), fn.i32(1))
    const count = fn.let(fn.op(Op.i32And, failures, fn.i32(0xffff)))
    fn.store(Op.i32Store16, fn.get(this.#record), fn.get(count), RECORD.heat)
    fn.if(fn.op(Op.i32Eqz, fn.op(Op.i32And, fn.get(count), fn.i32(RESUMES - 1))), 'unlikely')
    fn.effect(fn.call(this.#calls.unsuited, [fn.get(0), fn.get(this.#record)]))
    fn.end()
    const entered = fn.op(Op.i32Eq, fn.load(Op.i32Load16U, fn.get(this.#record), RECORD.handler), fn.i32(Handler.enter))
    fn.branch(entered, this.#goReplaced, this.#head)
  }

  read(file: RegisterFile, register: Operand): Node {
    return this.fn.load(Op.i64Load, this.#register(register), file.offset)
  }
  write(file: RegisterFile, register: Operand, value: Node): void {
    this.fn.store(Op.i64Store, this.#register(register), value, file.offset)
  }
  #register(field: Operand): Node {
    const fn = this.fn
    return fn.op(Op.i32Add, fn.get(0), fn.load(Op.i32Load16U, fn.get(this.#record), field))
  }
  imm(operand: Operand): Node {
    return this.fn.load(Op.i64Load32S, this.fn.get(this.#record), operand)
  }
  imm32(operand: Operand): Node {
    return this.fn.load(Op.i32Load, this.fn.get(this.#record), operand)
  }
  small(operand: Operand): Node {
    return this.fn.load(Op.i64Load16U, this.fn.get(this.#record), operand)
  }
  pc(): Node {
    return this.#addressOf(this.#record, 0)
  }
  nextPc(): Node {
    return this.#addressOf(this.#record, this.#length)
  }
  #addressOf(record: Local, plus: number): Node {
    const fn = this.fn
    const distance = fn.op(Op.i32Sub, fn.get(record), fn.get(this.#pageRecords))
    const bytes = fn.op(Op.i64ExtendI32S, fn.op(Op.i32ShrS, distance, fn.i32(RECORD_SHIFT)))
    const address = fn.op(Op.i64Add, fn.get(this.#pageAddress), bytes)
    return plus === 0 ? address : fn.op(Op.i64Add, address, fn.i64(plus))
  }

  branch(cond: Node, offset: Operand): void {
    const fn = this.fn
    const taken = fn.block()
    const next = fn.block()
    fn.branch(cond, taken, next)
    fn.at(next)
    fn.set(this.#record, fn.op(Op.i32Add, fn.get(this.#record), fn.i32(this.#length << RECORD_SHIFT)))
    fn.jump(this.#head)
    fn.at(taken)
    this.jump(offset)
  }
  jump(offset: Operand): void {
    const fn = this.fn
    const step = fn.op(Op.i32Shl, this.imm32(offset), fn.i32(RECORD_SHIFT))
    fn.set(this.#targetRecord, fn.op(Op.i32Add, fn.get(this.#record), step))
    const inPage = fn.op(
      Op.i32LtU,
      fn.op(Op.i32Sub, fn.get(this.#targetRecord), fn.get(this.#pageRecords)),
      fn.get(this.#pageBytes),
    )
    const near = fn.block()
    const far = fn.block()
    fn.branch(inPage, near, far)
    fn.at(far)
    fn.set(this.#target, this.#addressOf(this.#targetRecord, 0))
    fn.jump(this.#lookup)
    fn.at(near)
    fn.set(this.#record, fn.get(this.#targetRecord))
    fn.jump(this.#arrive)
  }
  jumpTo(target: Node): void {
    this.fn.set(this.#target, target)
    this.fn.jump(this.#computed)
  }
  once(_key: string, check: () => void): void {
    check()
  }
  known(): number | undefined {
    return undefined
  }

  protected exit(completed: Node, exit: Node): void {
    const fn = this.fn
    fn.set(this.#done, completed)
    const advance = fn.op(Op.i32Mul, fn.get(this.#done), fn.i32(this.#length))
    this.setField64(this.common.pc, fn.op(Op.i64Add, this.pc(), fn.op(Op.i64ExtendI32U, advance)))
    const refund = fn.op(Op.i32Sub, fn.i32(1), fn.get(this.#done))
    this.setField32(this.common.budget, fn.op(Op.i32Add, fn.get(this.#budget), refund))
    fn.return(exit)
  }
  protected publish(): void {
    this.setField64(this.common.pc, this.pc())
    this.setField32(this.common.budget, this.fn.get(this.#budget))
  }
  protected exitAsStored(exit: Node): void {
    this.fn.return(exit)
  }
}
