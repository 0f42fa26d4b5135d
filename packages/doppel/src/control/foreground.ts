import { startOf } from '../host/process-start.ts'
import type { RunOptions } from '../cli/run-options.ts'
import type { Machine } from '../sdk/machine.ts'
import { type Entries, imageName } from './entries.ts'
import { nowMs } from './start-process.ts'
import { serveControl } from './server.ts'

/**
 * Records a machine that runs in this terminal's own process, so that `doppel ps` shows it and the other commands reach
 * it. Returns what takes the record back. Throws `machine.name`.
 */
export async function listForeground(
  machine: Machine,
  all: RunOptions,
  entries: Entries,
  name: string | undefined,
): Promise<() => Promise<void>> {
  const { env: _, ...options } = all
  const entry = await entries.create({ options, remove: true }, imageName(options), nowMs(), name)
  const server = await serveControl(machine, entries.pathOf(entry.id, 'control.sock'))
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
