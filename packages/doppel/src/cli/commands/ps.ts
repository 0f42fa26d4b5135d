import { basename } from 'node:path'
import { type EntryState, type MachineEntry, stateOf } from '../../control/entries.ts'
import { nowMs } from '../../control/start-process.ts'
import { stateOfRunning } from '../../control/state.ts'
import type { Command } from '../command.ts'
import { ago, entriesOf, JSON_FLAG, printJson } from '../machines.ts'
import { textTable } from '../table.ts'

/** `doppel ps`: what really runs, whatever was recorded. */
export const psCommand: Command = {
  name: 'ps',
  summary: 'list the machines that run',
  usage: '[--all] [--json]',
  minArguments: 0,
  maxArguments: 0,
  flags: [
    { name: 'all', short: 'a', summary: 'those that have ended too' },
    { name: 'quiet', short: 'q', summary: 'ids only' },
    { name: 'names', summary: 'names only' },
    JSON_FLAG,
  ],
  examples: [
    ['doppel ps', 'what runs now'],
    ['doppel ps -a --json', 'all machines, for a program'],
  ],
  async run(invocation) {
    const entries = entriesOf(invocation)
    const all = await entries.all()
    const shown = await Promise.all(
      all
        .filter(entry => invocation.has('all') || stateOf(entry) === 'running')
        .map(async entry => ({ entry, state: await stateOfRunning(entries, entry) })),
    )
    if (invocation.has('json'))
      printJson(
        invocation,
        shown.map(({ entry, state }) => summary(entry, state)),
      )
    else if (invocation.has('names')) for (const { entry } of shown) invocation.streams.stdout(`${entry.name}\n`)
    else if (invocation.has('quiet')) for (const { entry } of shown) invocation.streams.stdout(`${entry.id}\n`)
    else {
      const rows = shown.map(({ entry, state }) => [
        entry.id,
        entry.name,
        entry.image,
        commandOf(entry).join(' ').slice(0, 30),
        ago(nowMs() - entry.createdMs),
        state === 'exited' ? `exited (${entry.ended?.exitCode ?? 0})` : state,
      ])
      invocation.streams.stdout(textTable([['ID', 'NAME', 'IMAGE', 'COMMAND', 'CREATED', 'STATE'], ...rows]))
    }
    return 0
  },
}

/** A machine's record for a program. */
export function summary(entry: MachineEntry, state: EntryState | 'paused'): Readonly<Record<string, unknown>> {
  const { id, name, image, createdMs, spec, pid, ended } = entry
  const known = { id, name, image, state, createdMs, pid, ended }
  if (!('options' in spec)) return { ...known, program: spec.program, command: spec.words, workingFolder: spec.folder }
  const { cpus, memoryBytes, command, disks, volumes } = spec.options
  return { ...known, cpus, memoryBytes, command, disks, volumes }
}

/** The words that a machine was started with. */
function commandOf({ spec, image }: MachineEntry): readonly string[] {
  if ('options' in spec) return spec.options.command ?? ['-']
  const words = spec.words.slice(spec.words.findIndex(word => basename(word) === image) + 1)
  return words.length > 0 ? words : ['-']
}
