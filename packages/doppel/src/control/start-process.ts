import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, createWriteStream, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { DoppelError, hostClock } from '@doppel/base'
import { type Entries, type MachineEntry, stateOf } from './entries.ts'
import { type Isolation, jailFlags } from './isolation.ts'

/** The word that makes a doppel process the home of one machine; not for people. */
export const MACHINE_PROCESS = 'machine-process'
/** The word after a machine's id that makes its process wait for the machine to come; not for people. */
export const INCOMING = 'incoming'

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
    child = isolationOf(entry) === 'worker' ? startWorker(entries, entry) : spawnProcess(entries, entry)
  } catch (error) {
    await entries.remove(entry.id)
    throw error
  }
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error: Error) =>
      reject(new DoppelError('machine.start', `the machine's process: ${error.message}`)),
    )
    child.once('exit', () => {
      void startFailure(entries, entry)
        .then(async reason => {
          await entries.remove(entry.id)
          throw reason
        })
        .catch(reject)
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

/** Starts a machine's process; `words` follow the machine's id. */
export function spawnProcess(entries: Entries, entry: MachineEntry, words: readonly string[] = []): ChildProcess {
  const log = openSync(entries.pathOf(entry.id, 'process.log'), 'a', 0o600)
  const jail = isolationOf(entry) === 'jailed' ? jailFlags(entries, entry, process.env) : []
  const child = spawn(
    process.execPath,
    [...jail, fileURLToPath(PROGRAM), MACHINE_PROCESS, entries.folder, entry.id, ...words],
    {
      detached: true,
      stdio: ['ignore', log, log],
    },
  )
  closeSync(log)
  return child
}

/** Programs are in processes of their own. */
function isolationOf({ spec }: MachineEntry): Isolation {
  return ('options' in spec ? spec.isolation : undefined) ?? 'process'
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

/** Why a machine's process ended, as far as it has said so. */
export async function startFailure(entries: Entries, { id }: MachineEntry): Promise<DoppelError> {
  const log = await readFile(entries.pathOf(id, 'process.log'), 'utf8').catch(() => '')
  const match = [...log.matchAll(/^doppel: (.*) \[([a-z.-]+)\]$/gm)].at(-1)
  return new DoppelError(match?.[2] ?? 'machine.start', match?.[1] ?? `the machine's process died: ${log.trim()}`)
}
