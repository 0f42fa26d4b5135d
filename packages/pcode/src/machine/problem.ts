import { type Cause, CAUSES, causeText } from './causes.ts'

/** Where in a program something happened. */
export interface ProgramPlace {
  readonly routine: string
  /** Source file, '' when unknown; line 0 when unknown. */
  readonly file: string
  readonly line: number
  /** Counted from 1; 0 when unknown. */
  readonly column: number
}

/** What stopped a program: thrown through the guest's frames, and reported as a value at their end. */
export class Problem extends Error {
  readonly reason: Cause
  readonly values: readonly number[]
  /** Number of the place in the program where it happened; -1 until it is known. */
  site: number

  constructor(cause: Cause, values: readonly number[] = [], site = -1) {
    super(causeText(cause, values))
    this.name = 'Problem'
    this.reason = cause
    this.values = values
    this.site = site
  }
  /** The stable code of the cause. */
  get code(): string {
    return CAUSES[this.reason].code
  }
}

/** Thrown to end a program in the ordinary way. */
export class Halt extends Error {
  readonly exitCode: number
  constructor(exitCode: number) {
    super(`halt ${exitCode}`)
    this.exitCode = exitCode
  }
}
