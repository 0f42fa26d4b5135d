import type { Emitter, Operand } from '@doppel/engine'
import { type Local, type Node, Op } from '@doppel/wasm'
import { Cause } from './causes.ts'
import { hasFusedMultiplyAdd } from './float-fused.ts'
import { assumeUsualRounding, QUICK_FLOAT } from './float-quick.ts'
import { STATE } from './state.ts'

/** mstatus.FS values (Priv. §3.1.6.6). */
const FS_OFF = 0
const FS_DIRTY = 3
const DYNAMIC_ROUNDING = 7
const LAST_ROUNDING_MODE = 4

/** Reads an already evaluated value, as often as wanted. */
export type Value = () => Node

/**
 * The machine that instruction rows are written against: RISC-V's registers over the engine's emitter. A node is used
 * once; what is needed twice goes through `let`. Registers are read before any is written.
 */
export class RiscvMachine {
  readonly emitter: Emitter

  constructor(emitter: Emitter) {
    this.emitter = emitter
  }

  // Registers and operands

  x(register: Operand): Node {
    return this.emitter.read(STATE.files.x, register)
  }
  setX(register: Operand, value: Node): void {
    this.emitter.write(STATE.files.x, register, value)
  }
  /** A floating-point register's 64 bits. */
  f(register: Operand): Node {
    return this.emitter.read(STATE.files.f, register)
  }
  setF(register: Operand, bits: Node): void {
    this.emitter.once('fs dirty', () => this.emitter.setField32(STATE.fields.fs, this.i32(FS_DIRTY)))
    this.emitter.write(STATE.files.f, register, bits)
  }
  /** A NaN-boxed single; anything not boxed counts as the canonical NaN (Unpriv. §"NaN Boxing"). */
  f32(register: Operand): Node {
    const bits = this.let(this.f(register))
    const boxed = this.op(Op.i64Eq, this.op(Op.i64ShrU, bits(), this.c(32)), this.emitter.fn.i64(-1, 0))
    return this.select(boxed, this.op(Op.i64And, bits(), this.emitter.fn.i64(-1, 0)), this.c(0x7fc00000))
  }
  /** Writes a single, NaN-boxed. */
  setF32(register: Operand, bits: Node): void {
    this.setF(register, this.op(Op.i64Or, bits, this.emitter.fn.i64(0, -1)))
  }
  imm(operand: Operand): Node {
    return this.emitter.imm(operand)
  }
  /** The address `rs1 + imm`. */
  address(base: Operand, offset: Operand): Node {
    return this.add(this.x(base), this.imm(offset))
  }

  // Values

  c(value: number): Node {
    return this.emitter.fn.i64(value)
  }
  i32(value: number): Node {
    return this.emitter.fn.i32(value)
  }
  op(code: number, a?: Node, b?: Node, c?: Node): Node {
    return this.emitter.fn.op(code, a, b, c)
  }
  let(node: Node): Value {
    const local: Local = this.emitter.fn.let(node)
    return () => this.emitter.fn.get(local)
  }
  select(cond: Node, ifTrue: Node, ifFalse: Node): Node {
    return this.emitter.fn.select(cond, ifTrue, ifFalse)
  }
  add(a: Node, b: Node): Node {
    return this.op(Op.i64Add, a, b)
  }
  /** An i32 as 64 bits: a 32-bit result sign-extended, as RV64 keeps words; or a truth value. */
  signed(word: Node): Node {
    return this.op(Op.i64ExtendI32S, word)
  }
  unsigned(word: Node): Node {
    return this.op(Op.i64ExtendI32U, word)
  }
  /** The low 32 bits. */
  word(value: Node): Node {
    return this.op(Op.i32WrapI64, value)
  }

  // Memory

  load(op: number, bytes: number, address: Node): Node {
    return this.emitter.load(op, bytes, address)
  }
  store(op: number, bytes: number, address: Node, value: Node): void {
    this.emitter.store(op, bytes, address, value)
  }
  atomicAddress(bytes: number, address: Node): Value {
    const local = this.emitter.atomicAddress(bytes, address)
    return () => this.emitter.fn.get(local)
  }

  // Control

  pc(): Node {
    return this.emitter.pc()
  }
  nextPc(): Node {
    return this.emitter.nextPc()
  }
  branch(cond: Node, offset: Operand): void {
    this.emitter.branch(cond, offset)
  }
  jump(offset: Operand): void {
    this.emitter.jump(offset)
  }
  jumpTo(target: Node, isReturn: boolean): void {
    this.emitter.jumpTo(target, isReturn)
  }
  trapIf(cond: Node, cause: number, tval: () => Node): void {
    this.emitter.trapIf(cond, cause, tval)
  }

  // Floating point

  /** Floating-point instructions are illegal while mstatus.FS is Off. The host finds the instruction bits for tval. */
  needFloat(): void {
    this.emitter.once('fs on', () =>
      this.trapIf(
        this.op(Op.i32Eq, this.emitter.field32(STATE.fields.fs), this.i32(FS_OFF)),
        Cause.illegalInstruction,
        () => this.c(0),
      ),
    )
  }
  /** The rounding mode in force for an instruction's rm field, 0 to 4; a reserved one is an illegal instruction. */
  rounding(rm: Operand): Node {
    const fixed = this.emitter.known(rm)
    if (fixed !== undefined && fixed !== DYNAMIC_ROUNDING) return this.i32(fixed)
    const frm = this.let(this.emitter.field32(STATE.fields.frm))
    const dynamic = (): Node => this.op(Op.i32Eq, this.emitter.imm32(rm), this.i32(DYNAMIC_ROUNDING))
    const reserved = this.op(Op.i32GtU, frm(), this.i32(LAST_ROUNDING_MODE))
    const trap = fixed === undefined ? this.op(Op.i32And, reserved, dynamic()) : reserved
    this.trapIf(trap, Cause.illegalInstruction, () => this.c(0))
    return fixed === undefined ? this.select(dynamic(), frm(), this.emitter.imm32(rm)) : frm()
  }
  /** A floating-point function of operands and rm field: inline where that may be, else by a call. */
  rounded(name: string, rm: Operand, operands: () => readonly Node[]): Node {
    const mode = this.emitter.known(rm)
    const quick = this.#quick(name)
    if (quick && (mode === 0 || mode === DYNAMIC_ROUNDING)) {
      assumeUsualRounding(this)
      return quick(this, operands())
    }
    const rounding = this.let(this.rounding(rm))
    return this.float(name, ...operands(), rounding())
  }
  /** A floating-point function that rounds nothing. */
  unrounded(name: string, ...operands: readonly Node[]): Node {
    return this.#quick(name)?.(this, operands) ?? this.float(name, ...operands, this.i32(0))
  }
  #quick(name: string): ((m: RiscvMachine, operands: readonly Node[]) => Node) | undefined {
    if (!this.emitter.assumes || (name === 'f64.fma' && !hasFusedMultiplyAdd())) return undefined
    return QUICK_FLOAT[name]
  }
  /** Calls a floating-point function; it accrues flags in fflags by itself. */
  float(name: string, ...args: readonly Node[]): Node {
    return this.emitter.runtime(name, [this.emitter.fn.get(this.emitter.state), ...args])
  }
}
