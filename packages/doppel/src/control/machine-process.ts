import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { DoppelError } from '@doppel/base'
import type { MachineEnd } from '@doppel/board'
import { onEndingSignal } from '../host/signals.ts'
import { Machine } from '../sdk/machine.ts'
import { Snapshot } from '../sdk/snapshot.ts'
import { computerSpec, type Entries, type MachineEntry } from './entries.ts'
import { serveControl } from './server.ts'
import { OPERATIONS } from './operations.ts'
import { recordMachine } from './recorded.ts'

const KILLED = 137
/** As timeout(1) has it. */
const TIMED_OUT = 124

/** The life of a machine's process: makes the machine, serves it, records how it ended. Returns the exit status. */
export async function runMachineProcess(entries: Entries, id: string): Promise<number> {
  const entry = await entries.read(id)
  if (!entry) throw new DoppelError('machine.not-found', `there is no machine ${id} in ${entries.folder}`)
  if ('program' in entry.spec) {
    const { runProgramProcess } = await import('../program/program-process.ts')
    return await runProgramProcess(entries, entry, entry.spec)
  }
  const spec = computerSpec(entry)
  // The command is the agent's to run: the guest itself begins as for a terminal.
  const { command: _, ...rest } = spec.options
  const options = { ...rest, env: process.env }
  const snapshot = spec.snapshot === undefined ? undefined : Snapshot.open(spec.snapshot)
  const machine = snapshot ? await Machine.restore(snapshot) : await Machine.boot(entry.image, options)
  await snapshot?.close()
  return await serveUntilEnd(entries, entry, machine)
}

/**
 * Serves a machine that runs, records how it ended, and ends the process. `hasCome` is true for one that began elsewhere:
 * what its console printed is known.
 */
export async function serveUntilEnd(
  entries: Entries,
  entry: MachineEntry,
  machine: Machine,
  hasCome = false,
): Promise<never> {
  const { id } = entry
  const spec = computerSpec(entry)
  const { command, timeoutMs } = spec.options
  // Signals are for the process, whose thread this may be.
  const ignoreSignals = isMainThread ? onEndingSignal(() => void machine.kill()) : () => undefined
  let timedOut = false
  const limit = (): void => {
    timedOut = true
    void machine.kill()
  }
  const timer = timeoutMs === undefined ? undefined : setTimeout(limit, timeoutMs)
  const console = entries.pathOf(id, 'console.log')
  const show = (bytes: Uint8Array): void => appendFileSync(console, bytes, { mode: 0o600 })
  if (command === undefined) {
    // What it has printed while it was started counts too.
    if (!hasCome) show(machine.console.output)
    machine.console.attach({ write: show })
  }
  const record = await recordMachine(entries, entry, path => serveControl(machine, path, OPERATIONS))
  let exitCode: number | undefined
  const { main } = machine
  main.show = show
  main.running?.holdOutput(false)
  if (command !== undefined && spec.snapshot === undefined && !hasCome) {
    await machine.commands.run([...command], { background: true, ...main.output }).then(
      started => main.take(started),
      () => machine.kill(),
    )
  }
  main.running
    ?.wait()
    .then(
      ended => {
        exitCode = ended.exitCode
        return machine.stop()
      },
      () => machine.kill(),
    )
    .catch((error: unknown) => process.stderr.write(`doppel: ${String(error)}\n`))
  const end = await machine.wait().catch((error: unknown): MachineEnd => {
    // What `doppel logs` cannot tell, since the guest knew nothing of it.
    process.stderr.write(`doppel: ${String(error)}\n`)
    return { kind: 'failure', code: 1 }
  })
  ignoreSignals()
  clearTimeout(timer)
  if (machine.hasMoved) return await record.leave()
  if (timedOut) exitCode = TIMED_OUT
  return await record.ended(end.kind, exitCode ?? exitCodeOf(end))
}

function exitCodeOf(end: MachineEnd): number {
  if (end.kind === 'poweroff' || end.kind === 'reset') return 0
  return end.kind === 'failure' ? end.code & 0xff : KILLED
}
