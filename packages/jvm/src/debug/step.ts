import { lineAt } from '../class-file/code.ts'
import type { ClassFile } from '../class-file/parse.ts'
import type { Method } from '../runtime/classes.ts'
import type { DebugFrame } from './threads.ts'

/** Step depths and sizes (JDWP, “StepDepth”, “StepSize”). */
export const DEPTH = { into: 0, over: 1, out: 2 } as const
export const SIZE = { instruction: 0, line: 1 } as const

/** A step that a thread is about to take: where it began. */
export interface Step {
  readonly request: number
  readonly size: number
  readonly depth: number
  readonly frames: number
  readonly method: Method | undefined
  readonly line: number
}

/** The line of an instruction; -1 when it is not known. */
export function lineOf(method: Method, at: number): number {
  return method.code ? lineAt(method.owner.file as ClassFile, method.code, at) : -1
}

/** A step that begins at the innermost of these frames. */
export function beginStep(request: number, size: number, depth: number, frames: readonly DebugFrame[]): Step {
  const top = frames[frames.length - 1]
  return {
    request,
    size,
    depth,
    frames: frames.length,
    method: top?.method,
    line: top ? lineOf(top.method, top.at) : -1,
  }
}

/** Whether the step ends where the innermost frame is now. */
export function stepEnds(step: Step, frames: readonly DebugFrame[]): boolean {
  if (frames.length < step.frames) return true
  if (step.depth === DEPTH.out) return false
  if (frames.length > step.frames) return step.depth === DEPTH.into
  const top = frames[frames.length - 1] as DebugFrame
  if (step.size === SIZE.instruction || top.method !== step.method) return true
  return lineOf(top.method, top.at) !== step.line
}
