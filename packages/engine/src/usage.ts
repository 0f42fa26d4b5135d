import { Arena, type FunctionBuilder, I32, type Local, ModuleBuilder, type Node, Op } from '@doppel/wasm'
import { Emitter, type HostCalls } from './emitter.ts'
import type { Decoded, InstructionRow, Operand, Operands } from './insn.ts'
import type { CommonState, RegisterFile } from './layout.ts'
import { type Spread, spreadOf } from './spread.ts'

/** The operand slots that can name a register. */
export type RegisterSlot = 'rd' | 'rs1' | 'rs2' | 'rs3'

/** The register in a slot; by name, since a computed key would be looked up each time. */
export function registerIn(decoded: Decoded, slot: RegisterSlot): number {
  switch (slot) {
    case 'rd':
      return decoded.rd
    case 'rs1':
      return decoded.rs1
    case 'rs2':
      return decoded.rs2
    case 'rs3':
      return decoded.rs3
  }
}

/** An access of `bytes` at the register in `slot` plus the immediate. */
export interface BaseAccess {
  readonly slot: RegisterSlot
  readonly file: RegisterFile
  readonly bytes: number
  readonly store: boolean
}

/** How an instruction's meaning touches registers and control flow, found by running its semantics once. */
export interface Usage {
  readonly reads: readonly { readonly slot: RegisterSlot; readonly file: RegisterFile }[]
  readonly writes: readonly { readonly slot: RegisterSlot; readonly file: RegisterFile }[]
  /** How it ends: goes on, jumps by a constant (perhaps conditionally), or jumps to a computed address. */
  readonly flow: 'next' | 'branch' | 'jump' | 'indirect' | 'stop'
  /** It may leave in the middle, so registers must be storable at it. */
  readonly mayExit: boolean
  /** How it accesses memory, if it does. */
  readonly memory: 'load' | 'store' | 'atomic' | undefined
  /** Its access when that is at a register plus an immediate. */
  readonly access: BaseAccess | undefined
  /** How what it writes moves from round to round of a loop, where that is known. */
  readonly spread: Spread | undefined
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
  memory: Usage['memory']
  operands = new Set<keyof Operands>()
  access: BaseAccess | undefined
  spread: Spread | undefined
  readonly #registerNodes = new Map<Node, { slot: RegisterSlot; file: RegisterFile }>()
  readonly #immediates = new Set<Node>()

  start(fn: FunctionBuilder): void {
    this.reads = []
    this.writes = []
    this.flow = 'next'
    this.mayExit = false
    this.memory = undefined
    this.operands = new Set()
    this.access = undefined
    this.spread = undefined
    this.#registerNodes.clear()
    this.#immediates.clear()
    this.begin(fn)
  }
  /** The register of a node that is register plus immediate. */
  #baseOf(node: Node): { slot: RegisterSlot; file: RegisterFile } | undefined {
    const { op, first, operands } = this.fn.arena
    if (op[node] !== Op.i64Add) return undefined
    const at = first[node] as number
    return this.#immediates.has(operands[at + 1] as Node) ? this.#registerNodes.get(operands[at] as Node) : undefined
  }
  #access(address: Node, bytes: number, store: boolean): void {
    const base = this.#baseOf(address)
    if (base) this.access = { ...base, bytes, store }
  }
  #use(operand: Operand): void {
    this.operands.add(SLOT_NAMES[operand] as keyof Operands)
  }
  read(file: RegisterFile, register: Operand): Node {
    this.#use(register)
    const slot = SLOT_NAMES[register] as RegisterSlot
    this.reads.push({ slot, file })
    const node = this.fn.i64(0)
    this.#registerNodes.set(node, { slot, file })
    return node
  }
  write(file: RegisterFile, register: Operand, value: Node): void {
    this.spread = spreadOf(
      this.fn.arena,
      {
        register: node => this.#registerNodes.get(node)?.slot,
        isImmediate: node => this.#immediates.has(node),
      },
      value,
    )
    this.#use(register)
    this.writes.push({ slot: SLOT_NAMES[register] as RegisterSlot, file })
  }
  imm(operand: Operand): Node {
    this.#use(operand)
    const node = this.fn.i64(0)
    this.#immediates.add(node)
    return node
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
    this.#access(address, bytes, false)
    return super.load(op, bytes, address)
  }
  override store(op: number, bytes: number, address: Node, value: Node): void {
    this.memory = 'store'
    this.#access(address, bytes, true)
    super.store(op, bytes, address, value)
  }
  override atomicAddress(bytes: number, address: Node): Local {
    this.memory = 'atomic'
    return super.atomicAddress(bytes, address)
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
  const emitter = new UsageEmitter(common, calls, 'alone')
  const machine = wrap(emitter)
  const module = new ModuleBuilder()
  const arena = new Arena()
  const probe = module.declare('probe', { kind: 'func', params: [I32], results: [] })
  return rows.map(row => {
    emitter.start(module.build(probe, arena))
    row.semantics(machine, SLOT_IDS)
    const { reads, writes, mayExit, memory, operands, access, spread } = emitter
    return {
      reads,
      writes,
      mayExit,
      memory,
      operands,
      access,
      spread,
      flow: emitter.fn.closed ? 'stop' : emitter.flow,
    }
  })
}
