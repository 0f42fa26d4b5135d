import type { Server } from 'node:net'
import { startOf } from '../host/process-start.ts'
import type { RunOptions } from '../cli/run-options.ts'
import type { Machine } from '../sdk/machine.ts'
import { type Entries, imageName, type MachineEntry } from './entries.ts'
import { OPERATIONS } from './operations.ts'
import { nowMs } from './start-process.ts'
import { serveControl } from './server.ts'

/**
 * Records a computer that runs in this terminal's own process, so that `doppel ps` shows it and the other commands reach
 * it. Returns what takes the record back. Throws `machine.name`.
 */
export async function listForeground(
  machine: Machine,
  all: RunOptions,
  entries: Entries,
  name: string | undefined,
): Promise<() => Promise<void>> {
  const { env: _, ...options } = all
  const record = { spec: { options, remove: true }, image: imageName(options), name }
  return await listHere(entries, record, path => serveControl(machine, path, OPERATIONS))
}

/** Records a machine of this process that `serve` serves on a socket; returns what takes the record back. Throws `machine.name`. */
export async function listHere(
  entries: Entries,
  { spec, image, name }: Pick<MachineEntry, 'spec' | 'image'> & { readonly name: string | undefined },
  serve: (path: string) => Promise<Server>,
): Promise<() => Promise<void>> {
  const entry = await entries.create(spec, image, nowMs(), name)
  const server = await serve(entries.pathOf(entry.id, 'control.sock'))
  const pidStarted = startOf(process.pid)
  await entries.write({
    ...entry,
    foreground: true,
    pid: process.pid,
    ...(pidStarted === undefined ? {} : { pidStarted }),
  })
  return async () => {
    server.close()
    await entries.remove(entry.id)
  }
}
