import { DoppelError } from '@doppel/base'
import { stateOf } from '../../control/entries.ts'
import { startProcess } from '../../control/start-process.ts'
import type { Command, Flag, Invocation } from '../command.ts'
import { ask, entriesOf, JSON_FLAG, printNames } from '../machines.ts'

const MAX_MACHINES = 1000

/** A command that does one thing to each machine it names, and prints the names of those it did it to. */
function eachMachine(
  row: Pick<Command, 'name' | 'summary' | 'examples'> & {
    readonly flags?: readonly Flag[]
    readonly act: (invocation: Invocation, which: string) => Promise<unknown>
  },
): Command {
  const { act, flags = [], ...rest } = row
  return {
    ...rest,
    usage: `${flags.map(flag => `[--${flag.name}${flag.value ? ` ${flag.value}` : ''}] `).join('')}MACHINE…`,
    minArguments: 1,
    maxArguments: MAX_MACHINES,
    flags: [...flags, JSON_FLAG],
    async run(invocation) {
      const done: string[] = []
      try {
        for (const which of invocation.arguments) {
          await act(invocation, which)
          done.push(which)
        }
      } finally {
        // Also of those before one that failed.
        printNames(invocation, done)
      }
      return 0
    },
  }
}

const GRACE_FLAG: Flag = { name: 'time', short: 't', value: 'SECONDS', summary: 'wait so long before ending it (10)' }

function graceMs({ value }: Invocation): number | undefined {
  const text = value('time')
  if (text === undefined) return undefined
  if (!/^\d{1,6}$/.test(text)) throw new DoppelError('cli.flag-value', `--time is '${text}'; expected seconds`)
  return Number(text) * 1000
}

/** Starts a machine that has ended once more, from its beginning. */
async function startAgain(invocation: Invocation, which: string): Promise<void> {
  const entries = entriesOf(invocation)
  const entry = await entries.find(which)
  if (stateOf(entry) === 'running') return
  const { ended: _, pid: _pid, pidStarted: _started, ...fresh } = entry
  await entries.write(fresh)
  await startProcess(entries, fresh)
}

/** The life cycle's commands, a row each. */
export const LIFE_COMMANDS: readonly Command[] = [
  eachMachine({
    name: 'start',
    summary: 'start machines that have ended once more',
    examples: [['doppel start web', 'boot it again, with the options it was made with']],
    act: startAgain,
  }),
  eachMachine({
    name: 'stop',
    summary: 'ask machines to power off, and end those that do not',
    flags: [GRACE_FLAG],
    examples: [['doppel stop -t 3 web', 'give it three seconds']],
    act: (invocation, which) => ask(invocation, which, { op: 'stop', graceMs: graceMs(invocation) }),
  }),
  eachMachine({
    name: 'kill',
    summary: 'end machines at once',
    examples: [['doppel kill web', 'pull its plug']],
    act: (invocation, which) => ask(invocation, which, { op: 'kill' }),
  }),
  eachMachine({
    name: 'restart',
    summary: 'stop machines and start them again',
    flags: [GRACE_FLAG],
    examples: [['doppel restart web', 'power off and boot']],
    async act(invocation, which) {
      const entries = entriesOf(invocation)
      if (stateOf(await entries.find(which)) === 'running') {
        await ask(invocation, which, { op: 'stop', graceMs: graceMs(invocation) })
        while (stateOf(await entries.find(which)) === 'running') await new Promise(done => setTimeout(done, 20))
      }
      await startAgain(invocation, which)
    },
  }),
  eachMachine({
    name: 'pause',
    summary: 'hold machines still; their clocks stand still too',
    examples: [['doppel pause web', 'no instruction runs until doppel resume']],
    act: (invocation, which) => ask(invocation, which, { op: 'pause' }),
  }),
  eachMachine({
    name: 'resume',
    summary: 'let paused machines go on',
    examples: [['doppel resume web', 'where it stood']],
    act: (invocation, which) => ask(invocation, which, { op: 'resume' }),
  }),
  eachMachine({
    name: 'rm',
    summary: 'remove the records of machines that have ended',
    flags: [{ name: 'force', short: 'f', summary: 'end those that run' }],
    examples: [['doppel rm -f web', 'end it and forget it']],
    async act(invocation, which) {
      const entries = entriesOf(invocation)
      const entry = await entries.find(which)
      if (stateOf(entry) === 'running') {
        if (!invocation.has('force')) {
          throw new DoppelError('machine.state', `${entry.name} is running; stop it first, or give --force`, { which })
        }
        await ask(invocation, which, { op: 'kill' })
        while (stateOf((await entries.read(entry.id)) ?? { ...entry, ended: GONE }) === 'running') {
          await new Promise(done => setTimeout(done, 20))
        }
      }
      await entries.remove(entry.id)
    },
  }),
]

const GONE = { kind: 'stopped', exitCode: 0, atMs: 0 }
