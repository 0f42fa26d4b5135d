import { type Clock, get16 } from '@doppel/base'
import type { HostDatagrams, HostNetwork, NetTimers } from './host-network.ts'
import { type IpBytes, ipText } from './ip-address.ts'
import type { IpPacket } from './ip-packet.ts'

/** Guest sockets that may talk at once, peers of each, and how long a silent one is kept (RFC 4787 §4.3 asks for 2 min). */
const MAX_SOCKETS = 512
const MAX_PEERS = 256
const IDLE_MS = 120_000
const UDP_BYTES = 8

interface Socket {
  readonly guest: IpBytes
  readonly guestPort: number
  readonly host: HostDatagrams
  /** Host address and port to the address under which the guest knows it. */
  readonly peers: Map<string, IpBytes>
  usedNs: number
}

/** What the translation needs of its gateway. */
export interface UdpNatConfig {
  readonly host: HostNetwork
  readonly clock: Clock
  readonly timers: NetTimers
  /** The host's name for an address the guest wrote to. */
  readonly toHost: (address: IpBytes) => string
  readonly mayReach: (address: string, port: number) => boolean
  /** Sends a datagram to the guest. */
  readonly deliver: (from: IpBytes, fromPort: number, to: IpBytes, toPort: number, data: Uint8Array) => void
}

/** Guests' UDP sockets, each with one of the host's; answers come only from where the guest sent to. */
export class UdpNat {
  readonly #config: UdpNatConfig
  readonly #sockets = new Map<string, Socket>()
  #sweep: { cancel(): void } | undefined

  constructor(config: UdpNatConfig) {
    this.#config = config
  }

  /** Passes a datagram on; false when policy forbids its destination. */
  forward({ source, destination, payload }: IpPacket): boolean {
    const { host, clock, toHost, mayReach } = this.#config
    const [guestPort, port] = [get16(payload, 0), get16(payload, 2)]
    const address = toHost(destination)
    if (!mayReach(address, port)) return false
    const key = `${ipText(source)} ${guestPort}`
    const socket = this.#sockets.get(key) ?? this.#open(key, source.slice(), guestPort, host)
    socket.usedNs = clock.monotonicNs()
    const peer = `${address} ${port}`
    if (!socket.peers.has(peer) && socket.peers.size >= MAX_PEERS) {
      const oldest = socket.peers.keys().next()
      if (!oldest.done) socket.peers.delete(oldest.value)
    }
    socket.peers.set(peer, destination.slice())
    socket.host.send(address, port, payload.slice(UDP_BYTES))
    return true
  }

  close(): void {
    this.#sweep?.cancel()
    for (const { host } of this.#sockets.values()) host.close()
    this.#sockets.clear()
  }

  #open(key: string, guest: IpBytes, guestPort: number, host: HostNetwork): Socket {
    if (this.#sockets.size >= MAX_SOCKETS) this.#drop(this.#leastUsed())
    const { clock, timers, deliver } = this.#config
    const peers = new Map<string, IpBytes>()
    const socket: Socket = {
      guest,
      guestPort,
      peers,
      usedNs: clock.monotonicNs(),
      host: host.datagrams(guest.length === 4 ? 4 : 6, (from, port, bytes) => {
        const known = peers.get(`${from} ${port}`)
        if (!known) return
        socket.usedNs = clock.monotonicNs()
        deliver(known, port, guest, guestPort, bytes)
      }),
    }
    this.#sockets.set(key, socket)
    this.#sweep ??= timers.after(IDLE_MS / 2, () => this.#dropIdle())
    return socket
  }

  #leastUsed(): string {
    let [oldest, sinceNs] = ['', Infinity]
    for (const [key, { usedNs }] of this.#sockets) if (usedNs < sinceNs) [oldest, sinceNs] = [key, usedNs]
    return oldest
  }

  #drop(key: string): void {
    this.#sockets.get(key)?.host.close()
    this.#sockets.delete(key)
  }

  #dropIdle(): void {
    const { clock, timers } = this.#config
    const limitNs = clock.monotonicNs() - IDLE_MS * 1e6
    for (const [key, { usedNs }] of this.#sockets) if (usedNs < limitNs) this.#drop(key)
    this.#sweep = this.#sockets.size > 0 ? timers.after(IDLE_MS / 2, () => this.#dropIdle()) : undefined
  }
}
