import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Invocation } from '../cli/command.ts'
import { entriesOf, printNames } from '../cli/machines.ts'
import { readFraction } from '../cli/run-options.ts'
import type { MachineEntry, ProgramSpec } from '../control/entries.ts'
import { listHere } from '../control/foreground.ts'
import { serveControl } from '../control/server.ts'
import { nowMs, startProcess } from '../control/start-process.ts'
import { ProgramMachine } from './program-machine.ts'
import { PROGRAM_OPERATIONS } from './program-process.ts'
import type { ProgramRun } from './program-world.ts'
import type { AskedProgram } from './run-program.ts'
import type { ProgramTurns } from './turns.ts'

type Recorded = Pick<AskedProgram, 'program' | 'image' | 'words'>

/** Records a program that is to have a process of its own. Throws `machine.name`, `cli.flag-value`. */
async function recordProgram(invocation: Invocation, asked: Recorded): Promise<MachineEntry> {
  const spec = specOf(invocation, asked, invocation.has('rm'))
  return await entriesOf(invocation).create(spec, asked.image, nowMs(), invocation.value('name'))
}

/** The same, and prints what it is called: the exit status of the command. */
export async function createRecorded(invocation: Invocation, asked: Recorded): Promise<number> {
  printNames(invocation, [(await recordProgram(invocation, asked)).id])
  return 0
}

/** The same, and starts it: the exit status of the command, once it runs. */
export async function startRecorded(invocation: Invocation, asked: Recorded): Promise<number> {
  const entry = await recordProgram(invocation, asked)
  printNames(invocation, [(await startProcess(entriesOf(invocation), entry)).id])
  return 0
}

/** Makes a program that runs in this process known to other commands; returns what takes that back. Throws `machine.name`. */
export async function listProgram(
  invocation: Invocation,
  asked: Recorded,
  run: ProgramRun,
  turns: ProgramTurns,
): Promise<() => Promise<void>> {
  const spec = specOf(invocation, asked, true)
  const machine = new ProgramMachine({ kind: asked.program, run, turns, limits: spec.limits })
  // How it ended is for whoever waits for the program itself.
  machine.wait().catch(() => undefined)
  let removeNow = (): void => undefined
  const record = { spec, image: asked.image, name: invocation.value('name') }
  const unlist = await listHere(entriesOf(invocation), record, path => {
    // Some ends leave no time.
    removeNow = () => rmSync(dirname(path), { recursive: true, force: true })
    process.once('exit', removeNow)
    return serveControl(machine, path, PROGRAM_OPERATIONS)
  })
  return async () => {
    process.off('exit', removeNow)
    await unlist()
  }
}

function specOf(invocation: Invocation, { program, words }: Recorded, remove: boolean): ProgramSpec {
  const cap = readFraction('cap', invocation.value('cap'))
  return { program, words, folder: process.cwd(), limits: cap === undefined ? {} : { cap }, remove }
}
