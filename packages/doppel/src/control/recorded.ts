import { rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startOf } from '../host/process-start.ts'
import type { Entries, MachineEntry } from './entries.ts'
import { nowMs } from './start-process.ts'

/** Clients that are still connected get their answers. */
const LEAVE_MS = 20

/** A machine that this process is there for, as others find it. */
export interface RecordedMachine {
  /** Records how it ended, and ends the process. */
  ended(kind: string, exitCode: number): Promise<never>
  /** Ends the process and leaves the record, which is another's by now. */
  leave(): Promise<never>
}

/** Records that this process runs a machine, which `serve` serves on a socket. */
export async function recordMachine(
  entries: Entries,
  entry: MachineEntry,
  serve: (path: string) => Promise<Server>,
): Promise<RecordedMachine> {
  const { id, spec } = entry
  const socket = entries.pathOf(id, 'control.sock')
  await rm(socket, { force: true })
  const server = await serve(socket)
  const pidStarted = startOf(process.pid)
  const running: MachineEntry = { ...entry, pid: process.pid, ...(pidStarted === undefined ? {} : { pidStarted }) }
  await entries.write(running)
  const leave = async (): Promise<never> => {
    await sleep(LEAVE_MS)
    process.exit(0)
  }
  return {
    leave,
    ended: async (kind, exitCode) => {
      if (spec.remove) await entries.remove(id)
      else await entries.write({ ...running, ended: { kind, exitCode, atMs: nowMs() } })
      server.close()
      await rm(socket, { force: true })
      return await leave()
    },
  }
}
