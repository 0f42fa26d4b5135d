import { openTerminal } from '../../host/terminal.ts'
import type { Command } from '../command.ts'
import { ask } from '../machines.ts'

/** `doppel attach`: this terminal becomes the machine's. */
export const attachCommand: Command = {
  name: 'attach',
  summary: "connect this terminal to a machine's; Ctrl-A x leaves it running",
  usage: 'MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [],
  examples: [['doppel attach web', "the guest's shell"]],
  async run(invocation) {
    const leave = new AbortController()
    const terminal = openTerminal(() => leave.abort())
    try {
      await ask(
        invocation,
        invocation.arguments[0] ?? '',
        { op: 'attach', ...terminal.size() },
        {
          signal: leave.signal,
          onOutput: bytes => terminal.write(bytes),
          input: send => terminal.onInput(send),
        },
      )
    } finally {
      await terminal.close()
    }
    return 0
  },
}
