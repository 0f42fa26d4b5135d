import { type Clock, type EntropySource, type FrameOffload, get16, type NetPort } from '@doppel/base'
import { askArp, handleArp } from './arp.ts'
import { DhcpServer } from './dhcp.ts'
import { dnsStream } from './dns-stream.ts'
import { Reassembler } from './fragments.ts'
import type { HostListener, HostNetwork, NameService, NetTimers } from './host-network.ts'
import { answerEcho, askNeighbour, handleNeighbourDiscovery, sendUnreachable } from './icmp.ts'
import { type IpBytes, ipBytes, ipText } from './ip-address.ts'
import { ETHERTYPE, IP_PROTOCOL, type IpPacket, isChecksumRight, MTU_BYTES, parseIpFrame } from './ip-packet.ts'
import { Link } from './link.ts'
import { Egress, type NetworkPolicy, type PolicyEvent } from './policy.ts'
import { TcpNat } from './tcp-nat.ts'
import { UdpNat } from './udp-nat.ts'

/** The addresses of a network, as QEMU's user network has them for IPv4. */
export const NETWORK: {
  readonly gateway: IpBytes
  readonly nameServer: IpBytes
  readonly mask: IpBytes
  /** The last byte of the first guest's address, and how many guests there are room for. */
  readonly firstGuest: number
  readonly guests: number
  readonly linkLocal: IpBytes
  readonly prefix: IpBytes
  readonly gateway6: IpBytes
  readonly nameServer6: IpBytes
} = {
  gateway: ipBytes('10.0.2.2'),
  nameServer: ipBytes('10.0.2.3'),
  mask: ipBytes('255.255.255.0'),
  firstGuest: 15,
  guests: 200,
  linkLocal: ipBytes('fe80::2'),
  prefix: ipBytes('fd00:d0::'),
  gateway6: ipBytes('fd00:d0::2'),
  nameServer6: ipBytes('fd00:d0::3'),
}

const MAC = Uint8Array.of(0x52, 0x55, 10, 0, 2, 2)
/** Queries that are being answered at once; more are lost, and asked again by their senders. */
const MAX_QUERIES = 64
const PORT = { dns: 53, dhcpServer: 67, dhcpClient: 68 } as const
const UDP_BYTES = 8
const MIN_UDP_ANSWER_BYTES = 512
const LIMITED_BROADCAST = Uint8Array.of(255, 255, 255, 255)

/** What a gateway is made from. */
export interface GatewayConfig {
  /** Its plug in the network's switch. */
  readonly port: NetPort
  readonly host: HostNetwork
  readonly names: NameService
  readonly clock: Clock
  readonly timers: NetTimers
  readonly entropy: EntropySource
  readonly policy?: NetworkPolicy
  /** Told of every attempt that policy decides on. */
  readonly onPolicy?: (event: PolicyEvent) => void
}

/** A network's way out: router, DHCP server, name server and address translation, all towards the host's sockets. */
export class Gateway {
  readonly #config: GatewayConfig
  readonly #link: Link
  readonly #dhcp: DhcpServer
  readonly #fragments: Reassembler
  readonly #tcp: TcpNat
  readonly #udp: UdpNat
  readonly #egress: Egress
  readonly #ours = new Set(
    [NETWORK.gateway, NETWORK.nameServer, NETWORK.linkLocal, NETWORK.gateway6, NETWORK.nameServer6].map(ipText),
  )
  readonly #listeners: HostListener[] = []
  #queries = 0
  #isClosed = false

  /** Throws `net.policy`. */
  constructor(config: GatewayConfig) {
    this.#config = config
    const { port, host, clock, timers, entropy, policy = {}, onPolicy = () => undefined } = config
    this.#egress = new Egress(policy, onPolicy)
    this.#link = new Link(port, MAC)
    this.#fragments = new Reassembler(clock)
    const pool = Array.from({ length: NETWORK.guests }, (_, i) => Uint8Array.of(10, 0, 2, NETWORK.firstGuest + i))
    const { gateway: server, mask, nameServer } = NETWORK
    this.#dhcp = new DhcpServer({ server, mask, nameServer, mtuBytes: MTU_BYTES }, pool)
    const mayReach = (kind: 'tcp' | 'udp') => (address: string, toPort: number) =>
      this.#egress.mayReach(kind, ipBytes(address), toPort)
    this.#udp = new UdpNat({
      host,
      clock,
      timers,
      toHost: address => this.#toHost(address),
      mayReach: mayReach('udp'),
      deliver: (from, fromPort, to, toPort, data) => this.#link.sendDatagram(from, fromPort, to, toPort, data),
    })
    this.#tcp = new TcpNat({
      link: this.#link,
      host,
      clock,
      timers,
      entropy,
      toHost: address => this.#toHost(address),
      mayReach: mayReach('tcp'),
      unreachable: packet => sendUnreachable(this.#link, this.#gatewayFor(packet.source), packet, 'host'),
      service: (address, toPort) =>
        isNameServer(address) && toPort === PORT.dns
          ? events => dnsStream(events, query => this.#resolve(query, 0xffff))
          : undefined,
    })
    this.#link.onUnknown(address => {
      if (address.length === 4) askArp(this.#link, NETWORK.gateway, address)
      else askNeighbour(this.#link, NETWORK.linkLocal, address)
    })
    port.onFrame((frame, offload) => this.#receive(frame, offload))
  }

  /** TCP connections through the gateway now. */
  get connections(): number {
    return this.#tcp.size
  }

  /**
   * Makes a guest's TCP port reachable from the host; `hostPort` 0 takes a free one. The guest is the one with the card
   * `guestMac`, which may ask for its address later, else the first address's. Rejects with what `listen` rejects with.
   */
  async publish(options: {
    readonly guestPort: number
    readonly hostAddress?: string
    readonly hostPort?: number
    readonly guestMac?: string
  }): Promise<HostListener> {
    const { guestPort, guestMac, hostAddress = '127.0.0.1', hostPort = 0 } = options
    const guest = (): IpBytes =>
      (guestMac === undefined ? undefined : this.#dhcp.addressOf(guestMac)) ??
      Uint8Array.of(10, 0, 2, NETWORK.firstGuest)
    const listener = await this.#config.host.listen(hostAddress, hostPort, (stream, listen) =>
      this.#tcp.forwardTo(guest(), guestPort, NETWORK.gateway, stream, listen),
    )
    this.#listeners.push(listener)
    return listener
  }

  /** Ends every connection and socket. */
  close(): void {
    this.#isClosed = true
    for (const listener of this.#listeners) listener.close()
    this.#tcp.close()
    this.#udp.close()
  }

  #receive(frame: Uint8Array, offload: FrameOffload | undefined): void {
    // A switch floods what is for a machine that it does not know the place of: that is not ours to answer.
    if (this.#isClosed || !isAddressedTo(frame, MAC)) return
    const type = get16(frame, 12)
    if (type === ETHERTYPE.arp) return handleArp(this.#link, frame, address => this.#isOurs(address))
    if (type !== ETHERTYPE.ipv4 && type !== ETHERTYPE.ipv6) return
    const arrived = parseIpFrame(frame)
    const packet = arrived && this.#fragments.add(arrived)
    if (!packet || this.#isOurs(packet.source)) return
    this.#link.learn(packet.source, frame.subarray(6, 12))
    // What comes with an offload never left this computer's memory: there is nothing to check yet.
    const isRight = offload !== undefined || packet.protocol === IP_PROTOCOL.icmp || isSound(packet)
    if (!isRight) return
    if (packet.protocol === IP_PROTOCOL.tcp) this.#tcp.receive(packet)
    else if (packet.protocol === IP_PROTOCOL.udp) this.#receiveDatagram(packet)
    else if (packet.protocol === IP_PROTOCOL.icmp || packet.protocol === IP_PROTOCOL.icmpv6) this.#receiveIcmp(packet)
    else this.#refuse(packet, 'prohibited')
  }

  #receiveIcmp(packet: IpPacket): void {
    const { linkLocal, prefix, nameServer6 } = NETWORK
    const isOurs = (address: IpBytes): boolean => this.#isOurs(address)
    const facts = { linkLocal, prefix, nameServer: nameServer6 }
    if (packet.protocol === IP_PROTOCOL.icmpv6 && handleNeighbourDiscovery(this.#link, packet, facts, isOurs)) return
    if (this.#isOurs(packet.destination)) answerEcho(this.#link, packet)
    // Echoes to the world need a raw socket of the host's, which takes privileges.
    else if (packet.payload[0] === 8 || packet.payload[0] === 128) this.#refuse(packet, 'prohibited')
  }

  #receiveDatagram(packet: IpPacket): void {
    const { source, destination, payload } = packet
    const lengthBytes = get16(payload, 4)
    if (payload.length < UDP_BYTES || lengthBytes < UDP_BYTES || lengthBytes > payload.length) return
    const [sourcePort, port] = [get16(payload, 0), get16(payload, 2)]
    const data = payload.subarray(UDP_BYTES, lengthBytes)
    if (port === PORT.dhcpServer && source.length === 4) return this.#answerDhcp(data)
    if (isNameServer(destination)) {
      if (port === PORT.dns) void this.#answerQuery(source.slice(), sourcePort, destination.slice(), data.slice())
      else this.#refuse(packet, 'port')
      return
    }
    if (isGroup(destination)) return
    const trimmed = { ...packet, payload: payload.subarray(0, lengthBytes) }
    if (!this.#udp.forward(trimmed)) this.#refuse(packet, 'prohibited')
  }

  #answerDhcp(query: Uint8Array): void {
    const answer = this.#dhcp.answer(query)
    if (!answer) return
    if (answer.lease) this.#link.learn(answer.lease.address, answer.lease.mac)
    this.#link.sendDatagram(
      NETWORK.gateway,
      PORT.dhcpServer,
      answer.to ?? LIMITED_BROADCAST,
      PORT.dhcpClient,
      answer.message,
    )
  }

  async #answerQuery(from: IpBytes, fromPort: number, server: IpBytes, query: Uint8Array): Promise<void> {
    const message = await this.#resolve(query, MIN_UDP_ANSWER_BYTES)
    if (message && !this.#isClosed) this.#link.sendDatagram(server, PORT.dns, from, fromPort, message)
  }

  async #resolve(query: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
    if (this.#queries >= MAX_QUERIES) return undefined
    this.#queries++
    try {
      const answer = await this.#config.names.answer(query, maxBytes, name => this.#egress.mayResolve(name))
      if (answer) this.#egress.learn(answer.name, answer.addresses)
      return answer?.message
    } finally {
      this.#queries--
    }
  }

  #refuse(packet: IpPacket, why: 'port' | 'prohibited'): void {
    if (!isGroup(packet.destination)) sendUnreachable(this.#link, this.#gatewayFor(packet.source), packet, why)
  }

  /** The gateway's own address is the host: its loopback, to whom policy lets nobody who is not named. */
  #toHost(address: IpBytes): string {
    const text = ipText(address)
    if (text === ipText(NETWORK.gateway)) return '127.0.0.1'
    return text === ipText(NETWORK.gateway6) ? '::1' : text
  }

  #gatewayFor(guest: IpBytes): IpBytes {
    return guest.length === 4 ? NETWORK.gateway : NETWORK.gateway6
  }

  #isOurs(address: IpBytes): boolean {
    return this.#ours.has(ipText(address))
  }
}

/** True for a frame to this card, or to a group (IEEE 802.3 §3.2.3). */
function isAddressedTo(frame: Uint8Array, mac: Uint8Array): boolean {
  return ((frame[0] ?? 0) & 1) === 1 || mac.every((byte, i) => frame[i] === byte)
}

function isNameServer(address: IpBytes): boolean {
  const text = ipText(address)
  return text === ipText(NETWORK.nameServer) || text === ipText(NETWORK.nameServer6)
}

/** Multicast and broadcast stay on the link. */
function isGroup(address: IpBytes): boolean {
  return address.length === 4 ? (address[0] ?? 0) >= 224 || address[3] === 255 : address[0] === 0xff
}

/** A UDP datagram over IPv4 may come without a checksum (RFC 768). */
function isSound(packet: IpPacket): boolean {
  const isUnsummed = packet.protocol === IP_PROTOCOL.udp && packet.source.length === 4 && get16(packet.payload, 6) === 0
  return isUnsummed || isChecksumRight(packet)
}
