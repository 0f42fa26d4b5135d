import { put16, put32 } from '@doppel/base'
import type { IpBytes } from './ip-address.ts'
import { IP_PROTOCOL, type IpPacket, pseudoHeaderSum, setChecksum } from './ip-packet.ts'
import type { Link } from './link.ts'

// ICMP types, RFC 792 and RFC 4443.
const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const
const UNREACHABLE = { 4: 3, 6: 1 } as const
/** Codes of "unreachable": why. */
const CODE = {
  port: { 4: 3, 6: 4 },
  host: { 4: 1, 6: 3 },
  prohibited: { 4: 13, 6: 1 },
} as const
// Neighbour discovery, RFC 4861 §4.
const ROUTER_SOLICITATION = 133
const ROUTER_ADVERTISEMENT = 134
const NEIGHBOUR_SOLICITATION = 135
const NEIGHBOUR_ADVERTISEMENT = 136
const FROM_ROUTER_SOLICITED_OVERRIDE = 0xe0
/** Neighbour discovery packets must never have been forwarded. */
const ND_HOPS = 255
const LIFETIME_S = 86_400
/** Of the offending packet, so much that the whole stays within IPv6's least MTU. */
const QUOTED_BYTES = 548

const versionOf = (address: IpBytes): 4 | 6 => (address.length === 4 ? 4 : 6)

/** Answers an echo request that was sent to us. */
export function answerEcho(link: Link, { source, destination, protocol, payload }: IpPacket): boolean {
  const types = ECHO[versionOf(source)]
  if (payload.length < 8 || payload[0] !== types.request) return false
  const reply = payload.slice()
  reply[0] = types.reply
  send(link, destination, source, protocol, reply)
  return true
}

/** Tells a sender that its packet goes nowhere, and why. `from` is the gateway's address. */
export function sendUnreachable(link: Link, from: IpBytes, packet: IpPacket, why: keyof typeof CODE): void {
  const version = versionOf(packet.source)
  const quoted = quotedPacket(packet)
  const message = new Uint8Array(8 + quoted.length)
  message[0] = UNREACHABLE[version]
  message[1] = CODE[why][version]
  message.set(quoted, 8)
  send(link, from, packet.source, version === 4 ? IP_PROTOCOL.icmp : IP_PROTOCOL.icmpv6, message)
}

/** What a router of a network tells its guests. */
export interface RouterFacts {
  /** Our link-local address. */
  readonly linkLocal: IpBytes
  /** The prefix, 64 bits, from which guests make their addresses; 16 bytes. */
  readonly prefix: IpBytes
  readonly nameServer: IpBytes
}

const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

/** Answers the questions of a guest that looks for routers and neighbours; true when it was one. */
export function handleNeighbourDiscovery(
  link: Link,
  { source, payload }: IpPacket,
  facts: RouterFacts,
  isOurs: (address: IpBytes) => boolean,
): boolean {
  if (payload[0] === ROUTER_SOLICITATION) {
    sendIcmpv6(link, facts.linkLocal, ALL_NODES, routerAdvertisement(link, facts))
    return true
  }
  if (payload[0] === NEIGHBOUR_ADVERTISEMENT) return true
  if (payload[0] !== NEIGHBOUR_SOLICITATION || payload.length < 24) return false
  const target = payload.subarray(8, 24)
  if (!isOurs(target)) return true
  const isProbe = source.every(byte => byte === 0)
  const answer = new Uint8Array(32)
  answer[0] = NEIGHBOUR_ADVERTISEMENT
  answer[4] = FROM_ROUTER_SOLICITED_OVERRIDE & (isProbe ? 0xbf : 0xff)
  answer.set(target, 8)
  answer.set([2, 1], 24)
  answer.set(link.mac, 26)
  sendIcmpv6(link, target, isProbe ? ALL_NODES : source, answer)
  return true
}

/** Asks the link who has an IPv6 address; the answer's Ethernet header tells. RFC 4861 §4.3. */
export function askNeighbour(link: Link, from: IpBytes, target: IpBytes): void {
  const message = new Uint8Array(32)
  message[0] = NEIGHBOUR_SOLICITATION
  message.set(target, 8)
  message.set([1, 1], 24)
  message.set(link.mac, 26)
  // The solicited-node group of the target (RFC 4291 §2.7.1).
  const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...target.subarray(13))
  sendIcmpv6(link, from, group, message)
}

/** RFC 4861 §4.2, with the prefix (§4.6.2) and the name server (RFC 8106 §5.1). */
function routerAdvertisement(link: Link, { prefix, nameServer }: RouterFacts): Uint8Array {
  const message = new Uint8Array(16 + 8 + 32 + 24)
  message[0] = ROUTER_ADVERTISEMENT
  message[4] = 64
  put16(message, 6, 1800)
  message.set([1, 1], 16)
  message.set(link.mac, 18)
  // Prefix information: 64 bits, on the link, for addresses that guests make themselves.
  message.set([3, 4, 64, 0xc0], 24)
  put32(message, 28, LIFETIME_S)
  put32(message, 32, LIFETIME_S)
  message.set(prefix, 40)
  message.set([25, 3], 56)
  put32(message, 60, LIFETIME_S)
  message.set(nameServer, 64)
  return message
}

function sendIcmpv6(link: Link, source: IpBytes, destination: IpBytes, message: Uint8Array): void {
  send(link, source, destination, IP_PROTOCOL.icmpv6, message, ND_HOPS)
}

function send(
  link: Link,
  source: IpBytes,
  destination: IpBytes,
  protocol: number,
  message: Uint8Array,
  hops?: number,
): void {
  put16(message, 2, 0)
  const pseudo = protocol === IP_PROTOCOL.icmp ? 0 : pseudoHeaderSum(source, destination, protocol, message.length)
  setChecksum(message, 2, pseudo)
  link.sendPacket(source, destination, protocol, message, hops)
}

/** A header like the packet's own, and the beginning of what it carried: the guest finds its socket by that. */
function quotedPacket({ source, destination, protocol, payload }: IpPacket): Uint8Array {
  const isIpv4 = source.length === 4
  const headerBytes = isIpv4 ? 20 : 40
  const quoted = new Uint8Array(headerBytes + Math.min(payload.length, QUOTED_BYTES))
  quoted[0] = isIpv4 ? 0x45 : 0x60
  put16(quoted, isIpv4 ? 2 : 4, isIpv4 ? headerBytes + payload.length : payload.length)
  quoted[isIpv4 ? 9 : 6] = protocol
  quoted.set(source, isIpv4 ? 12 : 8)
  quoted.set(destination, isIpv4 ? 16 : 24)
  quoted.set(payload.subarray(0, QUOTED_BYTES), headerBytes)
  return quoted
}
