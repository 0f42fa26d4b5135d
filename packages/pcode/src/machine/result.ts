import { CODE_WORDS, Field, LINE_BITS, type Program } from '../program/program.ts'
import { Halt, Problem, type ProgramPlace } from './problem.ts'

/** How a run ended. */
export interface RunResult {
  readonly exitCode: number
  /** What stopped it, when that was not its own end. */
  readonly problem: Problem | undefined
  /** Where, innermost first; empty when it ended by itself. */
  readonly trace: readonly ProgramPlace[]
  /** Heap variables never disposed of, and their bytes. */
  readonly leakedBlocks: number
  readonly leakedBytes: number
}

/** The exit status of a program that was stopped for breaking a rule. */
export const PROBLEM_STATUS = 1

/** The place of an instruction in its source. */
export function placeOf(program: Program, routine: number, at: number): ProgramPlace {
  const line = program.routines[routine]?.code[at * CODE_WORDS + Field.line] ?? 0
  const file = program.sources[line >>> LINE_BITS] ?? ''
  const place = { routine: program.routines[routine]?.name ?? '', file, line: line & ((1 << LINE_BITS) - 1) }
  const position = program.routines[routine]?.positions?.[at]
  const at1 = position === undefined ? undefined : program.locate?.(position)
  // An expression may begin on another line than its statement, which is the one that people look for.
  return { ...place, column: at1?.line === place.line && at1.file === file ? at1.column : 0 }
}
/** Makes what the engine threw into what stopped the program; what is neither is a fault of ours and thrown on. */
export function problemOf(error: unknown): Problem | Halt {
  if (error instanceof Problem || error instanceof Halt) return error
  if (error instanceof RangeError) return new Problem(error.message.includes('stack') ? 'stack' : 'memory')
  throw error
}
