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
  /** Undefined where no code is left in the file. */
  readonly line: number | undefined
}

/** How far a program is to run: to a breakpoint, or to the next line, entering what it calls, not entering it, or after it has returned. */
export type SourceRun = 'continue' | 'into' | 'over' | 'out'

/** Why a program stands still. A `problem` is what ends it, seen where it happened. */
export interface SourceStop {
  readonly reason: 'entry' | 'breakpoint' | 'step' | 'pause' | 'problem'
  /** For people: what is wrong, for a problem. */
  readonly text?: string
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

/**
 * A program that is debugged by its source. Everything but `pause` is asked only while it stands still; frames are numbered from the
 * innermost on, and hold until it runs.
 */
export interface SourceTarget {
  /** The files that its code comes from; the first is the main one. */
  readonly files: readonly string[]
  /** Replaces all breakpoints of a file. Throws `debug.expression` for a condition that cannot be read. */
  setBreakpoints(file: string, breakpoints: readonly SourceBreakpoint[]): readonly PlacedBreakpoint[]
  /** Replaces all breakpoints at the beginnings of routines; undefined for a name that no routine has. */
  setRoutineBreakpoints(names: readonly string[]): readonly (SourceFrame | undefined)[]
  run(how: SourceRun): Promise<SourceStop | SourceEnd>
  /** Stops it soon; it may be waiting for input. */
  pause(): void
  frames(): readonly SourceFrame[]
  scopes(frame: number): readonly SourceScope[]
  /** The value of an expression as a frame sees it. Throws `debug.expression` and `debug.value`. */
  evaluate(frame: number, expression: string): SourceValue
  /** Called with what breakpoints have to tell. */
  onMessage: ((text: string) => void) | undefined
}
