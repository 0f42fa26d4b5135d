import type { DiagnosticName } from '../diagnostic-rows.ts'
import type { Diagnostics, Span } from '../diagnostics.ts'
import type { Dialect } from '../dialect.ts'
import type { Sources } from '../source.ts'
import type { IoSwitches } from '../syntax/io-switches.ts'
import type { Names } from '../syntax/names.ts'
import type { Expression, Name, Statement } from '../syntax/tree.ts'
import type { CheckedStatement, OpenedRecord, Place, Value } from './checked.ts'
import { type Scope, Scopes } from './scope.ts'
import type { Binding, Entity, Label, Region, Routine, Variable } from './symbols.ts'
import type { OrdinalType, RecordType, Type } from './types.ts'

/** A goto whose label is looked up at the end of the label’s block. */
export interface PendingGoto {
  readonly label: Label
  readonly region: Region | undefined
  readonly span: Span
  readonly owner: Routine
}

/** The parts of the analysis that call one another in circles; `analyse` ties them together. */
export interface Stages {
  readonly value: (c: Context, node: Expression) => Value
  readonly place: (c: Context, node: Expression) => Place
  readonly statement: (c: Context, node: Statement) => CheckedStatement
}

/** What the analysis knows at the place that it looks at. */
export class Context {
  readonly names: Names
  readonly sources: Sources
  readonly diagnostics: Diagnostics
  readonly dialect: Dialect
  readonly scopes: Scopes
  /** The text did not parse: some of it is not in the tree. */
  readonly isPartial: boolean
  readonly #stages: Stages
  readonly routines: Routine[] = []
  /** The block that is looked at. */
  routine!: Routine
  /** Records that with-statements around have opened, the innermost last. */
  opened: { readonly record: RecordType; readonly opened: OpenedRecord }[] = []
  /** The statement-sequence or labelled statement that is looked at. */
  region: Region | undefined
  gotos: PendingGoto[] = []
  /** What for-variables around lie between, where that is known. */
  readonly ranges: Map<Variable, { readonly low: number; readonly high: number }> = new Map()
  /** The files that read and write without naming one, where they are program parameters. */
  readonly standardFiles: { input?: Variable; output?: Variable } = {}
  /** Standard files whose lack is told already. */
  readonly reportedFiles: Set<string> = new Set()
  programName = ''
  /** What the unit offers whose implementation is looked at. */
  unit: Scope | undefined
  /** Is told of a routine between its declarations and its statements. */
  onDeclared: ((routine: Routine) => void) | undefined

  /** The program looks at IORESULT. */
  asksIoResult = false
  /** Types that variables of are disposed of. */
  readonly disposed: Set<Type> = new Set()
  /** The program marks and releases its heap. */
  marksHeap = false
  readonly #ioSwitches: IoSwitches

  constructor(
    names: Names,
    sources: Sources,
    diagnostics: Diagnostics,
    dialect: Dialect,
    stages: Stages,
    ioSwitches: IoSwitches,
  ) {
    this.#ioSwitches = ioSwitches
    this.names = names
    this.sources = sources
    this.diagnostics = diagnostics
    this.dialect = dialect
    this.isPartial = diagnostics.errors > 0
    this.scopes = new Scopes(names, sources, diagnostics)
    this.#stages = stages
  }

  /** Reports that something is nowhere in the text; not where some of the text could not be read. */
  reportAbsence(name: DiagnosticName, span: Span, ...args: readonly (string | number)[]): void {
    if (!this.isPartial) this.diagnostics.report(name, span, args)
  }

  report(name: DiagnosticName, span: Span, ...args: readonly (string | number)[]): void {
    this.diagnostics.report(name, span, args)
  }

  /** Whether the program goes on where input or output fails at this place. */
  isLenient(pos: number): boolean {
    return !this.#ioSwitches.isOnAt(pos)
  }

  value(node: Expression): Value {
    return this.#stages.value(this, node)
  }

  place(node: Expression): Place {
    return this.#stages.place(this, node)
  }

  statement(node: Statement): CheckedStatement {
    return this.#stages.statement(this, node)
  }

  /** What an identifier denotes; reports one that denotes nothing, once in a scope. */
  find(name: Name): Entity {
    if (name.id < 0) return UNKNOWN
    const binding = this.scopes.find(name)
    if (binding === undefined) {
      const text = this.names.text(name.id)
      if (text === 'input' || text === 'output') {
        if (!this.reportedFiles.has(text)) this.report('standard-file', name, text, this.programName)
        this.reportedFiles.add(text)
        return UNKNOWN
      }
      const similar = this.scopes.similar(name)
      const hint = similar === undefined ? undefined : `did you mean '${similar}'?`
      this.diagnostics.report('undeclared', name, [this.quote(name)], hint)
      // From here on it is known to be unknown: said once is enough.
      this.scopes.define(name, UNKNOWN)
      return UNKNOWN
    }
    if (!binding.isReady) {
      this.report('own-definition', name, this.quote(name))
      return UNKNOWN
    }
    return binding.entity
  }

  define(name: Name, entity: Entity, isReady = true): Binding {
    return this.scopes.define(name, entity, isReady)
  }

  quote(name: Name): string {
    return this.scopes.quote(name)
  }
}

/** Stands for what an error left undefined. */
export const UNKNOWN: Entity = { kind: 'unknown' }

/** What a kind of entity is called in messages. */
export function entityName(entity: Entity): string {
  switch (entity.kind) {
    case 'constant':
      return 'a constant'
    case 'type':
      return 'a type'
    case 'variable':
      return 'a variable'
    case 'bound':
      return 'a bound of a conformant array'
    case 'routine':
    case 'formal':
      return entity.heading.isFunction ? 'a function' : 'a procedure'
    case 'required':
      return entity.row.isFunction ? 'a function' : 'a procedure'
    default:
      return 'unknown'
  }
}

/** A value of an ordinal type that is known. */
export function ordinalValue(pos: number, type: OrdinalType, value: number): Value {
  return { op: 'ordinal', pos, type, value, low: value, high: value }
}
