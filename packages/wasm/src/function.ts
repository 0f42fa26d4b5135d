import { assert } from '@doppel/base'
import { Arena } from './arena.ts'
import { arityOf, nameOf, Op, operandsOf, resultOf } from './opcodes.ts'
import { F32, F64, type FunctionType, I32, I64, VOID, type ValueType } from './types.ts'

/** An expression in the function being built. Valid until the function is encoded; used at most once unless `let`. */
export type Node = number
/** A local variable, or parameter, by its index. */
export type Local = number
/** A basic block, by its number; 0 is the entry. */
export type Block = number

/** Whether a branch is taken as a rule; encoded as a branch hint (Branch Hinting proposal). */
export type Likelihood = 'likely' | 'unlikely' | undefined

/** Node and statement kinds that are not plain opcodes. */
export const Kind = {
  localGet: 0x1000,
  globalGet: 0x1001,
  call: 0x1002,
  callIndirect: 0x1003,
  select: 0x1004,
  localSet: 0x1010,
  globalSet: 0x1011,
  effect: 0x1012,
  if: 0x1013,
  else: 0x1014,
  end: 0x1015,
  return: 0x1016,
  returnCall: 0x1017,
  returnCallIndirect: 0x1018,
  unreachable: 0x1019,
  mark: 0x101a,
  leave: 0x101b,
  leaveIf: 0x101c,
} as const

/** How a block ends. */
export type Terminator =
  | { readonly kind: 'jump'; readonly to: Block }
  | {
      readonly kind: 'branch'
      readonly cond: Node
      readonly taken: Block
      readonly otherwise: Block
      readonly hint: Likelihood
    }
  | { readonly kind: 'switch'; readonly index: Node; readonly targets: readonly Block[]; readonly fallback: Block }
  | { readonly kind: 'end' }

/** Where exceptions with `tag` that a block's statements throw go; the payload is put in local `into`. */
export interface Guard {
  readonly target: Block
  readonly tag: number
  readonly into: Local
}

interface BlockState {
  first: number
  last: number
  terminator: Terminator | undefined
  guard?: Guard
}

const HINT_CODE = { likely: 2, unlikely: 1 } as const

/**
 * One function under construction: a control-flow graph of blocks, each a list of statements over expression trees.
 * Expressions are evaluated where the statement that uses them stands, operands left to right.
 */
export class FunctionBuilder {
  readonly name: string
  readonly type: FunctionType
  readonly index: number
  readonly arena: Arena
  /** Types of the locals after the parameters. */
  readonly locals: ValueType[] = []
  readonly blocks: BlockState[] = []
  /** Pairs of code offset and position, in order, filled when the function is encoded. */
  readonly marks: number[] = []
  /** Blocks made by `cold`, in order. */
  readonly coldBlocks: Block[] = []
  /** Locals made by `let` that may be given out again, by type, and those in use. */
  readonly #spare = new Map<ValueType, Local[]>()
  readonly #lent: Local[] = []
  #current: Block = 0
  #openIfs = 0

  constructor(name: string, type: FunctionType, index: number, arena: Arena = new Arena()) {
    this.name = name
    this.type = type
    this.index = index
    this.arena = arena
    arena.reset()
    this.block()
  }

  // Expressions

  i32(value: number): Node {
    return this.arena.node(Op.i32Const, I32, 0, value | 0, 0)
  }
  /** The sign-extended 32-bit `low`, or the 64-bit value `high:low` when both are given. */
  i64(low: number, high: number = low >> 31): Node {
    return this.arena.node(Op.i64Const, I64, 0, low | 0, high | 0)
  }
  /** The double whose bits are `high:low`. */
  f64Bits(low: number, high: number): Node {
    return this.arena.node(Op.f64Const, F64, 0, low, high)
  }
  /** The type of a local or parameter. */
  localType(local: Local): ValueType {
    const params = this.type.params
    return (local < params.length ? params[local] : this.locals[local - params.length]) as ValueType
  }
  /** The float whose bits these are. */
  f32Bits(bits: number): Node {
    return this.arena.node(Op.f32Const, F32, 0, bits, 0)
  }
  get(local: Local): Node {
    return this.arena.node(Kind.localGet, this.localType(local), 0, local, 0)
  }
  /** The plain instruction `op` on its operands. Memory instructions take `imm0` as offset, lanes as lane. */
  op(op: number, a?: Node, b?: Node, c?: Node, imm0 = 0, imm1 = 0): Node {
    const arity = arityOf[op] as number
    const arena = this.arena
    if (op === Op.f64ReinterpretI64 || op === Op.i64ReinterpretF64) {
      const plain = this.#unreinterpreted(op, a as Node)
      if (plain !== undefined) return plain
    }
    const id = arena.node(op, resultOf[op] as number, arity, imm0, imm1)
    const first = arena.first[id] as number
    if (arity > 0) this.#operand(op, first, 0, a)
    if (arity > 1) this.#operand(op, first, 1, b)
    if (arity > 2) this.#operand(op, first, 2, c)
    return id
  }
  /** What reinterpreting a node as a double, or back, comes to when it was reinterpreted or is only now loaded. */
  #unreinterpreted(op: number, node: Node): Node | undefined {
    const arena = this.arena
    const inverse = op === Op.f64ReinterpretI64 ? Op.i64ReinterpretF64 : Op.f64ReinterpretI64
    if (arena.op[node] === inverse) return arena.operands[arena.first[node] as number]
    if (op !== Op.f64ReinterpretI64 || arena.op[node] !== Op.i64Load) return undefined
    arena.op[node] = Op.f64Load
    arena.type[node] = F64
    return node
  }
  #operand(op: number, first: number, place: number, node: Node | undefined): void {
    const wanted = ((operandsOf[op] as number) >>> (8 * place)) & 255
    const got = this.arena.type[node ?? 0] as number
    // The message is made only when it is wanted: this runs for every operand of everything translated.
    if (node === undefined || got !== wanted) {
      assert(false, `operand ${place} of ${nameOf[op]} has type ${got}, not ${wanted}`)
    }
    this.arena.operands[first + place] = node
  }
  load(op: number, address: Node, offset = 0): Node {
    return this.op(op, address, undefined, undefined, offset)
  }
  select(cond: Node, ifTrue: Node, ifFalse: Node): Node {
    return this.#list(Kind.select, this.arena.type[ifTrue] as number, [ifTrue, ifFalse, cond], 0, 0)
  }
  call(callee: { readonly index: number; readonly type: FunctionType }, args: readonly Node[]): Node {
    return this.#list(Kind.call, callee.type.results[0] ?? VOID, args, callee.index, 0)
  }
  callIndirect(typeIndex: number, type: FunctionType, table: number, index: Node, args: readonly Node[]): Node {
    return this.#list(Kind.callIndirect, type.results[0] ?? VOID, [...args, index], typeIndex, table)
  }
  globalGet(index: number, type: ValueType): Node {
    return this.arena.node(Kind.globalGet, type, 0, index, 0)
  }
  /** A node of a kind defined elsewhere (see gc.ts), with its result type, operands and immediates. */
  node(kind: number, type: ValueType, operands: readonly Node[], imm0 = 0, imm1 = 0): Node {
    return this.#list(kind, type, operands, imm0, imm1)
  }
  #list(kind: number, type: number, operands: readonly Node[], imm0: number, imm1: number): Node {
    const arena = this.arena
    const id = arena.node(kind, type, operands.length, imm0, imm1)
    const first = arena.first[id] as number
    for (let i = 0; i < operands.length; i++) arena.operands[first + i] = operands[i] as number
    return id
  }

  // Statements, appended to the current block

  local(type: ValueType): Local {
    this.locals.push(type)
    return this.type.params.length + this.locals.length - 1
  }
  set(local: Local, value: Node): void {
    this.#append(this.#list(Kind.localSet, VOID, [value], local, 0))
  }
  globalSet(index: number, value: Node): void {
    this.#append(this.#list(Kind.globalSet, VOID, [value], index, 0))
  }
  /** Evaluates now, once, into a local of its own; the result may be read with `get` as often as wanted. */
  let(value: Node): Local {
    const type = this.arena.type[value] as number
    const local = this.#spare.get(type)?.pop() ?? this.local(type)
    this.#lent.push(local)
    this.set(local, value)
    return local
  }
  /** Says that nothing made by `let` so far will be read again, so that the locals serve once more. */
  endLets(): void {
    for (const local of this.#lent) {
      const type = this.localType(local)
      const spare = this.#spare.get(type)
      if (spare) spare.push(local)
      else this.#spare.set(type, [local])
    }
    this.#lent.length = 0
  }
  store(op: number, address: Node, value: Node, offset = 0): void {
    if (op === Op.i64Store && this.arena.op[value] === Op.i64ReinterpretF64) {
      return this.store(Op.f64Store, address, this.op(Op.f64ReinterpretI64, value), offset)
    }
    this.#append(this.op(op, address, value, undefined, offset))
  }
  /** Notes that the code from here on stands for `position` of the source; `ModuleBuilder.marks` tells where it went. */
  mark(position: number): void {
    this.#append(this.arena.node(Kind.mark, VOID, 0, position, 0))
  }
  /** Evaluates for its effect; a result is dropped. */
  effect(node: Node): void {
    this.#append(this.#list(Kind.effect, VOID, [node], 0, 0))
  }
  /** Opens a structured `if` inside the current block; `else` and `end` follow. */
  if(cond: Node, hint?: Likelihood): void {
    this.#openIfs++
    this.#append(this.#list(Kind.if, VOID, [cond], hint ? HINT_CODE[hint] : 0, 0))
  }
  else(): void {
    this.#append(this.arena.node(Kind.else, VOID, 0, 0, 0))
  }
  end(): void {
    this.#openIfs--
    this.#append(this.arena.node(Kind.end, VOID, 0, 0, 0))
  }
  /** Returns; outside an `if` it also ends the block. So do the two tail calls and `unreachable`. */
  return(...values: Node[]): void {
    this.#leave(this.#list(Kind.return, VOID, values, 0, 0))
  }
  returnCall(callee: { readonly index: number }, args: readonly Node[]): void {
    this.#leave(this.#list(Kind.returnCall, VOID, args, callee.index, 0))
  }
  returnCallIndirect(typeIndex: number, table: number, index: Node, args: readonly Node[]): void {
    this.#leave(this.#list(Kind.returnCallIndirect, VOID, [...args, index], typeIndex, table))
  }
  /** Goes to a cold block, if `cond` holds, from anywhere: also from inside an `if`, and from a cold block made later. */
  leaveIf(cond: Node, to: Block, hint?: Likelihood): void {
    this.#append(this.#list(Kind.leaveIf, VOID, [cond], hint ? HINT_CODE[hint] : 0, this.coldBlocks.indexOf(to)))
  }
  /** Goes to a cold block; outside an `if` it also ends the block. */
  leave(to: Block): void {
    this.#leave(this.arena.node(Kind.leave, VOID, 0, 0, this.coldBlocks.indexOf(to)))
  }
  unreachable(): void {
    this.#leave(this.arena.node(Kind.unreachable, VOID, 0, 0, 0))
  }

  // Control flow

  /** A new empty block. Block 0 is the entry. */
  block(): Block {
    this.blocks.push({ first: 0, last: 0, terminator: undefined })
    return this.blocks.length - 1
  }
  /**
   * A new block outside the control-flow graph, for what seldom happens: reached by `leave` and `leaveIf`, placed after
   * everything else. One that does not end goes on with the cold block made before it; the first must end.
   */
  cold(): Block {
    const block = this.block()
    this.coldBlocks.push(block)
    return block
  }
  /** Appends to a cold block for the time of `write`, whatever is open here. */
  inCold(block: Block, write: () => void): void {
    const [current, openIfs] = [this.#current, this.#openIfs]
    this.#current = block
    this.#openIfs = 0
    write()
    this.#current = current
    this.#openIfs = openIfs
  }
  /** Makes `block` the one that statements are appended to. */
  at(block: Block): void {
    assert(this.#openIfs === 0, 'an if is still open')
    this.#current = block
  }
  /** The block that statements are appended to. */
  get current(): Block {
    return this.#current
  }
  /** Sends exceptions of the current block's statements (not of its terminator) to `target`. */
  guard(guard: Guard): void {
    ;(this.blocks[this.#current] as BlockState).guard = guard
  }
  /** True when exceptions of the current block go to another one. */
  get guarded(): boolean {
    return (this.blocks[this.#current] as BlockState).guard !== undefined
  }
  /** True when the current block has its end. */
  get closed(): boolean {
    return (this.blocks[this.#current] as BlockState).terminator !== undefined
  }
  jump(to: Block): void {
    this.#terminate({ kind: 'jump', to })
  }
  branch(cond: Node, taken: Block, otherwise: Block, hint?: Likelihood): void {
    if (taken === otherwise) {
      this.effect(cond)
      return this.jump(taken)
    }
    this.#terminate({ kind: 'branch', cond, taken, otherwise, hint })
  }
  switch(index: Node, targets: readonly Block[], fallback: Block): void {
    this.#terminate({ kind: 'switch', index, targets, fallback })
  }

  #terminate(terminator: Terminator): void {
    assert(this.#openIfs === 0, 'an if is still open')
    const block = this.blocks[this.#current] as BlockState
    assert(block.terminator === undefined, 'the block has ended')
    block.terminator = terminator
  }
  #leave(statement: number): void {
    this.#append(statement)
    if (this.#openIfs === 0) this.#terminate({ kind: 'end' })
  }
  #append(statement: number): void {
    const block = this.blocks[this.#current] as BlockState
    if (block.terminator !== undefined) {
      assert(false, `statement after the end of block ${this.#current} of ${this.name}`)
    }
    if (block.last) this.arena.next[block.last] = statement
    else block.first = statement
    block.last = statement
  }
}
