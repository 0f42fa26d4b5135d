import { type FunctionBuilder, I32, ModuleBuilder, type Node } from '@doppel/wasm'
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
}

const SLOT_IDS: Readonly<Operands> = { rd: 0, rs1: 1, rs2: 2, rs3: 3, imm: 4, uimm: 5 }
const SLOT_NAMES: readonly RegisterSlot[] = ['rd', 'rs1', 'rs2', 'rs3']

class UsageEmitter extends Emitter {
  reads: { slot: RegisterSlot; file: RegisterFile }[] = []
  writes: { slot: RegisterSlot; file: RegisterFile }[] = []
  flow: Usage['flow'] = 'next'
  mayExit = false
  usesRuntime = false

  start(fn: FunctionBuilder): void {
    this.reads = []
    this.writes = []
    this.flow = 'next'
    this.mayExit = false
    this.usesRuntime = false
    this.begin(fn)
  }
  read(file: RegisterFile, register: Operand): Node {
    this.reads.push({ slot: SLOT_NAMES[register] as RegisterSlot, file })
    return this.fn.i64(0)
  }
  write(file: RegisterFile, register: Operand): void {
    this.writes.push({ slot: SLOT_NAMES[register] as RegisterSlot, file })
  }
  imm(): Node {
    return this.fn.i64(0)
  }
  small(): Node {
    return this.fn.i64(0)
  }
  imm32(): Node {
    return this.fn.i32(0)
  }
  pc(): Node {
    return this.fn.i64(0)
  }
  nextPc(): Node {
    return this.fn.i64(0)
  }
  branch(): void {
    this.flow = 'branch'
  }
  jump(): void {
    this.flow = 'jump'
  }
  jumpTo(): void {
    this.flow = 'indirect'
  }
  once(_key: string, check: () => void): void {
    check()
  }
  known(): number | undefined {
    return undefined
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
  const probe = module.declare('probe', { kind: 'func', params: [I32], results: [] })
  return rows.map(row => {
    emitter.start(module.build(probe))
    row.semantics(machine, SLOT_IDS)
    const { reads, writes, mayExit, usesRuntime } = emitter
    return { reads, writes, mayExit, usesRuntime, flow: emitter.fn.closed ? 'stop' : emitter.flow }
  })
}
