import { chmod, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import { FrameReader, messageFrame, readMessage } from '../control/frames.ts'
import { lockDisk } from '../host/disk-lock.ts'
import { Network, type NetworkPlug } from '../run/network.ts'
import { definitionPath, findNetwork, networkSocket } from './definitions.ts'
import { ethernetFrame, MAX_UNSENT_BYTES, NetFrame, offloadedFrame } from './frames.ts'

/** The word that makes a doppel process carry a network; not for people. */
export const NETWORK_PROCESS = 'network-process'
/** How long a network without machines is carried. */
const LINGER_MS = 5000
const MAX_MACHINES = 250

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The life of a network's process: switch, router, names and policy for the machines that connect; it ends a while after
 * the last of them. Only one carries a network at a time: another ends at once. Returns the exit status.
 */
export async function carryNetwork(name: string, env: Environment): Promise<number> {
  const { policy } = await findNetwork(name, env)
  const claim = await lockDisk(definitionPath(name, env), 'write', env).catch((error: unknown) => {
    if (error instanceof DoppelError && error.code === 'disk.locked') return undefined
    throw error
  })
  if (!claim) return 0
  const network = new Network({ policy })
  const path = networkSocket(name, env)
  await rm(path, { force: true })
  const over = Promise.withResolvers<void>()
  let lingering = setTimeout(over.resolve, LINGER_MS)
  let machines = 0
  const server = createServer(socket => {
    machines++
    clearTimeout(lingering)
    socket.once('close', () => {
      machines--
      if (machines === 0) lingering = setTimeout(over.resolve, LINGER_MS)
    })
    serve(network, socket)
  })
  server.maxConnections = MAX_MACHINES
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  await over.promise
  // Nobody finds it any more: whoever comes now starts another.
  await rm(path, { force: true })
  server.close()
  network.close()
  await claim.release()
  process.exit(0)
}

/** One machine's connection. Its first message tells its card's address, if it has one already, and its rate. */
function serve(network: Network, socket: Socket): void {
  const reader = new FrameReader()
  let plug: NetworkPlug | undefined
  socket.on('error', () => socket.destroy())
  socket.once('close', () => plug?.close())
  const hear = async (message: Readonly<Record<string, unknown>>): Promise<void> => {
    const { mac, publish, id } = message as {
      mac?: string
      publish?: Parameters<NetworkPlug['publish']>[0]
      id?: number
    }
    if (!plug) {
      const joined = network.plug(mac === undefined ? {} : { mac })
      plug = joined
      joined.port.onFrame((bytes, offload) => {
        if (socket.writableLength < MAX_UNSENT_BYTES) socket.write(ethernetFrame(bytes, offload))
      })
      socket.write(messageFrame({ mac: joined.mac }))
    } else if (publish) {
      const answer = await plug.publish(publish).then(
        port => ({ id, port }),
        (error: unknown) => ({ id, error: error instanceof Error ? error.message : String(error) }),
      )
      socket.write(messageFrame(answer))
    }
  }
  socket.on('data', (data: Uint8Array) => {
    try {
      for (const { type, bytes } of reader.feed(data)) {
        if (type === NetFrame.message) void hear(readMessage(bytes))
        else if (type === NetFrame.plain) plug?.port.send(bytes)
        else if (type === NetFrame.offload) {
          const sent = offloadedFrame(bytes)
          if (sent) plug?.port.send(sent.bytes, sent.offload)
        }
      }
    } catch (error) {
      // Not one of ours.
      socket.destroy(error as Error)
    }
  })
}
