import {
  type CodeNames,
  type DataBreakpoint,
  type DebugTarget,
  DoppelError,
  type PlacedBreakpoint,
  type SourceBreakpoint,
  type SourceEnd,
  type SourceFrame,
  type SourceMachine,
  type SourceReturn,
  type SourceRun,
  type SourceScope,
  type SourceStop,
  type SourceTarget,
  type SourceThread,
  type SourceValue,
} from '@doppel/base'
import type { DebuggedMachine } from '../gdb-session.ts'
import { evaluateC, isTrue } from './c-evaluate.ts'
import type { CExpression } from './c-expression.ts'
import { CodeIndex, type DebugFile } from './code-index.ts'
import { disassembled } from './disassembled.ts'
import { GuestBreakpoints } from './guest-breakpoints.ts'
import { GuestReturn } from './guest-return.ts'
import { type Arrival, GuestRun } from './guest-run.ts'
import { GuestStepper, type SteppedGuest } from './guest-stepper.ts'
import { GuestValue } from './guest-value.ts'
import { ThreadView, type ViewedMachine } from './guest-view.ts'
import { type MachineCode, readNumber } from './machine-code.ts'
import { MachineFrame } from './machine-frames.ts'
import { WatchedData } from './watched-data.ts'

/** A machine whose guest is debugged by its source. */
export interface GuestDebugging {
  readonly machine: DebuggedMachine
  readonly code: MachineCode
  readonly names: CodeNames
  readonly files: readonly DebugFile[]
  /** Resolves when others have had their turn. */
  readonly rest: () => Promise<void>
}

/** A guest's program in C, or any language whose compiler writes DWARF, under a debugger. The machine stands still from the beginning on. */
export class GuestDebugger implements SourceTarget {
  onMessage: ((text: string) => void) | undefined
  readonly machine: SourceMachine
  readonly goBack: SourceTarget['goBack']
  readonly #machine: DebuggedMachine
  readonly #target: DebugTarget
  readonly #code: MachineCode
  readonly #index: CodeIndex
  readonly #run: GuestRun
  readonly #breakpoints: GuestBreakpoints
  readonly #watched: WatchedData
  readonly #stepped: SteppedGuest
  readonly #views = new Map<number, ThreadView>()

  constructor({ machine, code, names, files, rest }: GuestDebugging) {
    const { target, travel } = machine
    this.#machine = machine
    this.#target = target
    this.#code = code
    this.#index = new CodeIndex(names, files)
    this.#run = new GuestRun(machine)
    this.#breakpoints = new GuestBreakpoints(target, this.#index)
    this.#watched = new WatchedData(target)
    this.#stepped = {
      target,
      index: this.#index,
      code,
      run: this.#run,
      breakpoints: this.#breakpoints,
      frameOf: thread => this.#frameOf(thread),
      judge: arrival => this.#judge(arrival),
      isHit: (thread, address, how) => this.#isHit(thread, address, how?.isBack),
      rest,
    }
    this.machine = this.#belowSource()
    if (travel) {
      const back = new GuestReturn(this.#stepped, travel, this.#watched)
      this.goBack = async (how: SourceReturn, thread: number) => {
        this.#begin()
        return await back.run(how, thread).finally(() => this.#views.clear())
      }
    }
  }
  /** The machine has ended. */
  ended(exitCode: number): void {
    this.#run.ended(exitCode)
  }
  /** It has come to its end, and may be taken back from there; false when nobody waits for it. */
  reachedEnd(): boolean {
    return this.#run.held()
  }
  /** Takes all that was set away, and lets the machine go. */
  async detach(): Promise<void> {
    this.#run.pause()
    if (!this.#run.end) await this.#machine.pause()
    this.#breakpoints.clear()
    this.#watched.set([])
    this.#run.close()
    if (!this.#run.end) this.#machine.resume()
    this.#machine.leave?.()
  }

  get files(): readonly string[] {
    return this.#index.sourceFiles
  }
  setBreakpoints(file: string, breakpoints: readonly SourceBreakpoint[]): readonly PlacedBreakpoint[] {
    return this.#breakpoints.setOf(file, breakpoints)
  }
  setRoutineBreakpoints(names: readonly string[]): readonly (SourceFrame | undefined)[] {
    const entries = names.map(name => this.#index.entryOf(name))
    this.#breakpoints.ofRoutines = entries.filter(entry => entry !== undefined)
    return entries.map((address, i) => {
      if (address === undefined) return undefined
      const row = this.#index.rowAt(address)
      return { name: names[i] ?? '', file: row?.file ?? '', line: row?.line ?? 0, address }
    })
  }
  pause(): void {
    this.#run.pause()
  }
  threads(): readonly SourceThread[] {
    return Array.from({ length: this.#target.threads }, (_, id) => ({ id, name: this.#target.describe(id) }))
  }

  // Running

  #begin(): void {
    this.#run.begin()
    this.#views.clear()
  }
  async run(how: SourceRun, thread = 0): Promise<SourceStop | SourceEnd> {
    this.#begin()
    try {
      if (how !== 'continue') return await new GuestStepper(this.#stepped, thread, how).run()
      if (this.#breakpoints.isPlaced(this.#pc(thread))) {
        const arrival = await this.#run.step(thread)
        const stop = arrival && (await this.#judge(arrival))
        if (stop) return stop
      }
      for (;;) {
        const stop = await this.#judge(await this.#run.go())
        if (stop) return stop
      }
    } finally {
      this.#views.clear()
    }
  }
  async #stepInstruction(thread: number): Promise<SourceStop | SourceEnd> {
    this.#begin()
    const arrival = await this.#run.step(thread)
    return (arrival && (await this.#judge(arrival))) ?? { reason: 'step', thread }
  }
  async #judge(arrival: Arrival): Promise<SourceStop | SourceEnd | undefined> {
    if (arrival.kind === 'end') return { reason: 'ended', exitCode: arrival.exitCode }
    if (arrival.kind === 'pause') return { reason: 'pause' }
    if (arrival.kind !== 'stop') return { reason: 'pause', text: 'the run has come to its end; going on ends it' }
    const { thread, watched, event } = arrival.stop
    if (event !== undefined) return { reason: 'breakpoint', text: event, thread }
    if (watched) return await this.#accessed(thread, watched.address)
    return this.#isHit(thread, this.#pc(thread)) ? { reason: 'breakpoint', thread } : undefined
  }
  /** The thread is about to access what is watched: it does, and what has become of it is told. */
  async #accessed(thread: number, address: bigint): Promise<SourceStop | SourceEnd | undefined> {
    const watched = this.#watched.at(address)
    const before = this.#watched.read(thread, watched)
    this.#watched.suspend()
    const arrival = await this.#run.step(thread)
    this.#watched.resume()
    const text = this.#watched.changed(watched, before, this.#watched.read(thread, watched))
    if (text !== undefined) return { reason: 'data', text, thread }
    return arrival && (await this.#judge(arrival))
  }
  #pc(thread: number): bigint {
    return readNumber(this.#target, thread, this.#code.programCounter) ?? 0n
  }
  /** Whether a breakpoint at an address stops a thread that has come there; going back, nothing is counted or told. */
  #isHit(thread: number, address: bigint, isBack = false): boolean {
    const { lines, always } = this.#breakpoints.at(address)
    let stops = always
    if (lines.length === 0) return stops
    this.#views.clear()
    for (const breakpoint of lines) {
      if (breakpoint.condition && !this.#holds(thread, breakpoint.condition)) continue
      if (!isBack && ++breakpoint.arrivals < breakpoint.hits) continue
      if (!breakpoint.message) stops = true
      else if (!isBack) this.onMessage?.(breakpoint.message.map(piece => this.#told(thread, piece)).join(''))
    }
    return stops
  }
  /** A condition that has no value here stops, so that it is seen. */
  #holds(thread: number, condition: CExpression): boolean {
    try {
      return isTrue(evaluateC(condition, this.#view(thread).namesOf(0)))
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      this.onMessage?.(`a condition has no value: ${error.message}`)
      return true
    }
  }
  #told(thread: number, piece: string | CExpression): string {
    if (typeof piece === 'string') return piece
    try {
      const names = this.#view(thread).namesOf(0)
      return new GuestValue(evaluateC(piece, names), names.access).text
    } catch (error) {
      if (error instanceof DoppelError) return `{${error.message}}`
      throw error
    }
  }

  // Looking

  frames(thread = 0): readonly SourceFrame[] {
    return this.#view(thread).frames
  }
  scopes(frame: number, thread = 0): readonly SourceScope[] {
    return this.#view(thread).scopes(frame)
  }
  evaluate(frame: number, expression: string, thread = 0): SourceValue {
    return this.#view(thread).evaluate(frame, expression)
  }
  #view(thread: number): ThreadView {
    let view = this.#views.get(thread)
    if (!view) this.#views.set(thread, (view = new ThreadView(this.#index, this.#viewed(thread))))
    return view
  }
  #frameOf(thread: number): MachineFrame {
    const machine = this.#viewed(thread)
    return new MachineFrame(this.#index, machine, machine.now, { isInnermost: true, isExact: true })
  }
  #viewed(thread: number): ViewedMachine {
    const [target, code] = [this.#target, this.#code]
    const read = (dwarf: number): bigint | undefined => readNumber(target, thread, code.registerOf(dwarf))
    const names = target.features.flatMap(({ registers }) => registers).map(({ name }) => name)
    return {
      stackPointer: code.stackPointer,
      now: { pc: this.#pc(thread), register: read },
      registers: names.map((name, i) => ({
        name,
        number: code.dwarfOf(i),
        read: () => readNumber(target, thread, i),
      })),
      readMemory: (address, length) => target.readMemory(thread, BigInt.asUintN(64, address), length, false),
      writeMemory: (address, bytes) => this.#write(() => target.writeMemory(thread, address, bytes, false)),
      writeRegister: (dwarf, value) => {
        const register = code.registerOf(dwarf)
        const bytes = Uint8Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn))
        return register !== undefined && this.#write(() => target.writeRegister(thread, register, bytes))
      },
      callerOf: (frame, isInnermost) => code.callerOf(thread, frame, isInnermost),
    }
  }
  /** What was before does not lead here any more. */
  #write(write: () => boolean): boolean {
    const { sealed } = this.#machine
    if (sealed !== undefined) throw new DoppelError('debug.sealed', sealed)
    this.#machine.travel?.changed()
    this.#views.clear()
    return write()
  }

  #belowSource(): SourceMachine {
    const [target, index, code] = [this.#target, this.#index, this.#code]
    return {
      step: thread => this.#stepInstruction(thread),
      readMemory: (address, length) => target.readMemory(0, address, length, false),
      writeMemory: (address, bytes) => this.#write(() => target.writeMemory(0, address, bytes, false)),
      disassemble: (address, first, count) =>
        disassembled(
          {
            index,
            at: place => code.instructionAt(0, place),
            read: (place, length) => target.readMemory(0, place, length, false),
          },
          address,
          first,
          count,
        ),
      setInstructionBreakpoints: addresses => {
        this.#breakpoints.ofInstructions = addresses
      },
      setDataBreakpoints: (watched: readonly DataBreakpoint[]) => this.#watched.set(watched),
    }
  }
}
