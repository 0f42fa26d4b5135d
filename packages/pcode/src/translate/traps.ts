import { type EngineFrame, engineStacks, readFrames } from '@doppel/wasm'
import { CAUSE_LIST, type Cause } from '../machine/causes.ts'
import { Problem } from '../machine/problem.ts'
import { Field, CODE_WORDS, type Program } from '../program/program.ts'
import { Row } from '../rows/p5.ts'
import { routineOfFunction, type TranslatedProgram } from './module.ts'

/** Where an instruction is. */
export interface Site {
  readonly routine: number
  readonly at: number
}
const MAX_FRAMES = 64

/** Makes errors thrown in `run` remember the engine's frames, so that `framesOf` can tell the guest's. */
export async function withFrames<T>(run: () => Promise<T>): Promise<T> {
  const limit = engineStacks.stackTraceLimit
  engineStacks.stackTraceLimit = MAX_FRAMES
  try {
    return await run()
  } finally {
    engineStacks.stackTraceLimit = limit
  }
}

/** The guest's routines on the stack where an error was made, innermost first. Empty in engines that do not tell. */
export function framesOf(error: object, translated: TranslatedProgram): Site[] {
  const found: Site[] = []
  const read = (frames: readonly EngineFrame[]): void => {
    for (const frame of frames) {
      const name = frame.getFunctionName() ?? ''
      if (routineOfFunction(name) === undefined) continue
      const place = siteBefore(translated.marks.get(name) ?? [], frame.getPosition())
      const known = place === undefined ? undefined : translated.sites[place]
      if (known) found.push(known)
    }
  }
  readFrames(error, read)
  return found
}
/** The site of the last mark at or before a byte offset. */
function siteBefore(marks: readonly number[], offset: number): number | undefined {
  let found: number | undefined
  for (let i = 0; i < marks.length && (marks[i] as number) <= offset; i += 2) found = marks[i + 1]
  return found
}

/** What a WebAssembly trap means to the program: the engine's own message says which it was. */
export function problemOfTrap(message: string, program: Program, site: Site | undefined): Problem {
  if (/divide|overflow|unrepresentable/.test(message)) return new Problem('overflow')
  if (/signature|table|null function/.test(message)) return new Problem('procedure')
  const row = site && program.routines[site.routine]?.code[site.at * CODE_WORDS + Field.row]
  // A check of a pointer reads right before what it points to; what was never assigned points nowhere.
  return new Problem(row === Row.chka || row === Row.ckla ? 'pointer' : 'memory')
}

/** The cause of this number. */
export function causeOf(number: number): Cause {
  return CAUSE_LIST[number] ?? 'memory'
}
