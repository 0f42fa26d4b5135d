import { connect, createServer, type Server, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import type { JavaMachine } from '@doppel/jvm'

/** What `-agentlib:jdwp=` says. */
export interface DebugOptions {
  /** Whether debuggers come to us; else we go to one. */
  readonly server: boolean
  /** Whether the program waits for a debugger. */
  readonly suspend: boolean
  readonly host: string
  readonly port: number
  readonly quiet: boolean
}

/** Reads the options of OpenJDK’s own agent (`-agentlib:jdwp=`). Throws `java.option`. */
export function readDebugOptions(text: string): DebugOptions {
  const bad = (why: string): DoppelError =>
    new DoppelError('java.option', `-agentlib:jdwp=${text}: ${why}; e.g. transport=dt_socket,server=y,address=5005`, {
      text,
    })
  const given = new Map(text.split(',').map(word => word.split(/=(.*)/s).slice(0, 2) as [string, string | undefined]))
  const yes = (name: string, otherwise: boolean): boolean => {
    const value = given.get(name)
    if (value !== undefined && value !== 'y' && value !== 'n') throw bad(`${name} is y or n`)
    return value === undefined ? otherwise : value === 'y'
  }
  for (const name of given.keys()) {
    if (!['transport', 'server', 'suspend', 'address', 'quiet', 'timeout'].includes(name))
      throw bad(`no option ${name}`)
  }
  if (given.get('transport') !== 'dt_socket') throw bad('transport is dt_socket')
  const server = yes('server', false)
  const address = given.get('address')
  if (address === undefined && !server) throw bad('an address to connect to is missing')
  const [, host = '', port = ''] = /^(?:(.*):)?(\d+)$/.exec(address ?? '0') ?? []
  if (port === '' || Number(port) > 65_535) throw bad(`address is [HOST:]PORT`)
  return {
    server,
    suspend: yes('suspend', true),
    host: host === '*' ? '' : host || 'localhost',
    port: Number(port),
    quiet: yes('quiet', false),
  }
}

/** Makes a machine reachable by debuggers, as the options say; the way to end that. Throws `java.debug`. */
export async function startDebugAgent(
  machine: JavaMachine,
  options: DebugOptions,
  print: (text: string) => void,
): Promise<() => Promise<void>> {
  const open = new Set<Socket>()
  const take = (socket: Socket): void => {
    const listener = machine.attach({ send: bytes => void socket.write(bytes), close: () => void socket.end() })
    // OpenJDK’s agent serves one debugger at a time, too.
    if (!listener) return void socket.destroy()
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => listener.receive(bytes))
    // A connection that breaks is closed next; there is nothing else to do about it.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      open.delete(socket)
      listener.closed()
    })
  }
  const server = options.server ? await listen(options, take) : undefined
  if (server) {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : options.port
    if (!options.quiet) print(`Listening for transport dt_socket at address: ${port}\n`)
  } else take(await connected(options))
  return async () => {
    server?.close()
    await Promise.all(
      [...open].map(
        socket =>
          new Promise<void>(resolve => {
            socket.once('close', () => resolve())
            socket.end()
            setTimeout(() => socket.destroy(), CLOSE_MS).unref()
          }),
      ),
    )
  }
}
/** How long a debugger may take to notice that the program has ended. */
const CLOSE_MS = 2_000

function failed(what: string, cause: Error): DoppelError {
  return new DoppelError('java.debug', `${what}: ${cause.message}`, {}, cause)
}
async function listen({ host, port }: DebugOptions, take: (socket: Socket) => void): Promise<Server> {
  const server = createServer(take)
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(failed(`cannot listen for debuggers at ${host}:${port}`, error)))
    server.listen(port, host === '' ? undefined : host, resolve)
  })
  return server
}
async function connected({ host, port }: DebugOptions): Promise<Socket> {
  return await new Promise<Socket>((resolve, reject) => {
    const socket = connect(port, host === '' ? 'localhost' : host, () => resolve(socket))
    socket.once('error', error => reject(failed(`cannot connect to the debugger at ${host}:${port}`, error)))
  })
}
