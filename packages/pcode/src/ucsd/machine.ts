import type { Clock } from '@doppel/base'
import { Exit } from './emitter.ts'
import { ExecutionError } from './execution-errors.ts'
import { Frame } from './frame.ts'
import { HALT, WAIT } from './host-machine.ts'
import { INSTRUCTIONS } from './instructions.ts'
import { makeInterpreter, type Run } from './interpreter.ts'
import { Register, SEGMENT_NUMBERS, STACK_BYTES, STACK_HIGH } from './layout.ts'
import { MachineState } from './machine-state.ts'
import { Segments } from './segments.ts'
import { decimalOperation, LONG_INTEGER_SEGMENT } from './standard/long-integers.ts'
import { BY_NUMBER } from './standard/standard-procedures.ts'
import type { StandardMachine } from './standard/standard-row.ts'
import { MiscInfo, Syscom } from './syscom.ts'
import { Console, type ConsolePort } from './units/console.ts'
import { INPUT_ENDED, type UnitTable, Units } from './units/units.ts'

/** What a machine is made of. */
export interface PMachineParts {
  readonly bigEndian: boolean
  readonly console: ConsolePort
  readonly units: UnitTable
  readonly clock: Clock
}

/** How a run of the system ended: it halted, or its input did, or it was stopped from outside. */
export type PMachineEnd = 'halted' | 'end of input' | 'stopped'

/** Instructions after which the world is looked at. */
const SLICE_INSTRUCTIONS = 1_000_000
const NS_OF_TICK = 1_000_000_000n / 60n
/** The system's procedure that errors are told to (EXECERROR). */
const ERROR_PROCEDURE = 2

/** A UCSD p-System II.0 machine: memory, registers, segments, units. `boot` starts a system on it. */
export class PMachine extends MachineState implements StandardMachine {
  readonly units: Units
  readonly segments: Segments
  readonly #console: Console
  readonly #clock: Clock
  readonly #run: Run
  #end: PMachineEnd | undefined

  constructor({ bigEndian, console, units, clock }: PMachineParts) {
    super(bigEndian)
    this.#clock = clock
    this.#console = new Console(
      console,
      offset => this.byte(this.syscom + Syscom.crtControl + offset),
      offset => this.byte(this.syscom + Syscom.crtInfo + offset),
    )
    this.units = new Units(this.#console, units)
    this.segments = new Segments(this, this.units)
    const host = {
      memory: this.memory,
      operation: (row: number, a: number, b: number) => this.#operate(row, a, b),
      load: (segment: number) => this.segments.load(segment) ?? 0,
      unload: (segment: number) => this.segments.release(segment),
    }
    this.#run = makeInterpreter(host, bigEndian)
  }

  /**
   * Runs until the system ends. `look` is called now and then; it may wait, and ends the run by returning true. Waits
   * for the console where the system does.
   */
  async run(look?: () => boolean | Promise<boolean>): Promise<PMachineEnd> {
    while (this.#end === undefined) {
      const exit = this.step(SLICE_INSTRUCTIONS)
      if (exit === Exit.wait) await this.#console.wait()
      this.#console.poll()
      if (this.#console.takeBreak()) this.#break()
      if (look && (await look())) this.#end ??= 'stopped'
    }
    return this.#end
  }

  /** Runs at most so many instructions; returns an `Exit`: `budget`, or `wait` or `halt`. */
  step(instructions: number): number {
    // What leaves generated code in between has done an instruction at least.
    for (let left = instructions; ; left = this.register(Register.budget)) {
      const exit = this.#run(Math.max(0, left))
      const remaining = this.register(Register.budget)
      if (exit === Exit.native) this.#callNative()
      else if (exit === Exit.fault || exit === Exit.callFault) {
        if (exit === Exit.callFault) this.#dropCall()
        this.fault(this.register(Register.error))
      } else {
        if (exit === Exit.halt) this.#end ??= 'halted'
        return exit
      }
      if (this.#end !== undefined) return Exit.halt
      this.setRegister(Register.budget, remaining)
    }
  }

  /** Raises an execution error: the system's own procedure is called as if from the instruction that raised it. */
  fault(error: number): void {
    this.units.abandon()
    const at = this.register(Register.instruction)
    this.setWord(this.syscom + Syscom.executionError, error)
    this.setWord(this.syscom + Syscom.bombIpc, at)
    const system = this.segments.addressOf(0)
    if (error === ExecutionError.stackOverflow) this.#makeRoom()
    // Where the evaluation stack is out of its bounds, nothing on it is worth keeping.
    if (this.depth < 0 || 2 * this.depth > STACK_BYTES) this.setRegister(Register.sp, STACK_HIGH)
    this.setRegister(Register.calls, 1)
    this.setRegister(Register.callSegment, system)
    this.setRegister(Register.callProcedure, ERROR_PROCEDURE)
    this.setRegister(Register.callLink, this.register(Register.systemFrame))
    // A budget of 0 makes the call and nothing more, so that what is known of the error can be put beside its frame.
    const exit = this.#run(0)
    if (exit !== Exit.budget) {
      // No room for the system's own answer, or no such procedure.
      this.#end = 'halted'
      return
    }
    this.setWord(this.syscom + Syscom.bombFrame, this.mp)
    this.setWord(this.mp + Frame.ipc, at)
  }
  /** The system empties the heap first thing when it hears of an overflow, so what is there may be overwritten. */
  #makeRoom(): void {
    this.setWord(this.syscom + Syscom.globalDirectory, 0)
    this.np = 0
  }
  #break(): void {
    if ((this.word(this.syscom + Syscom.miscInfo) & MiscInfo.noBreak) === 0) this.fault(ExecutionError.userBreak)
  }

  #operate(row: number, a: number, b: number): number {
    const [sp, ipc] = [this.register(Register.sp), this.register(Register.instruction)]
    const result = INSTRUCTIONS[row]?.onHost?.(this, a, b)
    if (result === undefined) return 0
    if (result === HALT) return Exit.halt
    if (result === WAIT || result === INPUT_ENDED) {
      // To be done again from its beginning.
      this.setRegister(Register.sp, sp)
      this.setRegister(Register.ipc, ipc)
      if (result === WAIT) return Exit.wait
      this.#end = 'end of input'
      return Exit.halt
    }
    this.setRegister(Register.error, result)
    return Exit.fault
  }
  standard(number: number): number | undefined {
    const procedure = BY_NUMBER.get(number)
    return procedure ? procedure.run(this) : ExecutionError.unimplemented
  }

  /** A procedure in the code of some processor. That of long integers is the interpreter's to do; others are not done. */
  #callNative(): void {
    const called = this.register(Register.callSegment)
    const segment = this.word(called) & (SEGMENT_NUMBERS - 1)
    const error = segment === LONG_INTEGER_SEGMENT ? decimalOperation(this) : ExecutionError.unimplemented
    this.#dropCall()
    if (error !== undefined) this.fault(error)
  }
  /** A call into another segment that has not come about is no use of it any more. */
  #dropCall(): void {
    const called = this.register(Register.callSegment)
    if (called !== this.seg) this.segments.release(this.word(called) & (SEGMENT_NUMBERS - 1))
  }

  useSegment(segment: number): number | undefined {
    return this.segments.use(segment)
  }
  releaseSegment(segment: number): void {
    this.segments.release(segment)
  }
  ticks(): number {
    return Number((this.#clock.realtimeNs() / NS_OF_TICK) & 0xffff_ffffn)
  }
}
