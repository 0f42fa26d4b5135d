import { type Clock, DoppelError, type EntropySource, get32 } from '@doppel/base'
import type { HostNetwork, HostStream, NetTimers, StreamEvents } from './host-network.ts'
import { type IpBytes, ipText } from './ip-address.ts'
import type { IpPacket } from './ip-packet.ts'
import type { Link } from './link.ts'
import { type TcpConfig, TcpConnection, type TcpEvents } from './tcp/connection.ts'
import { parseTcp, TCP_CHECKSUM, TCP_FLAG, type TcpSegment, tcpHeaderBytes, writeTcp } from './tcp/segment.ts'

/** Connections of one network at once; more are refused. */
const MAX_CONNECTIONS = 4096
const FIRST_PORT = 49_152
const PACKET_DATA_BYTES = { 4: 1460, 6: 1440 } as const

/** What the translation needs of its gateway. */
export interface TcpNatConfig {
  readonly link: Link
  readonly host: HostNetwork
  readonly clock: Clock
  readonly timers: NetTimers
  readonly entropy: EntropySource
  readonly toHost: (address: IpBytes) => string
  readonly mayReach: (address: string, port: number) => boolean
  /** A service of the gateway's own at this address and port, instead of the host. */
  readonly service?: (address: IpBytes, port: number) => ((events: StreamEvents) => HostStream) | undefined
  /** Tells the guest that the host behind an address cannot be reached. */
  readonly unreachable: (packet: IpPacket) => void
}

interface Flow {
  /** Undefined while the host is still connecting. */
  connection: TcpConnection | undefined
  readonly stream: HostStream
}

/** What one half of a flow is told, and does to the other. */
interface Joint {
  readonly guestEvents: TcpEvents
  readonly hostEvents: StreamEvents
}

/** Guests' TCP connections, each ended here and joined to one of the host's. */
export class TcpNat {
  readonly #config: TcpNatConfig
  readonly #flows = new Map<string, Flow>()
  #nextPort: number

  constructor(config: TcpNatConfig) {
    this.#config = config
    // A clone's guest remembers the connections of the machine it was made from: ports must not meet theirs.
    this.#nextPort = FIRST_PORT + (this.#random32() % (0x1_0000 - FIRST_PORT))
  }

  /** Connections now. */
  get size(): number {
    return this.#flows.size
  }

  /** Takes a segment from a guest, its checksum right. */
  receive(packet: IpPacket): void {
    const segment = parseTcp(packet.payload)
    if (!segment) return
    const flow = this.#flows.get(keyOf(packet.source, segment.sourcePort, packet.destination, segment.destinationPort))
    if (flow) flow.connection?.receive(segment)
    else if ((segment.flags & (TCP_FLAG.syn | TCP_FLAG.ack | TCP_FLAG.rst)) === TCP_FLAG.syn)
      this.#open(packet, segment)
    else this.#refuse(packet, segment)
  }

  /** Joins a stream that the host accepted to a port of a guest's; `listen` sets who hears it. Throws `net.full`. */
  forwardTo(
    guest: IpBytes,
    port: number,
    from: IpBytes,
    stream: HostStream,
    listen: (events: StreamEvents) => void,
  ): void {
    const localPort = this.#freePort(guest, port, from)
    const key = keyOf(guest, port, from, localPort)
    const flow: Flow = { connection: undefined, stream }
    this.#flows.set(key, flow)
    const joined = this.#join(key, flow)
    flow.connection = TcpConnection.connect(this.#connectionConfig(guest, port, from, localPort, joined.guestEvents))
    listen(joined.hostEvents)
  }

  /** Ends every connection. */
  close(): void {
    for (const { connection, stream } of this.#flows.values()) {
      connection?.reset()
      stream.destroy()
    }
    this.#flows.clear()
  }

  /** A guest's SYN: the host connects first, so that the guest learns what really happened. */
  #open(packet: IpPacket, syn: TcpSegment): void {
    const { host, toHost, mayReach, service } = this.#config
    const [source, destination] = [packet.source.slice(), packet.destination.slice()]
    const own = service?.(destination, syn.destinationPort)
    const address = toHost(destination)
    const isAllowed = own !== undefined || mayReach(address, syn.destinationPort)
    if (!isAllowed || this.#flows.size >= MAX_CONNECTIONS) return this.#refuse(packet, syn)
    const key = keyOf(source, syn.sourcePort, destination, syn.destinationPort)
    const held = { ...packet, source, destination, payload: packet.payload.slice() }
    const heldSyn = { ...syn, data: new Uint8Array(0) }
    let joined: Joint | undefined
    const events: StreamEvents = {
      connected: () => {
        joined = this.#join(key, flow)
        flow.connection = TcpConnection.accept(
          this.#connectionConfig(source, syn.sourcePort, destination, syn.destinationPort, joined.guestEvents),
          heldSyn,
        )
      },
      data: bytes => joined?.hostEvents.data(bytes),
      ended: () => joined?.hostEvents.ended(),
      closed: failed => {
        if (joined) return joined.hostEvents.closed(failed)
        this.#flows.delete(key)
        if (failed === 'unreachable') this.#config.unreachable(held)
        else this.#refuse(held, heldSyn)
      },
    }
    const stream = own?.(events) ?? host.connect(address, syn.destinationPort, events)
    const flow: Flow = { connection: undefined, stream }
    this.#flows.set(key, flow)
  }

  /** What passes between the two halves of a flow. */
  #join(key: string, flow: Flow): Joint {
    const { stream } = flow
    return {
      guestEvents: {
        established: () => undefined,
        data: bytes => stream.write(bytes.slice(), () => flow.connection?.consumed(bytes.length)),
        ended: () => stream.end(),
        writable: () => stream.resume(),
        closed: failed => {
          this.#flows.delete(key)
          if (failed) stream.destroy()
        },
      },
      hostEvents: {
        connected: () => undefined,
        data: bytes => {
          if (flow.connection?.write(bytes) === false) stream.pause()
        },
        ended: () => flow.connection?.end(),
        closed: failed => {
          if (!failed) return flow.connection?.end()
          flow.connection?.reset()
          this.#flows.delete(key)
        },
      },
    }
  }

  #connectionConfig(
    guest: IpBytes,
    guestPort: number,
    local: IpBytes,
    localPort: number,
    events: TcpEvents,
  ): TcpConfig {
    const { link, clock, timers } = this.#config
    const maxSegmentBytes = PACKET_DATA_BYTES[guest.length === 4 ? 4 : 6]
    return {
      localPort,
      remotePort: guestPort,
      initialSequence: this.#random32(),
      maxSegmentBytes,
      maxOffloadBytes: link.maxSegmentData(maxSegmentBytes),
      clock,
      timers,
      events,
      send: (segment, dataBytes, packetBytes, fill) => {
        const headerBytes = tcpHeaderBytes(segment)
        const cut = dataBytes > packetBytes ? packetBytes : undefined
        link.sendSegment(local, guest, headerBytes + dataBytes, TCP_CHECKSUM, cut, into => {
          writeTcp(into, segment)
          fill(into.subarray(headerBytes))
        })
      },
    }
  }

  /** RFC 9293 §3.10.7.1: a segment for no connection is answered with a reset. */
  #refuse({ source, destination }: IpPacket, segment: TcpSegment): void {
    if ((segment.flags & TCP_FLAG.rst) !== 0) return
    const hasAck = (segment.flags & TCP_FLAG.ack) !== 0
    const length = segment.data.length + ((segment.flags & TCP_FLAG.syn) === 0 ? 0 : 1)
    const reset = {
      sourcePort: segment.destinationPort,
      destinationPort: segment.sourcePort,
      sequence: hasAck ? segment.acknowledgment : 0,
      acknowledgment: hasAck ? 0 : (segment.sequence + length) >>> 0,
      flags: TCP_FLAG.rst | (hasAck ? 0 : TCP_FLAG.ack),
      window: 0,
    }
    this.#config.link.sendSegment(destination, source, tcpHeaderBytes(reset), TCP_CHECKSUM, undefined, into =>
      writeTcp(into, reset),
    )
  }

  #random32(): number {
    const random = new Uint8Array(4)
    this.#config.entropy.fill(random)
    return get32(random, 0)
  }

  #freePort(guest: IpBytes, port: number, from: IpBytes): number {
    for (let tries = 0; tries < 0x1_0000 - FIRST_PORT && this.#flows.size < MAX_CONNECTIONS; tries++) {
      const candidate = this.#nextPort
      this.#nextPort = candidate === 0xffff ? FIRST_PORT : candidate + 1
      if (!this.#flows.has(keyOf(guest, port, from, candidate))) return candidate
    }
    throw new DoppelError('net.full', `${this.#flows.size} connections are open; a network takes ${MAX_CONNECTIONS}`, {
      connections: this.#flows.size,
    })
  }
}

function keyOf(guest: IpBytes, guestPort: number, other: IpBytes, otherPort: number): string {
  return `${ipText(guest)} ${guestPort} ${ipText(other)} ${otherPort}`
}
