import type { MachineEnd } from '@doppel/board'
import { DoppelError } from '@doppel/base'
import type { RunOptions } from '../cli/run-options.ts'
import type { Streams } from '../cli/command.ts'
import { imageName } from '../control/entries.ts'
import { openTerminal } from '../host/terminal.ts'
import { Machine } from '../sdk/machine.ts'
import { greet, watchForEnd } from './early-end.ts'

/** Makes the machine known to others; returns how to end that. */
export type ListMachine = (machine: Machine) => Promise<() => Promise<void>>

/** What `runStarted` is told beside the run's options. */
export interface StartedOptions {
  readonly list: ListMachine
  /** The command is a shell that reads its commands from our input. */
  readonly isScript: boolean
}

/**
 * Runs a machine that goes on from where an earlier one had started, or leaves its own start for later ones: its command
 * is the agent's to run, its terminal is shown on ours. Returns as `runMachine` does.
 */
export async function runStarted(
  options: RunOptions,
  streams: Streams,
  { list, isScript }: StartedOptions,
): Promise<number> {
  // The command is the agent's to run: the guest itself begins as for a terminal.
  const { command, ...rest } = options
  if (command === undefined) greet(streams)
  for (;;) {
    const machine = await Machine.boot(imageName(options), rest)
    const early = watchForEnd(options, streams, () => void machine.kill())
    let unlist: () => Promise<void> = () => Promise.resolve()
    try {
      unlist = await list(machine)
      const end = command ? await runCommand(machine, options, command) : await showTerminal(machine)
      const status = early.status()
      if (status !== undefined) return status
      if (typeof end === 'number') return end
      if (end.kind === 'reset' && command === undefined) continue
      if (command !== undefined && !isScript) {
        throw new DoppelError('run.ended', `the machine ended (${end.kind}) before its command did`)
      }
      if (end.kind === 'poweroff' || end.kind === 'stopped') return 0
      throw new DoppelError('run.ended', `the machine ended: ${end.kind}`)
    } finally {
      early.close()
      await machine.kill()
      await unlist()
    }
  }
}

/** The command has our streams; resolves with its status, or with how the machine ended before it. */
async function runCommand(
  machine: Machine,
  { root }: RunOptions,
  command: readonly string[],
): Promise<number | MachineEnd> {
  const running = await machine.commands.run(command, {
    background: true,
    stdin: true,
    cwd: root?.folder ?? '/root',
    user: root?.user,
    onStdout: bytes => void process.stdout.write(bytes.slice()),
    onStderr: bytes => void process.stderr.write(bytes.slice()),
  })
  const onData = (bytes: Uint8Array): void => {
    process.stdin.pause()
    // A command that has ended takes no more input.
    running.sendStdin(bytes).then(
      () => process.stdin.resume(),
      () => undefined,
    )
  }
  const onEnd = (): void => running.closeStdin()
  process.stdin.on('data', onData)
  process.stdin.on('end', onEnd)
  try {
    return (await running.wait()).exitCode
  } catch (error) {
    if (machine.state !== 'ended') throw error
    return await machine.wait()
  } finally {
    process.stdin.off('data', onData)
    process.stdin.off('end', onEnd)
    process.stdin.pause()
    process.stdin.unref?.()
    for (const stream of [process.stdout, process.stderr]) {
      await new Promise<void>(done => stream.write('', () => done()))
    }
  }
}

async function showTerminal(machine: Machine): Promise<MachineEnd> {
  const terminal = openTerminal(() => void machine.kill())
  try {
    const { console } = machine
    terminal.write(console.output)
    const size = terminal.size()
    console.attach({ write: bytes => terminal.write(bytes), ...(size && { size }) })
    terminal.onInput(bytes => console.type(bytes))
    terminal.onResize?.(() => {
      const now = terminal.size()
      if (now) console.resize(now)
    })
    return await machine.wait()
  } finally {
    await terminal.close()
  }
}
