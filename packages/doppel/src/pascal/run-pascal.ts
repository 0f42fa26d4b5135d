import { dirname, resolve } from 'node:path'
import { hostClock } from '@doppel/base'
import { Problem, type ProgramPlace, type RunResult, runProgram } from '@doppel/pcode'
import type { Invocation, Streams } from '../cli/command.ts'
import { readTimeout } from '../cli/read-timeout.ts'
import { allowDeepStacks } from './deep-stacks.ts'
import { checkBindings, programFiles, readBindings } from './program-files.ts'
import { loadProgram, readIncluded, readSource } from './sources.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124
/** Memory for the variables of a program’s calls: only addresses, until they are used. */
const STACK_BYTES = 0x2000_0000
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
    clock: hostClock(),
    stackBytes: STACK_BYTES,
    look: () => {
      if (isOver()) throw new Problem('budget')
      return undefined
    },
  })
  clearTimeout(timer)
  if (result.problem) printProblem(invocation.streams, linesOf(path, text), result)
  if (invocation.has('leaks') && result.leakedBlocks > 0) {
    invocation.streams.stderr(
      `${result.leakedBlocks} variables of new, ${result.leakedBytes} bytes, were not disposed of\n`,
    )
  }
  return result.problem?.reason === 'budget' ? TIMED_OUT : result.exitCode
}

/** The lines of a program's files; undefined for those that cannot be read any more. */
function linesOf(path: string, text: string): (file: string, line: number) => string | undefined {
  return (file, line) => {
    if (file === '') return undefined
    const whole = file === path ? text : readIncluded(resolve(dirname(path), file))
    return whole?.split('\n')[line - 1]
  }
}

/** Says what stopped the program, at which place, and how it came there. `lineOf` gives lines of its files. */
function printProblem(
  streams: Streams,
  lineOf: (file: string, line: number) => string | undefined,
  { problem, trace }: RunResult,
): void {
  const [place, ...callers] = trace
  const where = place === undefined || place.line === 0 ? '' : `${placeText(place)}: `
  streams.stderr(`${where}error: ${problem?.message} [${problem?.code}]\n`)
  const line = place && lineOf(place.file, place.line)
  if (place && line !== undefined) streams.stderr(`${place.line} | ${line.trimEnd()}\n${markText(place, line)}`)
  if (place) streams.stderr(`  in ${place.routine}\n`)
  for (const caller of callers.slice(0, MAX_CALLERS)) {
    streams.stderr(`  called by ${caller.routine} at ${caller.file}:${caller.line}\n`)
  }
  if (callers.length > MAX_CALLERS) streams.stderr(`  … and ${callers.length - MAX_CALLERS} more\n`)
}

function placeText({ file, line, column }: ProgramPlace): string {
  return `${file || 'source'}:${line}${column === 0 ? '' : `:${column}`}`
}
/** A line with carets below the word or symbol that begins at the place. */
function markText({ line, column }: ProgramPlace, text: string): string {
  if (column === 0) return ''
  const [word = ' '] = /^(?:\w+|.)/.exec(text.slice(column - 1)) ?? []
  // Tabs stay tabs, so that the caret stands below what it means at any width of them.
  const indent = text.slice(0, column - 1).replace(/[^\t]/g, ' ')
  return `${' '.repeat(String(line).length)} | ${indent}${'^'.repeat(word.length)}\n`
}

const MAX_CALLERS = 10
