import { Problem, type RunResult, runProgram } from '@doppel/pcode'
import type { Invocation, Streams } from '../cli/command.ts'
import { readTimeout } from '../cli/read-timeout.ts'
import { allowDeepStacks } from './deep-stacks.ts'
import { checkBindings, programFiles, readBindings } from './program-files.ts'
import { loadProgram, readSource } from './sources.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124
/** How the reals of a program are written in floating form. */
export const REAL_STYLE = { exponentLetter: 'e', exponentDigits: 2 } as const

/** Compiles a program and runs it on this computer's files and streams: its exit status. Throws `pascal.*`. */
export async function runPascal(invocation: Invocation): Promise<number> {
  const [path = '', ...words] = invocation.arguments
  const bindings = readBindings([...words, ...(invocation.rest ?? [])])
  const text = readSource(path)
  const program = await loadProgram(invocation, path, text)
  if (program === undefined) return 1
  checkBindings(program, bindings)
  if (invocation.has('debug')) {
    const { debugInTerminal } = await import('./debug-terminal.ts')
    return await debugInTerminal(program, { path, text, bindings }, invocation.streams)
  }
  const timeoutMs = readTimeout(invocation.value('timeout'))
  const ending = new AbortController()
  const start = performance.now()
  const isOver = (): boolean => timeoutMs !== undefined && performance.now() - start > timeoutMs
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => ending.abort(new Problem('budget')), timeoutMs)
  allowDeepStacks()
  const result = await runProgram(program, {
    files: programFiles(bindings, ending.signal),
    realStyle: REAL_STYLE,
    look: () => {
      if (isOver()) throw new Problem('budget')
      return undefined
    },
  })
  clearTimeout(timer)
  if (result.problem) printProblem(invocation.streams, text, result)
  if (invocation.has('leaks') && result.leakedBlocks > 0) {
    invocation.streams.stderr(
      `${result.leakedBlocks} variables of new, ${result.leakedBytes} bytes, were not disposed of\n`,
    )
  }
  return result.problem?.reason === 'budget' ? TIMED_OUT : result.exitCode
}

/** Says what stopped the program, at which line, and how it came there. */
function printProblem(streams: Streams, text: string, { problem, trace }: RunResult): void {
  const [place, ...callers] = trace
  const where = place === undefined || place.line === 0 ? '' : `${place.file || 'source'}:${place.line}: `
  streams.stderr(`${where}error: ${problem?.message} [${problem?.code}]\n`)
  const line = place === undefined || place.file === '' ? undefined : text.split('\n')[place.line - 1]
  if (place && line !== undefined) streams.stderr(`${place.line} | ${line.trimEnd()}\n`)
  if (place) streams.stderr(`  in ${place.routine}\n`)
  for (const caller of callers.slice(0, MAX_CALLERS)) {
    streams.stderr(`  called by ${caller.routine} at ${caller.file}:${caller.line}\n`)
  }
  if (callers.length > MAX_CALLERS) streams.stderr(`  … and ${callers.length - MAX_CALLERS} more\n`)
}

const MAX_CALLERS = 10
