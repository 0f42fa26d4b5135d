import { type FunctionBuilder, type FunctionRef, I32, type Local, type Node, Op } from '@doppel/wasm'
import { VARIABLES } from './frame.ts'
import { Register, SEGMENT_ADDRESSES } from './layout.ts'
import type { Value } from './ops.ts'

/** Registers that live in locals while code runs. */
const LOCALS = ['sp', 'ipc', 'mp', 'base', 'jtab', 'seg', 'kp', 'instruction', 'budget'] as const
type LocalName = (typeof LOCALS)[number]

/** Registers in locals, memory and the evaluation stack, as code of one function. */
export abstract class StateEmitter {
  readonly fn: FunctionBuilder
  readonly #climb: FunctionRef
  /** 1 where the machine is big-endian: what an address of a byte is combined with. */
  readonly #sex: number
  readonly #registers: Readonly<Record<LocalName, Local>>

  /** `climb` is climb(frame, levels): the frame so many static links out. */
  constructor(fn: FunctionBuilder, climb: FunctionRef, bigEndian: boolean) {
    this.fn = fn
    this.#climb = climb
    this.#sex = bigEndian ? 1 : 0
    this.#registers = Object.fromEntries(LOCALS.map(name => [name, fn.local(I32)])) as Record<LocalName, Local>
  }

  /** Raises an error if the evaluation stack is not where it may be. */
  protected abstract checkStack(): void

  /** Reads registers from memory. */
  reload(): void {
    for (const name of LOCALS) this.fn.set(this.#registers[name], this.field(Register[name]))
  }
  /** Writes registers to memory. */
  spill(): void {
    for (const name of LOCALS) this.setField(Register[name], this.get(name))
  }
  get(name: LocalName): Node {
    return this.fn.get(this.#registers[name])
  }
  set(name: LocalName, value: Node): void {
    this.fn.set(this.#registers[name], value)
  }
  protected field(address: number): Node {
    return this.fn.load(Op.i32Load, this.fn.i32(0), address)
  }
  protected setField(address: number, value: Node): void {
    this.fn.store(Op.i32Store, this.fn.i32(0), value, address)
  }
  protected plus(node: Node, bytes: number): Node {
    return bytes === 0 ? node : this.fn.op(Op.i32Add, node, this.fn.i32(bytes))
  }

  // Memory

  word(address: Node): Node {
    return this.fn.load(Op.i32Load16U, this.fn.op(Op.i32And, address, this.fn.i32(0xfffe)))
  }
  setWord(address: Node, value: Node): void {
    this.fn.store(Op.i32Store16, this.fn.op(Op.i32And, address, this.fn.i32(0xfffe)), value)
  }
  byte(address: Node): Node {
    return this.fn.load(Op.i32Load8U, this.#byteAddress(address))
  }
  setByte(address: Node, value: Node): void {
    this.fn.store(Op.i32Store8, this.#byteAddress(address), value)
  }
  /** A byte at an address that is in memory or in the gap behind it. */
  protected nearByte(address: Node): Node {
    return this.fn.load(Op.i32Load8U, this.#flipped(address))
  }
  #byteAddress(address: Node): Node {
    return this.#flipped(this.fn.op(Op.i32And, address, this.fn.i32(0xffff)))
  }
  #flipped(address: Node): Node {
    return this.#sex === 0 ? address : this.fn.op(Op.i32Xor, address, this.fn.i32(this.#sex))
  }
  plusWords(address: Node, words: Node): Node {
    return this.fn.op(Op.i32Add, address, this.fn.op(Op.i32Shl, words, this.fn.i32(1)))
  }
  localAddress(offset: Node): Node {
    return this.plus(this.plusWords(this.get('mp'), offset), VARIABLES)
  }
  globalAddress(offset: Node): Node {
    return this.plus(this.plusWords(this.get('base'), offset), VARIABLES)
  }
  localWord(offset: number): Node {
    return this.fn.load(Op.i32Load16U, this.get('mp'), VARIABLES + 2 * offset)
  }
  globalWord(offset: number): Node {
    return this.fn.load(Op.i32Load16U, this.get('base'), VARIABLES + 2 * offset)
  }
  intermediateAddress(levels: Node, offset: Node): Node {
    const frame = this.fn.call(this.#climb, [this.get('mp'), levels])
    return this.plus(this.plusWords(frame, offset), VARIABLES)
  }
  externalAddress(segment: Node, offset: Node): Node {
    return this.plusWords(this.segmentEntry(SEGMENT_ADDRESSES, segment), offset)
  }
  protected segmentEntry(table: number, segment: Node): Node {
    return this.fn.load(Op.i32Load, this.fn.op(Op.i32Shl, segment, this.fn.i32(2)), table)
  }
  moveWords(to: Value, from: Value, words: Value): void {
    const { fn } = this
    const [target, source] = [fn.let(to()), fn.let(from())]
    this.#repeat(words, () => {
      this.setWord(fn.get(target), this.word(fn.get(source)))
      fn.set(target, this.plus(fn.get(target), 2))
      fn.set(source, this.plus(fn.get(source), 2))
    })
  }
  pushWords(from: Value, words: Value): void {
    const { fn } = this
    const at = fn.let(this.plusWords(from(), words()))
    this.#repeat(words, () => {
      fn.set(at, this.plus(fn.get(at), -2))
      this.push(this.word(fn.get(at)))
    })
    this.checkStack()
  }
  popWords(to: Value, words: Value): void {
    const { fn } = this
    const at = fn.let(to())
    this.#repeat(words, () => {
      this.setWord(fn.get(at), this.peek(fn.i32(0)))
      this.set('sp', this.plus(this.get('sp'), 2))
      fn.set(at, this.plus(fn.get(at), 2))
    })
    this.checkStack()
  }
  #repeat(times: Value, body: () => void): void {
    const { fn } = this
    const left = fn.let(times())
    const [loop, once, done] = [fn.block(), fn.block(), fn.block()]
    fn.jump(loop)
    fn.at(loop)
    fn.branch(fn.get(left), once, done)
    fn.at(once)
    body()
    fn.set(left, this.plus(fn.get(left), -1))
    fn.jump(loop)
    fn.at(done)
  }

  // The evaluation stack

  #pop(op: number, bytes: number): Value {
    const local = this.fn.let(this.fn.load(op, this.get('sp')))
    this.set('sp', this.plus(this.get('sp'), bytes))
    return () => this.fn.get(local)
  }
  pop(): Value {
    return this.#pop(Op.i32Load16U, 2)
  }
  popSigned(): Value {
    return this.#pop(Op.i32Load16S, 2)
  }
  popReal(): Value {
    return this.#pop(Op.f32Load, 4)
  }
  push(value: Node): void {
    const kept = this.fn.let(value)
    this.set('sp', this.plus(this.get('sp'), -2))
    this.fn.store(Op.i32Store16, this.get('sp'), this.fn.get(kept))
  }
  pushReal(value: Node): void {
    const kept = this.fn.let(value)
    this.set('sp', this.plus(this.get('sp'), -4))
    this.fn.store(Op.f32Store, this.get('sp'), this.fn.get(kept))
  }
  peek(depth: Node): Node {
    return this.fn.load(Op.i32Load16U, this.plusWords(this.get('sp'), depth))
  }
  drop(words: Node): void {
    this.set('sp', this.plusWords(this.get('sp'), words))
    this.checkStack()
  }
}
