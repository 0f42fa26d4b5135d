import { basename, dirname, resolve } from 'node:path'
import { DoppelError, hostClock, parseSize } from '@doppel/base'
import {
  DEFAULT_MEMORY_BYTES,
  type FilePort,
  Halt,
  Problem,
  type Program,
  type ProgramPlace,
  type RunResult,
  runProgram,
} from '@doppel/pcode'
import type { Invocation, Streams } from '../cli/command.ts'
import { readTimeout } from '../cli/read-timeout.ts'
import type { ProgramRun, ProgramWorld } from '../program/program-world.ts'
import { runProgramAsAsked } from '../program/run-program.ts'
import type { ProgramTurns } from '../program/turns.ts'
import { allowDeepStacks } from './deep-stacks.ts'
import { checkBindings, programFiles, readBindings } from './program-files.ts'
import { loadProgram, readIncluded, readSource } from './sources.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124
/** Memory for the variables of a program’s calls: only addresses, until they are used. */
const STACK_BYTES = 0x2000_0000
/** How the reals of a program are written in floating form. */
export const REAL_STYLE = { exponentLetter: 'e', exponentDigits: 2 } as const

/** A program that has been compiled, and what its command line says of it. */
interface PreparedProgram {
  readonly path: string
  readonly text: string
  readonly program: Program
  readonly bindings: ReadonlyMap<string, string>
}

/** Compiles a program and reads its bindings; undefined after what is wrong with it was printed. Throws `pascal.*`. */
async function prepared(invocation: Invocation): Promise<PreparedProgram | undefined> {
  const [path = '', ...words] = invocation.arguments
  const bindings = readBindings([...words, ...(invocation.rest ?? [])])
  const text = readSource(path)
  const program = await loadProgram(invocation, path, text)
  if (program === undefined) return undefined
  checkBindings(program, bindings)
  return { path, text, program, bindings }
}

/** Compiles a program and runs it as its command line says: its exit status. Throws `pascal.*`. */
export async function runPascal(invocation: Invocation): Promise<number> {
  const ready = await prepared(invocation)
  if (ready === undefined) return 1
  if (invocation.has('debug')) {
    if (invocation.has('detach'))
      throw new DoppelError('cli.arguments', '--debug is for a terminal; leave out --detach')
    const { debugInTerminal } = await import('./debug-terminal.ts')
    return await debugInTerminal(ready.program, ready, invocation.streams)
  }
  return await runProgramAsAsked(invocation, {
    program: 'pascal',
    image: basename(ready.path),
    words: invocation.words,
    start: world => Promise.resolve(start(invocation, ready, world)),
  })
}

/** Records a program, to be started later: the exit status. Throws `pascal.*`. */
export async function createPascal(invocation: Invocation): Promise<number> {
  const ready = await prepared(invocation)
  if (ready === undefined) return 1
  const { createRecorded } = await import('../program/record-program.ts')
  return await createRecorded(invocation, {
    program: 'pascal',
    image: basename(ready.path),
    words: invocation.words,
  })
}

/** Starts a program as a command line says. Throws `pascal.*`. */
export async function startPascal(invocation: Invocation, world: ProgramWorld): Promise<ProgramRun> {
  const ready = await prepared(invocation)
  if (ready === undefined) {
    const [path] = invocation.arguments
    throw new DoppelError('pascal.rejected', `${path} has errors; doppel pascal check ${path} shows them`, { path })
  }
  return start(invocation, ready, world)
}

function start(invocation: Invocation, ready: PreparedProgram, world: ProgramWorld): ProgramRun {
  const { program, bindings, path, text } = ready
  const timeoutMs = readTimeout(invocation.value('timeout'))
  const memory = invocation.value('memory')
  const memoryBytes = memory === undefined ? DEFAULT_MEMORY_BYTES : parseSize(memory)
  const ending = new AbortController()
  let ended: Problem | Halt | undefined
  const end = (reason: Problem | Halt): void => {
    ended ??= reason
    ending.abort(ended)
    world.standard?.input.cut()
  }
  const timeUp = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => end(new Problem('budget')), timeoutMs)
  allowDeepStacks()
  const run = async (): Promise<number> => {
    const result = await runProgram(program, {
      files: heldFiles(programFiles(bindings, ending.signal, world.standard), world.turns),
      realStyle: REAL_STYLE,
      clock: hostClock(),
      stackBytes: STACK_BYTES,
      memoryBytes,
      look: () => {
        if (performance.now() > timeUp) end(new Problem('budget'))
        if (ended) throw ended
        return world.turns.look()
      },
    })
    clearTimeout(timer)
    if (ended instanceof Halt) return ended.exitCode
    if (result.problem) printProblem(world.streams, linesOf(path, text), result)
    if (invocation.has('leaks') && result.leakedBlocks > 0) {
      world.streams.stderr(
        `${result.leakedBlocks} variables of new, ${result.leakedBytes} bytes, were not disposed of\n`,
      )
    }
    return result.problem?.reason === 'budget' ? TIMED_OUT : result.exitCode
  }
  return { status: run(), end: status => end(new Halt(status)), memoryLimitBytes: memoryBytes }
}

/** Files whose waits for input end when the program may go on. */
function heldFiles(files: FilePort, turns: ProgramTurns): FilePort {
  return {
    ...files,
    reset: name => {
      const stream = files.reset(name)
      return (
        stream && {
          read: () => {
            const piece = stream.read()
            return piece instanceof Promise ? turns.after(piece) : piece
          },
          close: () => stream.close?.(),
        }
      )
    },
  }
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
