import { stateOf } from '../../control/entries.ts'
import type { Command } from '../command.ts'
import { ask, entriesOf, printJson } from '../machines.ts'
import { summary } from './ps.ts'

/** `doppel inspect`: everything known of machines, as JSON. */
export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'tell everything about machines, as JSON',
  usage: 'MACHINE…',
  minArguments: 1,
  maxArguments: 100,
  flags: [],
  examples: [['doppel inspect web', 'its options, state and figures']],
  async run(invocation) {
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
