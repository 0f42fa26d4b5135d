import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, closeSync, createWriteStream, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker } from 'node:worker_threads'
import { DoppelError, hostClock } from '@doppel/base'
import type { MachineEnd } from '@doppel/board'
import { startOf } from '../host/process-start.ts'
import { onEndingSignal } from '../host/signals.ts'
import { Machine } from '../sdk/machine.ts'
import { Snapshot } from '../sdk/snapshot.ts'
import { type Entries, type MachineEntry, stateOf } from './entries.ts'
import { jailFlags } from './isolation.ts'
import { serveControl } from './server.ts'

/** The word that makes a doppel process the home of one machine; not for people. */
export const MACHINE_PROCESS = 'machine-process'

const clock = hostClock()
/** Milliseconds since 1970. */
export const nowMs = (): number => Number(clock.realtimeNs() / 1_000_000n)
const POLL_MS = 20
const KILLED = 137
/** As timeout(1) has it. */
const TIMED_OUT = 124

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

/** The life of a machine's process: makes the machine, serves it, records how it ended. Returns the exit status. */
export async function runMachineProcess(entries: Entries, id: string): Promise<number> {
  const entry = await entries.read(id)
  if (!entry) throw new DoppelError('machine.not-found', `there is no machine ${id} in ${entries.folder}`)
  const { spec } = entry
  // The command is the agent's to run: the guest itself begins as for a terminal.
  const { command, ...rest } = spec.options
  const options = { ...rest, env: process.env }
  const snapshot = spec.snapshot === undefined ? undefined : Snapshot.open(spec.snapshot)
  const machine = snapshot ? await Machine.restore(snapshot) : await Machine.boot(entry.image, options)
  await snapshot?.close()
  // Signals are for the process, whose thread this may be.
  const ignoreSignals = isMainThread ? onEndingSignal(() => void machine.kill()) : () => undefined
  let timedOut = false
  const limit = (): void => {
    timedOut = true
    void machine.kill()
  }
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(limit, options.timeoutMs)
  const console = entries.pathOf(id, 'console.log')
  const show = (bytes: Uint8Array): void => appendFileSync(console, bytes, { mode: 0o600 })
  if (command === undefined) {
    // What it has printed while it was started counts too.
    show(machine.console.output)
    machine.console.attach({ write: show })
  }
  const socket = entries.pathOf(id, 'control.sock')
  await rm(socket, { force: true })
  const server = await serveControl(machine, socket)
  const pidStarted = startOf(process.pid)
  const running: MachineEntry = { ...entry, pid: process.pid, ...(pidStarted === undefined ? {} : { pidStarted }) }
  await entries.write(running)
  let exitCode: number | undefined
  if (command !== undefined && !snapshot) {
    const main = machine.commands.run([...command], { background: true, onStdout: show, onStderr: show })
    main
      .then(async started => {
        exitCode = (await started.wait()).exitCode
      })
      .then(
        () => machine.stop(),
        () => machine.kill(),
      )
      .catch((error: unknown) => process.stderr.write(`doppel: ${String(error)}\n`))
  }
  const end = await machine.wait()
  ignoreSignals()
  clearTimeout(timer)
  if (timedOut) exitCode = TIMED_OUT
  exitCode ??= exitCodeOf(end)
  if (spec.remove) await entries.remove(id)
  else await entries.write({ ...running, ended: { kind: end.kind, exitCode, atMs: nowMs() } })
  server.close()
  await rm(socket, { force: true })
  // Clients that are still connected have had their answers.
  await sleep(POLL_MS)
  process.exit(0)
}

function exitCodeOf(end: MachineEnd): number {
  if (end.kind === 'poweroff' || end.kind === 'reset') return 0
  return end.kind === 'failure' ? end.code & 0xff : KILLED
}
