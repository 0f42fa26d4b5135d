import { DoppelError } from '@doppel/base'
import { Entries, type MachineEntry, runtimeFolder, stateOf } from '../control/entries.ts'
import { call, type CallStreams } from '../control/client.ts'
import type { Flag, Invocation } from './command.ts'

/** `--json`, as every command that prints has it. */
export const JSON_FLAG: Flag = { name: 'json', summary: 'print JSON' }

/** The records of this user's machines. */
export function entriesOf({ env }: Invocation): Entries {
  return new Entries(runtimeFolder(env))
}

/** The machine that a command names. Throws `machine.not-found`, and `machine.state` unless it runs. */
export async function runningEntry(invocation: Invocation, which: string): Promise<MachineEntry> {
  const entry = await entriesOf(invocation).find(which)
  const state = stateOf(entry)
  if (state !== 'running') {
    throw new DoppelError('machine.state', `${entry.name} is ${state}; expected a machine that runs`, { which, state })
  }
  return entry
}

/** Asks a running machine to do something. Throws what `runningEntry` and the machine's process throw. */
export async function ask(
  invocation: Invocation,
  which: string,
  message: Readonly<Record<string, unknown>>,
  streams: CallStreams = {},
): Promise<Readonly<Record<string, unknown>>> {
  const entry = await runningEntry(invocation, which)
  return await call(entriesOf(invocation).pathOf(entry.id, 'control.sock'), message, streams)
}

/** Prints a value as JSON. */
export function printJson({ streams }: Invocation, value: unknown): void {
  streams.stdout(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** Prints names, or ids, of what was made or changed: a line each, or a JSON list. */
export function printNames(invocation: Invocation, names: readonly string[]): void {
  if (invocation.has('json')) printJson(invocation, names)
  else for (const name of names) invocation.streams.stdout(`${name}\n`)
}

/** How long ago, in one unit, as people say it. */
export function ago(ms: number): string {
  for (const [unit, length] of [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const) {
    const count = Math.floor(ms / length)
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`
  }
  return `${Math.max(0, Math.floor(ms / 1000))} s ago`
}
