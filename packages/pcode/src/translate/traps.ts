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
interface CallSite {
  getFunctionName(): string | null
  getPosition(): number
}
/** V8's hook, https://v8.dev/docs/stack-trace-api. */
interface StackTraceApi {
  stackTraceLimit: number
  prepareStackTrace?: unknown
}
const api = Error as unknown as StackTraceApi
const MAX_FRAMES = 64

/** Makes errors thrown in `run` remember the engine's frames, so that `framesOf` can tell the guest's. */
export async function withFrames<T>(run: () => Promise<T>): Promise<T> {
  const limit = api.stackTraceLimit
  api.stackTraceLimit = MAX_FRAMES
  try {
    return await run()
  } finally {
    api.stackTraceLimit = limit
  }
}

/** The guest's routines on the stack where an error was made, innermost first. Empty in engines that do not tell. */
export function framesOf(error: object, translated: TranslatedProgram): Site[] {
  const read = (_: unknown, sites: readonly CallSite[]): Site[] => {
    const found: Site[] = []
    for (const site of sites) {
      const name = site.getFunctionName() ?? ''
      if (routineOfFunction(name) === undefined) continue
      const place = siteBefore(translated.marks.get(name) ?? [], site.getPosition())
      const known = place === undefined ? undefined : translated.sites[place]
      if (known) found.push(known)
    }
    return found
  }
  const prepare = api.prepareStackTrace
  api.prepareStackTrace = read
  try {
    const { stack } = error as { stack?: unknown }
    return Array.isArray(stack) ? (stack as Site[]) : []
  } finally {
    api.prepareStackTrace = prepare
  }
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
