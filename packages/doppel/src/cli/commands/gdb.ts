import { createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DoppelError } from '@doppel/base'
import { listenAt, readGdbAddress } from '../../run/gdb.ts'
import type { Command, Invocation } from '../command.ts'
import { ask, JSON_FLAG, printJson, runningEntry } from '../machines.ts'

/** `doppel gdb`: GDB's way to a machine that runs. */
export const gdbCommand: Command = {
  name: 'gdb',
  summary: 'let GDB debug a running machine: it stands still until GDB lets it go',
  usage: '[--listen [HOST:]PORT | --stdio] MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'listen', value: '[HOST:]PORT', summary: 'where to wait for GDB (default: a free port of 127.0.0.1)' },
    { name: 'stdio', summary: 'speak with GDB on standard input and output' },
    JSON_FLAG,
  ],
  examples: [
    ['doppel gdb web', 'says where: then, in gdb-multiarch, target remote :PORT'],
    ['doppel gdb --stdio web', 'for a pipe of its own: target remote | doppel gdb --stdio web'],
  ],
  async run(invocation) {
    const which = invocation.arguments[0] ?? ''
    // Who is not there is to be told before a debugger comes.
    const { name } = await runningEntry(invocation, which)
    if (invocation.has('stdio')) {
      await connect(invocation, which, process.stdin, process.stdout)
      return 0
    }
    const text = invocation.value('listen') ?? '0'
    const address = readGdbAddress(text)
    if (!address) throw new DoppelError('cli.flag-value', `--listen is '${text}'; expected [HOST:]PORT, such as 1234`)
    const { promise, resolve } = Promise.withResolvers<Socket>()
    const server = createServer(resolve)
    const port = await listenAt(server, address)
    const host = address.host === '127.0.0.1' ? '' : address.host
    if (invocation.has('json')) printJson(invocation, { name, host: address.host, port })
    else invocation.streams.stdout(`${name} waits for GDB: target remote ${host}:${port}\n`)
    const socket = await promise
    server.close()
    await connect(invocation, which, socket, socket)
    return 0
  },
}

/** Passes on what GDB and the machine say, until one of them has gone. */
async function connect(
  invocation: Invocation,
  which: string,
  from: Pick<Duplex, 'on' | 'destroy'>,
  to: Pick<Duplex, 'write'>,
): Promise<void> {
  const gone = new AbortController()
  try {
    await ask(
      invocation,
      which,
      { op: 'gdb' },
      {
        signal: gone.signal,
        onOutput: bytes => void to.write(bytes),
        input: line => {
          from.on('data', (bytes: Uint8Array) => void line.send(bytes))
          from.on('error', () => gone.abort())
          from.on('close', () => gone.abort())
          from.on('end', () => gone.abort())
        },
      },
    )
  } finally {
    from.destroy()
  }
}
