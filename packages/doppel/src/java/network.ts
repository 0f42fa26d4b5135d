import type { JvmNetwork, NetworkEvents, NetworkStream } from '@doppel/jvm'
import type { PublishOption } from '../run/network.ts'
import type { JavaNetworkOptions } from './arguments.ts'

/** What the world is reached by, loaded when a program first reaches for it. */
type World = Awaited<ReturnType<typeof loadWorld>>

async function loadWorld({ allow, deny }: JavaNetworkOptions) {
  const [{ Egress, ipBytes }, { nodeNetwork }, { lookup }] = await Promise.all([
    import('@doppel/monitor'),
    import('../host/net/node-network.ts'),
    import('node:dns/promises'),
  ])
  return {
    egress: new Egress({ ...(allow.length > 0 && { allow }), deny }, () => undefined),
    ipBytes,
    nodeNetwork,
    lookup,
  }
}

/**
 * The network that a Java program sees beyond its own loopback, with `doppel run`'s policy: the public world is open, and
 * what `--allow` lists; this computer and its neighbours are not. Throws `net.policy`, `cli.flag-value`.
 */
export async function javaNetwork(options: JavaNetworkOptions): Promise<JvmNetwork | undefined> {
  if (options.mode === 'none') return undefined
  let world: Promise<World> | undefined
  const load = (): Promise<World> => (world ??= loadWorld(options))
  // What the user got wrong is said before the program begins.
  if (options.allow.length > 0 || options.deny.length > 0) await load()
  const published = new Map<number, PublishOption>()
  if (options.publish.length > 0) {
    const { readPublish } = await import('../run/network.ts')
    for (const option of options.publish.map(readPublish)) published.set(option.guestPort, option)
  }
  return {
    connect: (address, port, events) => {
      const stream = new LaterStream()
      load().then(
        w => stream.begin(connect(w, address, port, events)),
        () => events.closed('unreachable'),
      )
      return stream
    },
    lookup: async name => {
      const { egress, lookup } = await load()
      if (!egress.mayResolve(name)) return []
      try {
        const found = (await lookup(name, { all: true, family: 4 })).map(each => each.address)
        egress.learn(name, found)
        return found
      } catch (error) {
        if (error instanceof Error && 'code' in error) return []
        throw error
      }
    },
    listening: (port, accept) => {
      const option = published.get(port)
      if (!option) return undefined
      let isClosed = false
      let close = (): void => {
        isClosed = true
      }
      const listen = async (): Promise<void> => {
        const { nodeNetwork } = await load()
        const listener = await nodeNetwork.listen(option.hostAddress, option.hostPort, (stream, hear) => {
          const events = accept(stream, { address: '127.0.0.1', port: 0 })
          if (events) hear(events)
          else stream.destroy()
        })
        if (isClosed) listener.close()
        else close = () => listener.close()
      }
      listen().catch((error: Error) => process.stderr.write(`doppel: ${error.message} [net.listen]\n`))
      return () => close()
    },
  }
}

function connect(world: World, address: string, port: number, events: NetworkEvents): NetworkStream | undefined {
  if (world.egress.mayReach('tcp', world.ipBytes(address), port)) {
    return world.nodeNetwork.connect(address, port, events)
  }
  // To the program this computer's loopback is its own, where nobody listens.
  events.closed(address.startsWith('127.') ? 'refused' : 'denied')
  return undefined
}

/** A stream whose connection begins a moment later: what is asked of it meanwhile waits. */
class LaterStream implements NetworkStream {
  #stream: NetworkStream | undefined
  #asked: ((stream: NetworkStream) => void)[] | undefined = []

  begin(stream: NetworkStream | undefined): void {
    const asked = this.#asked ?? []
    this.#asked = undefined
    this.#stream = stream
    if (stream) for (const ask of asked) ask(stream)
  }
  #ask(ask: (stream: NetworkStream) => void): void {
    if (this.#stream) ask(this.#stream)
    else this.#asked?.push(ask)
  }
  write(bytes: Uint8Array, sent: () => void): void {
    this.#ask(stream => stream.write(bytes, sent))
  }
  end(): void {
    this.#ask(stream => stream.end())
  }
  destroy(): void {
    this.#ask(stream => stream.destroy())
  }
  pause(): void {
    this.#ask(stream => stream.pause())
  }
  resume(): void {
    this.#ask(stream => stream.resume())
  }
}
