import { Arena, type FunctionBuilder, I32, type Local, ModuleBuilder, type Node } from '@doppel/wasm'
import { Emitter, type HostCalls } from './emitter.ts'
import type { InstructionRow, Operand, Operands } from './insn.ts'
import type { CommonState, RegisterFile } from './layout.ts'

/** The operand slots that can name a register. */
export type RegisterSlot = 'rd' | 'rs1' | 'rs2' | 'rs3'

/** How an instruction's meaning touches registers and control flow, found by running its semantics once. */
export interface Usage {
  readonly reads: readonly { readonly slot: RegisterSlot; readonly file: RegisterFile }[]
  readonly writes: readonly { readonly slot: RegisterSlot; readonly file: RegisterFile }[]
  /** How it ends: goes on, jumps by a constant (perhaps conditionally), or jumps to a computed address. */
  readonly flow: 'next' | 'branch' | 'jump' | 'indirect' | 'stop'
  /** It may leave in the middle, so registers must be storable at it. */
  readonly mayExit: boolean
  /** It calls the run-time module. */
  readonly usesRuntime: boolean
  /** How it accesses memory, if it does. */
  readonly memory: 'load' | 'store' | 'atomic' | undefined
  /** The operands that its meaning looks at. */
  readonly operands: ReadonlySet<keyof Operands>
}

const SLOT_IDS: Readonly<Operands> = { rd: 0, rs1: 1, rs2: 2, rs3: 3, imm: 4, uimm: 5 }
const SLOT_NAMES = ['rd', 'rs1', 'rs2', 'rs3', 'imm', 'uimm'] as const

class UsageEmitter extends Emitter {
  reads: { slot: RegisterSlot; file: RegisterFile }[] = []
  writes: { slot: RegisterSlot; file: RegisterFile }[] = []
  flow: Usage['flow'] = 'next'
  mayExit = false
  usesRuntime = false
  memory: Usage['memory']
  operands = new Set<keyof Operands>()

  start(fn: FunctionBuilder): void {
    this.reads = []
    this.writes = []
    this.flow = 'next'
    this.mayExit = false
    this.usesRuntime = false
    this.memory = undefined
    this.operands = new Set()
    this.begin(fn)
  }
  #use(operand: Operand): void {
    this.operands.add(SLOT_NAMES[operand] as keyof Operands)
  }
  read(file: RegisterFile, register: Operand): Node {
    this.#use(register)
    this.reads.push({ slot: SLOT_NAMES[register] as RegisterSlot, file })
    return this.fn.i64(0)
  }
  write(file: RegisterFile, register: Operand): void {
    this.#use(register)
    this.writes.push({ slot: SLOT_NAMES[register] as RegisterSlot, file })
  }
  imm(operand: Operand): Node {
    this.#use(operand)
    return this.fn.i64(0)
  }
  small(operand: Operand): Node {
    this.#use(operand)
    return this.fn.i64(0)
  }
  imm32(operand: Operand): Node {
    this.#use(operand)
    return this.fn.i32(0)
  }
  pc(): Node {
    return this.fn.i64(0)
  }
  nextPc(): Node {
    return this.fn.i64(0)
  }
  branch(_cond: Node, offset: Operand): void {
    this.#use(offset)
    this.flow = 'branch'
  }
  jump(offset: Operand): void {
    this.#use(offset)
    this.flow = 'jump'
  }
  jumpTo(): void {
    this.flow = 'indirect'
  }
  once(_key: string, check: () => void): void {
    check()
  }
  known(operand: Operand): number | undefined {
    this.#use(operand)
    return undefined
  }
  override load(op: number, bytes: number, address: Node): Node {
    this.memory = 'load'
    return super.load(op, bytes, address)
  }
  override store(op: number, bytes: number, address: Node, value: Node): void {
    this.memory = 'store'
    super.store(op, bytes, address, value)
  }
  override atomicAddress(bytes: number, address: Node): Local {
    this.memory = 'atomic'
    return super.atomicAddress(bytes, address)
  }
  override runtime(name: string, args: readonly Node[]): Node {
    this.usesRuntime = true
    return super.runtime(name, args)
  }
  protected exit(): void {
    this.mayExit = true
    this.fn.return()
  }
  protected publish(): void {
    this.mayExit = true
  }
  protected exitAsStored(): void {
    this.mayExit = true
    this.fn.return()
  }
}

/** Runs every row once and reports what it uses. `wrap` makes the instruction set's machine from an emitter. */
export function usageOf<M>(
  rows: readonly InstructionRow<M>[],
  common: CommonState,
  calls: HostCalls,
  wrap: (emitter: Emitter) => M,
): Usage[] {
  const emitter = new UsageEmitter(common, calls)
  const machine = wrap(emitter)
  const module = new ModuleBuilder()
  const arena = new Arena()
  const probe = module.declare('probe', { kind: 'func', params: [I32], results: [] })
  return rows.map(row => {
    emitter.start(module.build(probe, arena))
    row.semantics(machine, SLOT_IDS)
    const { reads, writes, mayExit, usesRuntime, memory, operands } = emitter
    return { reads, writes, mayExit, usesRuntime, memory, operands, flow: emitter.fn.closed ? 'stop' : emitter.flow }
  })
}
