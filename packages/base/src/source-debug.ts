/** Where a program is to stop in its source, and when. */
export interface SourceBreakpoint {
  readonly line: number
  /** An expression of the program's language; stops where it is true. */
  readonly condition?: string | undefined
  /** Stops at the so-many-th arrival and each one after it. */
  readonly hits?: number | undefined
  /** Is told, with `{expressions}` put in, in place of stopping. */
  readonly message?: string | undefined
}

/** A breakpoint as it was placed: on its line, or the next that has code. */
export interface PlacedBreakpoint {
  /** Undefined where it stops nothing: no code is left in the file, or there is a problem. */
  readonly line: number | undefined
  /** For people: why it was not placed, e.g. what is wrong with its condition. */
  readonly problem?: string
}

/** How far a program is to run: to a breakpoint, or to the next line, entering what it calls, not entering it, or after it has returned. */
export type SourceRun = 'continue' | 'into' | 'over' | 'out'

/** How far a program is to go back: to the line before, to a breakpoint or the last write of what is watched, by one instruction. */
export type SourceReturn = 'over' | 'continue' | 'instruction'

/** Why a program stands still: 'data' is an access to what is watched. A `problem` is what ends it, seen where it happened. */
export interface SourceStop {
  readonly reason: 'entry' | 'breakpoint' | 'step' | 'pause' | 'problem' | 'data'
  /** For people: what is wrong, for a problem; what was written, for data. */
  readonly text?: string
  /** The thread that stopped all of them; 0 where absent. */
  readonly thread?: number
}

/** A line of control that has frames of its own. */
export interface SourceThread {
  readonly id: number
  readonly name: string
}

/** A program that has ended. */
export interface SourceEnd {
  readonly reason: 'ended'
  readonly exitCode: number
}

/** An activation of a routine; line 0 when it is not known. */
export interface SourceFrame {
  readonly name: string
  readonly file: string
  readonly line: number
  /** Where its code is, of a program that is a machine's code. */
  readonly address?: bigint
}

/** A value as people read it. */
export interface SourceValue {
  readonly text: string
  /** Its type as the language writes it. */
  readonly type: string
  /** Parts that it has: fields or elements. */
  readonly parts: number
  /** Those parts, from one on, so many at most. */
  part(first: number, count: number): readonly SourceVariable[]
  /** Gives the variable that it was read of another value, in the language's words. Throws `debug.*`; undefined where it cannot be written. */
  readonly assign?: ((text: string) => void) | undefined
  /** Where it is, or leads to, in memory, and how many bytes it has there. */
  readonly memory?: { readonly address: bigint; readonly lengthBytes: number } | undefined
}

/** A value by its name. */
export interface SourceVariable {
  readonly name: string
  readonly value: SourceValue
}

/** Variables that are seen from a frame: its own, those around it, the program's. */
export interface SourceScope {
  readonly name: string
  readonly variables: () => readonly SourceVariable[]
}

/** An instruction as it is shown. */
export interface ShownInstruction {
  readonly address: bigint
  /** Its bytes in hexadecimal digits, as they lie in memory; empty where there are none. */
  readonly bytes: string
  readonly text: string
  /** The name of the code that it begins. */
  readonly symbol?: string | undefined
  readonly place?: { readonly file: string; readonly line: number } | undefined
}

/** What is to be watched. */
export interface DataBreakpoint {
  readonly address: bigint
  readonly lengthBytes: number
  /** 'write' stops where the value becomes another one. */
  readonly kind: 'read' | 'write' | 'access'
  /** What it is called, for people. */
  readonly name: string
}

/** What lies below the source of a program that is a machine's code. Asked as `SourceTarget` is. */
export interface SourceMachine {
  /** As many bytes as can be read from there on. */
  readMemory(address: bigint, lengthBytes: number): Uint8Array
  /** False when not all of it is memory that can be written; then part of it may have been. */
  writeMemory(address: bigint, bytes: Uint8Array): boolean
  /** So many instructions, from so many (less than 0: before) after the one at an address on. */
  disassemble(address: bigint, first: number, count: number): readonly ShownInstruction[]
  /** Runs one instruction of a thread. */
  step(thread: number): Promise<SourceStop | SourceEnd>
  /** Replaces all breakpoints at addresses. */
  setInstructionBreakpoints(addresses: readonly bigint[]): void
  /** Replaces all that is watched; says for each why it cannot be, undefined where it is. */
  setDataBreakpoints(watched: readonly DataBreakpoint[]): readonly (string | undefined)[]
}

/**
 * A program that is debugged by its source. Frames are numbered from a thread's innermost on, and hold until it runs. `pause` and the
 * breakpoints may be asked for while it runs; everything else only while it stands still.
 */
export interface SourceTarget {
  /** The files that its code comes from; the first is the main one. */
  readonly files: readonly string[]
  /** Replaces all breakpoints of a file; says of each, in their order, where it is. */
  setBreakpoints(file: string, breakpoints: readonly SourceBreakpoint[]): readonly PlacedBreakpoint[]
  /** Replaces all breakpoints at the beginnings of routines; undefined for a name that no routine has. */
  setRoutineBreakpoints(names: readonly string[]): readonly (SourceFrame | undefined)[]
  /** Steps are a thread's; all others run too. */
  run(how: SourceRun, thread?: number): Promise<SourceStop | SourceEnd>
  /** Goes back; absent where what was is not kept. Ends at the beginning of what is known at the latest. */
  readonly goBack?: ((how: SourceReturn, thread: number) => Promise<SourceStop>) | undefined
  /** Stops it soon; it may be waiting for input. */
  pause(): void
  /** Absent where there is but one. */
  readonly threads?: (() => readonly SourceThread[]) | undefined
  frames(thread?: number): readonly SourceFrame[]
  scopes(frame: number, thread?: number): readonly SourceScope[]
  /** The value of an expression as a frame sees it. Throws `debug.expression` and `debug.value`. */
  evaluate(frame: number, expression: string, thread?: number): SourceValue
  readonly machine?: SourceMachine | undefined
  /** Called with what breakpoints have to tell. */
  onMessage: ((text: string) => void) | undefined
}
