import { DoppelError, type SourceFrame, type SourceScope, type SourceValue, type SourceVariable } from '@doppel/base'
import { convertTo, evaluateC, type NamesInScope } from './c-evaluate.ts'
import { readCExpression } from './c-expression.ts'
import { type ActiveFunction, type DeclaredVariable, globalsOf, variablesOf } from './code-scopes.ts'
import type { CodeIndex } from './code-index.ts'
import { constantDatum, type DataAccess, type Datum, datumAt, datumOf } from './guest-data.ts'
import { type GuestType, pointerTo, UNSIGNED_LONG, VOID } from './guest-types.ts'
import { GuestValue } from './guest-value.ts'
import { accessOf, type FrameMachine, type MachineFrame, machineFrames } from './machine-frames.ts'

/** The machine behind a view, as `FrameMachine`, and its registers by name. */
export interface ViewedMachine extends FrameMachine {
  /** Registers to show, by name: those that DWARF has numbers for with them. */
  readonly registers: readonly {
    readonly name: string
    readonly number: number | undefined
    readonly read: () => bigint | undefined
  }[]
}

/** A frame as a debugger shows it: a function, which may be put into the one around it. */
interface ShownFrame {
  readonly frame: MachineFrame
  readonly active: ActiveFunction | undefined
  readonly shown: SourceFrame
}

const FUNCTION: GuestType = { kind: 'function', name: 'code', sizeBytes: 1 }
const GLOBALS = 'Globals'
const REGISTERS = 'Registers'

/** What is seen from a thread that stands still. For one stop: it is made anew when the machine has run. */
export class ThreadView {
  readonly #index: CodeIndex
  readonly #machine: ViewedMachine
  #frames: readonly ShownFrame[] | undefined

  constructor(index: CodeIndex, machine: ViewedMachine) {
    this.#index = index
    this.#machine = machine
  }
  get frames(): readonly SourceFrame[] {
    return this.#shown.map(({ shown }) => shown)
  }
  get #shown(): readonly ShownFrame[] {
    return (this.#frames ??= machineFrames(this.#index, this.#machine).flatMap(frame => this.#expand(frame)))
  }
  /** The innermost function is at its line, each around it where it was put in. */
  #expand(frame: MachineFrame): ShownFrame[] {
    const row = this.#index.rowAt(frame.place)
    let at = { file: row?.file ?? '', line: row?.line ?? 0 }
    const { functions } = frame
    if (functions.length === 0) {
      const name = this.#index.names.at(frame.place)?.name ?? `0x${frame.pc.toString(16)}`
      return [{ frame, active: undefined, shown: { name, ...at, address: frame.pc } }]
    }
    return functions.toReversed().map(active => {
      const shown = { name: active.name, ...at, address: frame.pc }
      if (active.call) at = active.call
      return { frame, active, shown }
    })
  }
  #frame(number: number): ShownFrame {
    const found = this.#shown[number]
    if (!found) throw new DoppelError('debug.value', `there is no frame ${number}`)
    return found
  }

  scopes(number: number): readonly SourceScope[] {
    const { frame, active } = this.#frame(number)
    const unit = this.#index.unitAt(frame.place)
    const access = this.#access(frame)
    const variables = (declared: readonly DeclaredVariable[]): SourceVariable[] =>
      declared.map(({ name, entry }) => ({
        name,
        value: this.#value(number, this.#tried(frame, entry, access), access),
      }))
    return [
      ...(active ? [{ name: active.name, variables: () => variables(variablesOf(active)) }] : []),
      { name: REGISTERS, variables: () => this.#registers(number) },
      ...(unit ? [{ name: GLOBALS, variables: () => variables(globalsOf(unit)) }] : []),
    ]
  }
  /** A variable whose description is damaged does not hide the others. */
  #tried(frame: MachineFrame, entry: DeclaredVariable['entry'], access: DataAccess): Datum {
    try {
      return frame.variable(entry, access)
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      const { message } = error
      const failing = (): never => {
        throw new DoppelError('debug.value', message)
      }
      return { type: { kind: 'unknown', name: '?', sizeBytes: 0 }, read: failing }
    }
  }
  #registers(number: number): SourceVariable[] {
    const { frame } = this.#frame(number)
    const access = this.#access(frame)
    return this.#machine.registers.flatMap(({ name }) => {
      const datum = this.#register(frame, name, access)
      return datum ? [{ name, value: this.#value(number, datum, access) }] : []
    })
  }
  #register(frame: MachineFrame, name: string, access: DataAccess): Datum | undefined {
    if (name === 'pc') return constantDatum(pointerTo(FUNCTION), frame.pc)
    const found = this.#machine.registers.find(register => register.name === name)
    if (!found) return undefined
    if (found.number !== undefined) {
      const type = found.number === this.#machine.stackPointer ? pointerTo(VOID) : UNSIGNED_LONG
      return datumOf(type, { kind: 'register', register: found.number }, access)
    }
    const value = found.read()
    return value === undefined ? undefined : constantDatum(UNSIGNED_LONG, value)
  }

  evaluate(number: number, expression: string): SourceValue {
    const { frame } = this.#frame(number)
    const access = this.#access(frame)
    return this.#value(number, evaluateC(readCExpression(expression), this.namesOf(number)), access)
  }
  /** Throws `debug.expression`, `debug.value`. */
  datum(number: number, expression: string): Datum {
    return evaluateC(readCExpression(expression), this.namesOf(number))
  }
  #access(frame: MachineFrame): DataAccess {
    return accessOf(frame, this.#machine, this.#index)
  }
  #value(number: number, datum: Datum, access: DataAccess): GuestValue {
    return new GuestValue(datum, access, (text, type) => convertTo(type, this.datum(number, text)))
  }
  /** What names mean in a frame. */
  namesOf(number: number): NamesInScope {
    const { frame, active } = this.#frame(number)
    const access = this.#access(frame)
    return {
      access,
      register: name => this.#register(frame, name, access),
      variable: name => {
        const own = active && variablesOf(active).find(variable => variable.name === name)
        if (own) return frame.variable(own.entry, access)
        const unit = this.#index.unitAt(frame.place)
        for (const info of this.#index.infos) {
          const entry = info.variable(name, unit?.file === info ? unit : undefined)
          if (entry) return frame.variable(entry, access)
        }
        const symbol = this.#index.names.find(name)
        return symbol && datumAt(symbol.isCode ? FUNCTION : UNSIGNED_LONG, symbol.address, access)
      },
    }
  }
}
