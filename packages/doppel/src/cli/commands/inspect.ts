import { DoppelError } from '@doppel/base'
import { stackText } from '@doppel/monitor'
import { stateOf } from '../../control/entries.ts'
import { restoredStacks } from '../../run/saved-stacks.ts'
import type { Command, Invocation } from '../command.ts'
import { ask, entriesOf, JSON_FLAG, printJson } from '../machines.ts'
import { readSymbols } from '../run-options.ts'
import { summary } from './ps.ts'

/** `doppel inspect`: everything known of machines, as JSON; or where they are. */
export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'tell everything about machines, as JSON; or where they are, also when they hang',
  usage: '[--stack [--symbols FILE]] MACHINE…',
  minArguments: 1,
  maxArguments: 100,
  flags: [
    { name: 'stack', summary: 'the calls that each hart is in' },
    {
      name: 'symbols',
      value: 'FILE[@OFFSET]',
      multiple: true,
      summary: 'names for --stack: an ELF file, moved by OFFSET, or System.map (a Linux kernel brings its own)',
    },
    { ...JSON_FLAG, summary: 'print stacks as JSON' },
  ],
  examples: [
    ['doppel inspect web', 'its options, state and figures'],
    ['doppel inspect --stack web', 'which task each hart runs, and in which functions it is'],
    ['doppel inspect --stack --symbols vmlinux web', 'with lines of source'],
  ],
  async run(invocation) {
    if (invocation.has('stack')) return await printStacks(invocation)
    if (invocation.has('symbols')) throw new DoppelError('cli.arguments', '--symbols needs --stack')
    const all: unknown[] = []
    for (const which of invocation.arguments) {
      const entry = await entriesOf(invocation).find(which)
      const state = stateOf(entry)
      const metrics = state === 'running' ? await ask(invocation, entry.id, { op: 'inspect' }) : {}
      all.push({ ...summary(entry, state), ...metrics, folder: `${entriesOf(invocation).folder}/${entry.id}` })
    }
    printJson(invocation, all)
    return 0
  },
}

async function printStacks(invocation: Invocation): Promise<number> {
  const files = await Promise.all(invocation.values('symbols').map(readSymbols))
  const symbols = files.map(({ path, offset }) => path + (offset === undefined ? '' : `@${offset}`))
  const all: unknown[] = []
  for (const which of invocation.arguments) {
    const { stacks } = await ask(invocation, which, { op: 'stacks', ...(symbols.length > 0 && { symbols }) })
    if (invocation.has('json')) all.push({ machine: which, stacks })
    else {
      if (invocation.arguments.length > 1) invocation.streams.stdout(`${which}:\n`)
      invocation.streams.stdout(stackText(restoredStacks(stacks)))
    }
  }
  if (invocation.has('json')) printJson(invocation, all)
  return 0
}
