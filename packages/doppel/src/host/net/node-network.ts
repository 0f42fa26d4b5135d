import { createSocket } from 'node:dgram'
import { connect, createServer, isIPv6, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import type { HostListener, HostNetwork, HostStream, NetTimers, StreamEvents } from '@doppel/monitor'

/** Connecting takes so long at most; the guest's own patience is longer. */
const CONNECT_TIMEOUT_MS = 60_000

/** The host's sockets. */
export const nodeNetwork: HostNetwork = {
  connect: (address, port, events) => {
    const socket = connect({ host: address, port, noDelay: true, allowHalfOpen: true })
    socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
      socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
    )
    socket.once('connect', () => {
      socket.setTimeout(0)
      events.connected()
    })
    return streamOf(socket, () => events)
  },

  listen: async (address, port, accept) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, socket => {
      let events: StreamEvents | undefined
      const stream = streamOf(socket, () => events)
      try {
        accept(stream, heard => {
          events = heard
          socket.resume()
        })
      } catch (error) {
        // A full network refuses this one connection.
        if (!(error instanceof DoppelError)) throw error
        socket.destroy()
      }
    })
    const { promise, resolve, reject } = Promise.withResolvers<HostListener>()
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new DoppelError('net.listen', `cannot listen on ${address}:${port}: ${error.message}`, { address, port })),
    )
    server.listen({ host: address, port }, () => {
      const bound = server.address()
      resolve({
        port: typeof bound === 'object' && bound ? bound.port : port,
        close: () => server.close(),
      })
    })
    return promise
  },

  datagrams: (version, received) => {
    const socket = createSocket(version === 4 ? 'udp4' : 'udp6')
    let isClosed = false
    socket.on('message', (bytes, from) => received(plainAddress(from.address), from.port, bytes))
    // What cannot be sent is lost, as datagrams are.
    socket.on('error', () => undefined)
    return {
      send: (address, port, bytes) => {
        if (!isClosed) socket.send(bytes, port, address, () => undefined)
      },
      close: () => {
        isClosed = true
        socket.close()
      },
    }
  },
}

/** The host's timers; none keeps a process from exiting. */
export const nodeTimers: NetTimers = {
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

function streamOf(socket: Socket, events: () => StreamEvents | undefined): HostStream {
  let failed: Parameters<StreamEvents['closed']>[0]
  socket.on('data', (bytes: Uint8Array) => events()?.data(bytes))
  socket.on('end', () => events()?.ended())
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failed = FAILURES[error.code ?? ''] ?? 'reset'
  })
  socket.on('close', () => events()?.closed(failed))
  return {
    write: (bytes, sent) => void socket.write(bytes, () => sent()),
    end: () => void socket.end(),
    destroy: () => void socket.resetAndDestroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  }
}

const FAILURES: Readonly<Record<string, 'refused' | 'unreachable' | 'reset'>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'unreachable',
}

/** Without the zone that link-local addresses carry on the host. */
function plainAddress(address: string): string {
  return isIPv6(address) ? (address.split('%')[0] ?? address) : address
}
