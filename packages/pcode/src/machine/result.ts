import { CODE_WORDS, Field, LINE_BITS, type Program } from '../program/program.ts'
import type { SourcePosition } from '../source-position.ts'
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

/** The place of an instruction in its source: the line of its statement, and the column of the expression if it is there. */
export function placeOf(program: Program, routine: number, at: number): ProgramPlace {
  const line = program.routines[routine]?.code[at * CODE_WORDS + Field.line] ?? 0
  const file = program.sources[line >>> LINE_BITS] ?? ''
  const place = { routine: program.routines[routine]?.name ?? '', file, line: line & ((1 << LINE_BITS) - 1) }
  const exact = exactly(program, routine, at)
  return { ...place, column: exact?.line === place.line && exact.file === file ? exact.column : 0 }
}
/** The place of the expression that an instruction comes from, which may be on another line than its statement begins on. */
export function expressionPlace(program: Program, routine: number, at: number): ProgramPlace {
  const place = placeOf(program, routine, at)
  return { ...place, ...exactly(program, routine, at) }
}
function exactly(program: Program, routine: number, at: number): SourcePosition | undefined {
  const position = program.routines[routine]?.positions?.[at]
  return position === undefined ? undefined : program.locate?.(position)
}
/** Makes what the engine threw into what stopped the program; what is neither is a fault of ours and thrown on. */
export function problemOf(error: unknown): Problem | Halt {
  if (error instanceof Problem || error instanceof Halt) return error
  if (error instanceof RangeError) return new Problem(error.message.includes('stack') ? 'stack' : 'memory')
  throw error
}
