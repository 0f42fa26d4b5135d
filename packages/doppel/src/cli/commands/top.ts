import type { Command } from '../command.ts'
import type { PublishedPort } from '../../run/network.ts'
import { ask, JSON_FLAG, printJson } from '../machines.ts'

/** `doppel top`: what runs in a machine. */
export const topCommand: Command = {
  name: 'top',
  summary: "list a machine's processes",
  usage: 'MACHINE [PS-OPTIONS]',
  minArguments: 1,
  maxArguments: 1,
  takesRest: true,
  restAfter: 1,
  flags: [],
  examples: [['doppel top web', "what the guest's own ps prints"]],
  async run(invocation) {
    const [machine = ''] = invocation.arguments
    const answer = await ask(
      invocation,
      machine,
      { op: 'exec', command: ['ps', ...(invocation.rest ?? [])] },
      {
        onOutput: bytes => void process.stdout.write(bytes),
        onErrors: bytes => void process.stderr.write(bytes),
      },
    )
    return Number(answer['exitCode'])
  },
}

/** `doppel port`: where a machine's ports are reached. */
export const portCommand: Command = {
  name: 'port',
  summary: "list a machine's ports that are reachable from here",
  usage: 'MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [JSON_FLAG],
  examples: [['doppel port web', '80/tcp -> 127.0.0.1:8080']],
  async run(invocation) {
    const { ports } = await ask(invocation, invocation.arguments[0] ?? '', { op: 'inspect' })
    if (invocation.has('json')) printJson(invocation, ports)
    else {
      for (const { guestPort, hostAddress, hostPort } of ports as readonly PublishedPort[]) {
        const address = hostAddress.includes(':') ? `[${hostAddress}]` : hostAddress
        invocation.streams.stdout(`${guestPort}/tcp -> ${address}:${hostPort}\n`)
      }
    }
    return 0
  },
}
