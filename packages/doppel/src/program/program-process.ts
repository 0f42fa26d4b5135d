import { appendFileSync } from 'node:fs'
import { utf8Bytes } from '@doppel/base'
import { Console } from '@doppel/monitor'
import { onEndingSignal } from '../host/signals.ts'
import type { Entries, MachineEntry, ProgramSpec } from '../control/entries.ts'
import { LIFE_OPERATIONS } from '../control/life-operations.ts'
import type { LivingMachine } from '../control/living-machine.ts'
import { recordMachine } from '../control/recorded.ts'
import { type Operations, serveControl } from '../control/server.ts'
import { MAX_TYPED_BYTES, TypedInput } from '../pascal/typed-input.ts'
import { LineDiscipline } from './line-discipline.ts'
import { ProgramMachine } from './program-machine.ts'
import type { ProgramWorld } from './program-world.ts'
import { startProgram } from './start-program.ts'
import { ProgramTurns } from './turns.ts'

/** What can be asked of a program. */
export const PROGRAM_OPERATIONS: Operations<LivingMachine> = { kind: 'a program', rows: LIFE_OPERATIONS }

/** The life of a program's process: starts the program, serves it, records how it ended. */
export async function runProgramProcess(entries: Entries, entry: MachineEntry, spec: ProgramSpec): Promise<never> {
  process.chdir(spec.folder)
  const log = entries.pathOf(entry.id, 'console.log')
  const terminal = new Console()
  const hasLines = spec.program !== 'p-system'
  const write = (bytes: Uint8Array): void => {
    appendFileSync(log, bytes, { mode: 0o600 })
    terminal.write(hasLines ? LineDiscipline.shown(bytes) : bytes)
  }
  const input = new TypedInput(() => undefined, MAX_TYPED_BYTES)
  const say = (text: string): void => write(utf8Bytes(text))
  const turns = new ProgramTurns()
  const world: ProgramWorld = {
    standard: { input, output: { write } },
    streams: { stdout: say, stderr: say, stderrIsTerminal: false },
    turns,
  }
  const run = await startProgram(spec, process.env, world)
  const machine = new ProgramMachine({ kind: spec.program, run, turns, limits: spec.limits, console: terminal })
  const lines = new LineDiscipline({
    line: bytes => (bytes.length > 0 ? input.push(bytes) : input.end()),
    show: bytes => terminal.write(bytes),
    interrupt: () => (run.ask ? run.ask() : void machine.kill()),
  })
  terminal.onInput(bytes => (hasLines ? lines.type(bytes) : input.push(bytes)))
  const record = await recordMachine(entries, entry, path => serveControl(machine, path, PROGRAM_OPERATIONS))
  const ignoreSignals = onEndingSignal(() => void machine.kill())
  const end = await machine.wait().catch((error: unknown) => {
    process.stderr.write(`doppel: ${String(error)}\n`)
    say(`doppel: ${String(error)}\n`)
    return { kind: 'failure', code: 1 }
  })
  ignoreSignals()
  return await record.ended(end.kind, end.code ?? 0)
}
