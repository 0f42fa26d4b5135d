import { call } from './client.ts'
import { type Entries, type EntryState, type MachineEntry, stateOf } from './entries.ts'

/** A machine's state as its process tells it: only that knows whether it is paused. */
export async function stateOfRunning(entries: Entries, entry: MachineEntry): Promise<EntryState | 'paused'> {
  const state = stateOf(entry)
  if (state !== 'running') return state
  const answer = await call(entries.pathOf(entry.id, 'control.sock'), { op: 'inspect' }).catch(() => ({}))
  return (answer as { state?: unknown }).state === 'paused' ? 'paused' : state
}
