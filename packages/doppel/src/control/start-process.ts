import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, createWriteStream, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { DoppelError, hostClock } from '@doppel/base'
import { type Entries, type MachineEntry, stateOf } from './entries.ts'
import { jailFlags } from './isolation.ts'

/** The word that makes a doppel process the home of one machine; not for people. */
export const MACHINE_PROCESS = 'machine-process'

const clock = hostClock()
/** Milliseconds since 1970. */
export const nowMs = (): number => Number(clock.realtimeNs() / 1_000_000n)
const POLL_MS = 20
/**
 * Starts the process, or thread, of a machine that has been recorded; resolves when it takes orders. Throws why it failed.
 */
export async function startProcess(entries: Entries, entry: MachineEntry): Promise<MachineEntry> {
  const started = async (): Promise<MachineEntry> => {
    for (;;) {
      const now = await entries.read(entry.id)
      if (now && (stateOf(now) === 'running' || now.ended)) return now
      await sleep(POLL_MS)
    }
  }
  let child: ChildProcess | Worker
  try {
    child = entry.spec.isolation === 'worker' ? startWorker(entries, entry) : startChild(entries, entry)
  } catch (error) {
    await entries.remove(entry.id)
    throw error
  }
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error: Error) =>
      reject(new DoppelError('machine.start', `the machine's process: ${error.message}`)),
    )
    child.once('exit', () => {
      void startFailure(entries, entry).then(reject)
    })
  })
  failed.catch(() => undefined)
  const now = await Promise.race([started(), failed])
  child.removeAllListeners('exit')
  // What goes wrong from now on is told by its record.
  child.removeAllListeners('error').on('error', () => undefined)
  child.unref()
  return now
}

const PROGRAM = new URL('../../bin/doppel.js', import.meta.url)

function startChild(entries: Entries, entry: MachineEntry): ChildProcess {
  const log = openSync(entries.pathOf(entry.id, 'process.log'), 'a', 0o600)
  const jail = entry.spec.isolation === 'jailed' ? jailFlags(entries, entry, process.env) : []
  const child = spawn(process.execPath, [...jail, fileURLToPath(PROGRAM), MACHINE_PROCESS, entries.folder, entry.id], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return child
}

function startWorker(entries: Entries, entry: MachineEntry): Worker {
  const log = createWriteStream(entries.pathOf(entry.id, 'process.log'), { flags: 'a', mode: 0o600 })
  const worker = new Worker(PROGRAM, {
    argv: [MACHINE_PROCESS, entries.folder, entry.id],
    stdout: true,
    stderr: true,
    execArgv: [],
  })
  worker.stdout.pipe(log)
  worker.stderr.pipe(log)
  return worker
}

async function startFailure(entries: Entries, { id }: MachineEntry): Promise<DoppelError> {
  const { readFile } = await import('node:fs/promises')
  const log = await readFile(entries.pathOf(id, 'process.log'), 'utf8').catch(() => '')
  const match = /^doppel: (.*) \[([a-z.-]+)\]$/m.exec(log)
  await entries.remove(id)
  return new DoppelError(match?.[2] ?? 'machine.start', match?.[1] ?? `the machine's process died: ${log.trim()}`)
}
