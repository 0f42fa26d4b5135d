import { createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DoppelError } from '@doppel/base'
import type { DapLaunch } from '@doppel/monitor'
import { listenAt, readGdbAddress } from '../../run/gdb.ts'
import type { Command, Invocation } from '../command.ts'
import { JSON_FLAG, printJson } from '../machines.ts'

/** `doppel dap`: a debug adapter, as editors start one. */
export const dapCommand: Command = {
  name: 'dap',
  summary: 'let an editor debug a kernel, an ELF program or a Pascal program, by the Debug Adapter Protocol',
  usage: '[--listen [HOST:]PORT]',
  minArguments: 0,
  maxArguments: 0,
  flags: [
    {
      name: 'listen',
      value: '[HOST:]PORT',
      summary: 'wait there for one editor, in place of standard input and output',
    },
    JSON_FLAG,
  ],
  examples: [
    ['doppel dap', 'what an editor runs; its launch configuration names the "program", e.g. prog.elf or prog.pas'],
    ['doppel dap --listen 4711', 'for an editor that connects to a port'],
  ],
  async run(invocation) {
    const text = invocation.value('listen')
    if (text === undefined) {
      await serve(invocation, process.stdin, process.stdout)
      process.stdin.destroy()
      return 0
    }
    const address = readGdbAddress(text)
    if (!address) throw new DoppelError('cli.flag-value', `--listen is '${text}'; expected [HOST:]PORT, such as 4711`)
    const { promise, resolve } = Promise.withResolvers<Socket>()
    const server = createServer(resolve)
    const port = await listenAt(server, address)
    if (invocation.has('json')) printJson(invocation, { host: address.host, port })
    else invocation.streams.stdout(`waits for an editor at ${address.host}:${port}\n`)
    const socket = await promise
    server.close()
    await serve(invocation, socket, socket)
    socket.end()
    return 0
  },
}

/** Starts what a configuration describes; what it takes for that is loaded then. */
const start: DapLaunch = async (given, output, { attaches }) => {
  const { isGuestLaunch, launchGuest } = await import('../../guest-debug/debug-adapter.ts')
  if (isGuestLaunch(given)) return await launchGuest(given, output, { attaches })
  const { launchPascal } = await import('../../pascal/debug-adapter.ts')
  return await launchPascal(given, output, { attaches })
}

/** Speaks with a client until it has gone. */
async function serve(
  invocation: Invocation,
  from: Pick<Duplex, 'on'>,
  to: Pick<Duplex, 'write' | 'on'>,
): Promise<void> {
  const { DapSession } = await import('@doppel/monitor')
  const { promise, resolve } = Promise.withResolvers<void>()
  const { DapRelay } = await import('../../guest-debug/attach.ts')
  const send = (bytes: Uint8Array): void => void to.write(bytes)
  const session = new DapSession(start, send, resolve)
  const relay = new DapRelay(invocation, session, send, resolve)
  from.on('data', (bytes: Uint8Array) => relay.receive(bytes))
  from.on('error', () => relay.close())
  from.on('end', () => relay.close())
  from.on('close', () => relay.close())
  to.on('error', () => relay.close())
  await promise
  await session.settled()
}
