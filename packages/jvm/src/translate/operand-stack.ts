import type { FunctionBuilder, Local, Node, ValueType } from '@doppel/wasm'
import type { Kind } from '../class-file/descriptor.ts'
import { valueTypeOf } from './types.ts'

/** A value on the operand stack: in a local, or an expression that only reads locals and is not evaluated yet. */
export interface Entry {
  readonly kind: Kind
  /** The local that holds it, or -1. */
  local: Local
  /** The expression, or -1 when it is in a local. */
  node: Node
  /** Locals that the expression reads. */
  reads: readonly Local[]
  /** How deep the expression is. */
  size: number
  /** True when it cannot be null. */
  nonNull: boolean
}

/** Expressions deeper than this are put into a local: encoding recurses over them. */
const MAX_DEPTH = 24

/** The operand stack of one block during translation, and the locals that stand for Java’s variables and stack places. */
export class OperandStack {
  readonly #fn: FunctionBuilder
  readonly #variables = new Map<number, Local>()
  readonly #places = new Map<number, Local>()
  /** Temporaries by type: those that may be given out again, and those given out since they were last looked over. */
  readonly #spare = new Map<ValueType, Local[]>()
  #lent: Local[] = []
  entries: Entry[] = []

  /** Locals taken from, and given back to, the stack of the method that this one’s code stands in. */
  readonly #owned: Local[] = []
  readonly #outer: OperandStack | undefined

  constructor(fn: FunctionBuilder, outer?: OperandStack) {
    this.#fn = fn
    this.#outer = outer
  }
  /** A local for as long as the method’s code goes. */
  own(type: ValueType): Local {
    const local = this.#outer ? this.#outer.#lend(type) : this.#fn.local(type)
    this.#owned.push(local)
    return local
  }
  #lend(type: ValueType): Local {
    return this.#spare.get(type)?.pop() ?? (this.#outer ? this.own(type) : this.#fn.local(type))
  }
  /** Gives every local back to the outer stack, when the method’s code has ended. */
  release(): void {
    if (this.#outer) for (const local of this.#owned) this.#outer.#takeBack(local)
  }
  #takeBack(local: Local): void {
    const type = this.#fn.localType(local)
    const spare = this.#spare.get(type)
    if (spare) spare.push(local)
    else this.#spare.set(type, [local])
  }

  /** Starts a block whose stack, on entry, is in the places for these kinds. */
  enter(kinds: readonly Kind[]): void {
    this.#known.clear()
    this.entries = []
    this.endInstruction()
    kinds.forEach((kind, i) => this.pushLocal(kind, this.place(i, kind)))
  }
  bindVariable(index: number, kind: Kind, local: Local): void {
    this.#variables.set(index * 8 + KIND_NUMBER[kind], local)
  }
  /** The local for Java’s variable `index` while it holds this kind. */
  variable(index: number, kind: Kind): Local {
    return this.#local(this.#variables, index, kind)
  }
  /** The local for the stack’s place `index`, between blocks. */
  place(index: number, kind: Kind): Local {
    return this.#local(this.#places, index, kind)
  }
  #local(map: Map<number, Local>, index: number, kind: Kind): Local {
    const key = index * 8 + KIND_NUMBER[kind]
    let local = map.get(key)
    if (local === undefined) map.set(key, (local = this.own(valueTypeOf(kind))))
    return local
  }
  /** Locals that have been found not to be null in this block. */
  readonly #known = new Set<Local>()
  /** True when the entry cannot be null. */
  isNonNull(entry: Entry): boolean {
    return entry.nonNull || (entry.local >= 0 && this.#known.has(entry.local))
  }
  /** Notes that the entry has just been found not to be null. */
  markNonNull(entry: Entry): void {
    if (entry.local >= 0) this.#known.add(entry.local)
  }
  /** Evaluates now into a local for use within this block. */
  keep(node: Node): Local {
    const local = this.temp(this.#fn.arena.type[node] as ValueType)
    this.#fn.set(local, node)
    return local
  }

  /** A local for use until the instruction ends, and on while an entry of the stack is in it or reads it. */
  temp(type: ValueType): Local {
    const local = this.#spare.get(type)?.pop() ?? this.own(type)
    this.#lent.push(local)
    this.#known.delete(local)
    return local
  }
  /** Takes back the temporaries that nothing on the stack needs: V8's compile time grows with locals times branches. */
  endInstruction(): void {
    if (this.#lent.length === 0) return
    this.#lent = this.#lent.filter(local => {
      if (this.entries.some(e => e.local === local || e.reads.includes(local))) return true
      this.#takeBack(local)
      return false
    })
  }

  /** Locals that hold objects only while they are on the stack. */
  references(): readonly Local[] {
    const places = [...this.#places].filter(([key]) => key % 8 === KIND_NUMBER.L).map(([, local]) => local)
    return [...places, ...(this.#spare.get(valueTypeOf('L')) ?? [])]
  }
  get depth(): number {
    return this.entries.length
  }
  pushLocal(kind: Kind, local: Local, nonNull = false): void {
    this.entries.push({ kind, local, node: -1, reads: [], size: 0, nonNull })
  }
  /** Pushes an expression over `from`, whose operands it has consumed. */
  pushNode(kind: Kind, node: Node, from: readonly Entry[] = [], nonNull = false): void {
    const reads = from.flatMap(e => (e.local >= 0 ? [e.local] : e.reads))
    const size = 1 + Math.max(0, ...from.map(e => e.size))
    const entry: Entry = { kind, local: -1, node, reads, size, nonNull }
    this.entries.push(entry)
    if (size > MAX_DEPTH) this.#settle(this.entries.length - 1)
  }
  /** Evaluates now, and pushes the result. */
  pushValue(kind: Kind, node: Node, nonNull = false): void {
    const local = this.#freePlace(this.entries.length, kind)
    this.#fn.set(local, node)
    this.#known.delete(local)
    this.pushLocal(kind, local, nonNull)
  }
  pop(): Entry {
    const entry = this.entries.pop()
    if (!entry) throw new Error('the operand stack is empty')
    return entry
  }
  /** Pops `count` entries, in the order they were pushed. */
  popMany(count: number): Entry[] {
    if (count > this.entries.length) throw new Error('the operand stack is empty')
    return count === 0 ? [] : this.entries.splice(this.entries.length - count)
  }
  /** The value of an entry, once. */
  use(entry: Entry): Node {
    return entry.local >= 0 ? this.#fn.get(entry.local) : entry.node
  }
  /** A local that holds the entry’s value until the block ends or the local is assigned. */
  hold(entry: Entry): Local {
    if (entry.local >= 0) return entry.local
    const local = this.temp(valueTypeOf(entry.kind))
    this.#fn.set(local, entry.node)
    entry.local = local
    entry.node = -1
    return local
  }
  /** Makes the entry usable more than once; what is still on the stack does not change under it. */
  share(entry: Entry): void {
    this.hold(entry)
  }

  /** Assigns one of Java’s variables; entries that still read it are saved first. */
  assign(index: number, entry: Entry): void {
    const local = this.variable(index, entry.kind)
    this.#saveReadersOf(local)
    const nonNull = this.isNonNull(entry)
    this.#fn.set(local, this.use(entry))
    if (nonNull) this.#known.add(local)
    else this.#known.delete(local)
    this.onAssign?.(index, entry.kind, local)
  }
  /** Called once a variable has been assigned. */
  onAssign: ((index: number, kind: Kind, local: Local) => void) | undefined
  /** Saves entries that read a variable which is about to change. */
  saveReaders(index: number, kind: Kind): Local {
    const local = this.variable(index, kind)
    this.#saveReadersOf(local)
    return local
  }
  #saveReadersOf(local: Local): void {
    this.entries.forEach((entry, i) => {
      if (entry.local === local || entry.reads.includes(local)) this.#settle(i)
    })
  }
  #readersBesides(at: number, local: Local): boolean {
    return this.entries.some((e, i) => i !== at && (e.local === local || e.reads.includes(local)))
  }
  #freePlace(at: number, kind: Kind): Local {
    const place = this.place(at, kind)
    return this.#readersBesides(at, place) ? this.temp(valueTypeOf(kind)) : place
  }
  #settle(at: number): void {
    const entry = this.entries[at] as Entry
    const local = this.#freePlace(at, entry.kind)
    if (local === entry.local) {
      const other = this.temp(valueTypeOf(entry.kind))
      this.#move(entry, other)
    } else this.#move(entry, local)
  }
  #move(entry: Entry, local: Local): void {
    const nonNull = this.isNonNull(entry)
    this.#fn.set(local, this.use(entry))
    if (nonNull) this.#known.add(local)
    else this.#known.delete(local)
    entry.local = local
    entry.node = -1
    entry.reads = []
    entry.size = 0
  }

  /** Puts every entry into its place, where the next block expects it. */
  flush(): void {
    const misplaced = this.entries.flatMap((entry, i) => (entry.local === this.place(i, entry.kind) ? [] : [i]))
    const targets = new Set(misplaced.map(i => this.place(i, (this.entries[i] as Entry).kind)))
    for (const i of misplaced) {
      const entry = this.entries[i] as Entry
      const reads = entry.local >= 0 ? [entry.local] : entry.reads
      // A value that another move would overwrite goes by way of a temporary.
      if (reads.some(local => targets.has(local))) this.#move(entry, this.temp(valueTypeOf(entry.kind)))
    }
    for (const i of misplaced) {
      const entry = this.entries[i] as Entry
      this.#move(entry, this.place(i, entry.kind))
    }
  }
}

const KIND_NUMBER: Readonly<Record<Kind, number>> = { I: 0, J: 1, F: 2, D: 3, L: 4 }
