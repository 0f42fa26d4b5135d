import { DoppelError } from '@doppel/base'
import type { Flag, Invocation } from '../cli/command.ts'
import type { ProgramKind } from '../control/entries.ts'
import { onEndingSignal } from '../host/signals.ts'
import type { ProgramRun, ProgramWorld } from './program-world.ts'
import { ProgramTurns } from './turns.ts'

/** What it takes to list a program costs 0.2 s, which those that end sooner should not pay. */
const LISTED_AFTER_MS = 2000

/** Flags of `doppel run` that mean to programs what they mean to computers. */
export const LIFE_FLAGS: readonly Flag[] = [
  { name: 'detach', short: 'd', summary: 'leave the program running, and print its id (see doppel ps)' },
  { name: 'name', value: 'NAME', summary: 'what to call it (see doppel ps)' },
  { name: 'rm', summary: 'forget it when it has ended (with --detach)' },
  { name: 'cap', value: 'FRACTION', summary: "the most it may have of a processor's time, e.g. 0.5" },
  { name: 'json', summary: 'print the id as JSON (with --detach)' },
]

/** A program that a command line asks for. */
export interface AskedProgram {
  readonly program: ProgramKind
  /** What `doppel ps` calls it. */
  readonly image: string
  /** The words by which `startProgram` starts it again. */
  readonly words: readonly string[]
  /** Begins it. Throws what is wrong with it. */
  start(world: ProgramWorld): Promise<ProgramRun>
}

/** Runs a program as a command line says: here, with its exit status, or in a process of its own. */
export async function runProgramAsAsked(invocation: Invocation, asked: AskedProgram): Promise<number> {
  if (invocation.has('detach')) {
    const { startRecorded } = await import('./record-program.ts')
    return await startRecorded(invocation, asked)
  }
  if (invocation.has('rm')) throw new DoppelError('cli.arguments', '--rm is for programs of their own; add --detach')
  const turns = new ProgramTurns()
  // Others see it by its name at once, and a cap holds from the beginning.
  const isListedFirst = invocation.has('name') || invocation.has('cap')
  if (isListedFirst) void turns.hold()
  const run = await asked.start({ streams: invocation.streams, turns })
  let unlist: Promise<() => Promise<void>> | undefined
  const list = async (): Promise<() => Promise<void>> => {
    const { listProgram } = await import('./record-program.ts')
    return await listProgram(invocation, asked, run, turns)
  }
  if (isListedFirst) unlist = list()
  const timer = setTimeout(() => {
    unlist ??= list()
    // What cannot be listed runs all the same.
    unlist.catch(() => undefined)
  }, LISTED_AFTER_MS)
  const ignoreSignals =
    run.ask === undefined
      ? onEndingSignal(status => {
          run.end(status)
          turns.finish()
        })
      : () => undefined
  try {
    if (isListedFirst) await unlist?.finally(() => turns.release())
    return await run.status
  } catch (error) {
    run.end(1)
    turns.finish()
    throw error
  } finally {
    clearTimeout(timer)
    ignoreSignals()
    await unlist?.then(
      end => end(),
      () => undefined,
    )
  }
}
