import { DoppelError } from '@doppel/base'
import type { Command } from '../command.ts'
import { ask } from '../machines.ts'
import { readFraction } from '../run-options.ts'

/** `doppel set`: limits of a machine that runs. */
export const setCommand: Command = {
  name: 'set',
  summary: 'change the limits of a running machine',
  usage: '--cap FRACTION MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'cap', value: 'FRACTION', summary: "the most it may have of a processor's time: 0.5 is a half, 1 no cap" },
  ],
  examples: [['doppel set --cap 0.5 web', 'at most half of a processor']],
  async run(invocation) {
    const text = invocation.value('cap')
    if (text === undefined)
      throw new DoppelError('cli.arguments', 'nothing to set; for example: doppel set --cap 0.5 web')
    const cap = readFraction('cap', text)
    await ask(invocation, invocation.arguments[0] ?? '', { op: 'set', cap })
    return 0
  },
}
