import { CodeBuilder, type Label } from '../../program/code-builder.ts'
import type { FileParameter, Signature, StorageClass, ValueType } from '../../program/program.ts'
import { type InstructionName, Row } from '../../rows/p5.ts'
import { Csp, type StandardName } from '../../rows/standard.ts'
import type { CheckedStatement, Place, Value } from '../analysis/checked.ts'
import type { Label as LabelSymbol, Routine, Variable } from '../analysis/symbols.ts'
import type { Type } from '../analysis/types.ts'
import type { Sources } from '../source.ts'
import { Definite } from './definite.ts'
import type { Frame } from './frame.ts'
import { Pool } from './pool.ts'

/** What code is made for. */
export interface CodeOptions {
  /** Checks of ranges, indexes, pointers, cases, variants and overflow. */
  readonly checks: boolean
  /** Checks that variables have a value before they are used. */
  readonly undefined: boolean
  /** The program looks at IORESULT, so that each statement of input or output says how it went. */
  readonly ioResult: boolean
  /** Types of variables that are disposed of, so that one may end while something refers to it. */
  readonly disposed: ReadonlySet<Type>
  /** The program marks its heap, so that what it makes is noted. */
  readonly marks: boolean
}

/** Where a place is, as far as no instruction is needed: behind an address on the operand stack, or fixed. */
export type Reached =
  | { readonly kind: 'global'; readonly offset: number }
  | { readonly kind: 'frame'; readonly levels: number; readonly offset: number; readonly isWhole: boolean }
  | { readonly kind: 'address'; readonly offset: number }

/** The parts of the generator that call one another in circles; `generate` ties them together. */
export interface Stages {
  readonly value: (g: Generator, value: Value) => void
  readonly reach: (g: Generator, place: Place) => Reached
  readonly statement: (g: Generator, statement: CheckedStatement) => void
}

/** Routine code being written. */
export interface Unit {
  readonly routine: Routine
  readonly code: CodeBuilder
  readonly frame: Frame
  readonly labels: Map<LabelSymbol, Label>
}

/** A goto out of its routine, whose target is known when that routine’s code is complete. */
interface OuterGoto {
  readonly code: CodeBuilder
  readonly at: number
  readonly target: LabelSymbol
}

/** Writes p-code: the routine that is written, and what the whole program shares. */
export class Generator {
  readonly options: CodeOptions
  readonly sources: Sources
  readonly #stages: Stages
  readonly pool: Pool = new Pool()
  readonly units: Map<Routine, Unit> = new Map()
  readonly signatures: Signature[] = []
  readonly files: FileParameter[] = []
  readonly outerGotos: OuterGoto[] = []
  /** Jump tables, their targets as labels of the code that they belong to. */
  readonly tables: {
    readonly code: CodeBuilder
    readonly low: number
    readonly targets: readonly Label[]
    readonly fallback: Label
  }[] = []
  /** Types that a routine of its own compares, and its number. */
  readonly compared: Map<Type, number> = new Map()
  /** Pointers that are kept while what they lead to is referred to: where in the frame. */
  readonly guarded: Map<Place, number> = new Map()
  /** Variables of the routine that have a value for certain. */
  definite: Definite = new Definite()
  unit!: Unit
  #rooms: { readonly bytes: number; readonly at: number }[] = []

  constructor(sources: Sources, options: CodeOptions, stages: Stages) {
    this.sources = sources
    this.options = options
    this.#stages = stages
  }

  get code(): CodeBuilder {
    return this.unit.code
  }

  get routine(): Routine {
    return this.unit.routine
  }

  /** An instruction whose one operand is `q`, or that has none. */
  op(name: InstructionName, q = 0): void {
    this.unit.code.emit(Row[name], 0, q)
  }

  /** An instruction with operands `p` and `q`. */
  op2(name: InstructionName, p: number, q: number): void {
    this.unit.code.emit(Row[name], p, q)
  }

  standard(name: StandardName): void {
    this.unit.code.emit(Row.csp, 0, Csp[name])
  }

  /** Calls a standard procedure of input or output. */
  transfer(name: StandardName, isLenient: boolean | undefined): void {
    this.unit.code.emit(isLenient === true ? Row.csf : Row.csp, 0, Csp[name])
  }

  jump(name: 'ujp' | 'fjp' | 'tjp', label: Label): void {
    this.unit.code.jump(Row[name], label)
  }

  label(): Label {
    return this.unit.code.label()
  }

  place(label: Label): void {
    this.unit.code.place(label)
  }

  /** A statement begins. */
  line(position: number): void {
    this.unit.code.position = position
    this.unit.code.line(this.sources.lineWord(position))
  }

  /** Writes what pushes a value. */
  value(value: Value): void {
    const { code } = this.unit
    const outer = code.position
    code.position = value.pos
    this.#stages.value(this, value)
    code.position = outer
  }

  /** Writes a check of what is at a position of the source. */
  checkAt(position: number, name: InstructionName, low: number, high: number): void {
    const { code } = this.unit
    const outer = code.position
    code.position = position
    this.op2(name, low, high)
    code.position = outer
  }

  /** Writes what leads to a place, where it is not fixed. */
  reach(place: Place): Reached {
    const { code } = this.unit
    const outer = code.position
    code.position = place.pos
    const at = this.#stages.reach(this, place)
    code.position = outer
    return at
  }

  statement(statement: CheckedStatement): void {
    const outer = this.#rooms
    this.#rooms = []
    this.#stages.statement(this, statement)
    for (const { bytes, at } of this.#rooms) this.unit.frame.giveBack(bytes, at)
    this.#rooms = outer
  }

  /** Room in the frame for a string that an expression makes; it is kept until the statement ends. */
  room(bytes: number): number {
    const { frame } = this.unit
    const at = frame.room(bytes)
    this.#rooms.push({ bytes, at })
    return at
  }

  /** How many static levels up a routine’s frame is. */
  levelsTo(owner: Routine): number {
    return this.routine.level - owner.level
  }

  /** Where a variable is: its value, or its address if it is a reference. */
  locate(variable: Variable): Reached {
    const { owner, offset } = variable
    if (owner.level === 1 && !variable.isInFrame) return { kind: 'global', offset }
    return { kind: 'frame', levels: this.levelsTo(owner), offset, isWhole: true }
  }

  /** Pushes what is at a reached place; an address on the stack is replaced by it. */
  load(at: Reached, storage: StorageClass): void {
    if (at.kind === 'global') this.op(`ldo${storage}`, at.offset)
    else if (at.kind === 'frame') this.op2(`lod${storage}`, at.levels, at.offset)
    else this.op(`ind${storage}`, at.offset)
  }

  /** Pops a value and stores it; behind an address, that is under the value and `settle` was called for it. */
  store(at: Reached, storage: StorageClass): void {
    if (at.kind === 'global') this.op(`sro${storage}`, at.offset)
    else if (at.kind === 'frame') this.op2(`str${storage}`, at.levels, at.offset)
    else this.op(`sto${storage}`)
  }

  /** Makes the address on the stack, if there is one, the place’s own. */
  settle(at: Reached): void {
    if (at.kind === 'address' && at.offset !== 0) this.op('inca', at.offset)
  }

  /** Pushes the address of a reached place. */
  address(at: Reached): void {
    if (at.kind === 'global') this.op('lao', at.offset)
    else if (at.kind === 'frame') this.op2('lda', at.levels, at.offset)
    else this.settle(at)
  }

  /** A label of the program’s, in the code of the routine that it belongs to. */
  labelOf(symbol: LabelSymbol): Label {
    const unit = this.units.get(symbol.owner) as Unit
    let label = unit.labels.get(symbol)
    if (label === undefined) {
      label = unit.code.label()
      unit.labels.set(symbol, label)
    }
    return label
  }

  /** The number of the routine that compares variables of a type: such come after those of the program. */
  comparer(type: Type): number {
    const index = this.compared.get(type) ?? this.units.size + this.compared.size
    this.compared.set(type, index)
    return index
  }

  /** The number of a signature for indirect calls. */
  signature(params: readonly ValueType[], result: ValueType | undefined): number {
    const known = this.signatures.findIndex(
      other => other.result === result && other.params.join('') === params.join(''),
    )
    return known >= 0 ? known : this.signatures.push({ params, result }) - 1
  }
}
