import { foldSum, get16, internetSum, put16 } from '@doppel/base'
import type { IpBytes } from './ip-address.ts'

/** Protocol numbers, IANA. */
export const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** Types of Ethernet frames, IEEE 802. */
export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const

/** An Ethernet header is destination, source and type. */
export const ETHERNET_BYTES = 14
/** The Ethernet payload that every link takes (RFC 894). */
export const MTU_BYTES = 1500

const IPV4_BYTES = 20
const IPV6_BYTES = 40
const HOPS = 64
/** Headers before the payload that are looked through; more is nothing an honest sender writes. */
const MAX_EXTENSION_HEADERS = 8
/** Hop-by-hop, routing and destination options (RFC 8200 §4). */
const SKIPPED_EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60])
const FRAGMENT_HEADER = 44
const FRAGMENT_HEADER_BYTES = 8

/** A part of a packet: its place in the whole's payload, in bytes. */
export interface IpFragment {
  readonly id: number
  readonly offset: number
  readonly more: boolean
}

/** An IP packet that was checked: lengths and header sum hold. Views into its frame. */
export interface IpPacket {
  readonly source: IpBytes
  readonly destination: IpBytes
  readonly protocol: number
  readonly payload: Uint8Array
  readonly fragment?: IpFragment
}

/** The packet in a frame of type IPv4 or IPv6; undefined when it is malformed. RFC 791 §3.1, RFC 8200 §3. */
export function parseIpFrame(frame: Uint8Array): IpPacket | undefined {
  const packet = frame.subarray(ETHERNET_BYTES)
  return get16(frame, 12) === ETHERTYPE.ipv4 ? parseIpv4(packet) : parseIpv6(packet)
}

function parseIpv4(packet: Uint8Array): IpPacket | undefined {
  const headerBytes = ((packet[0] ?? 0) & 15) * 4
  const totalBytes = get16(packet, 2)
  if ((packet[0] ?? 0) >> 4 !== 4 || headerBytes < IPV4_BYTES) return undefined
  if (totalBytes < headerBytes || totalBytes > packet.length) return undefined
  if (foldSum(internetSum(packet.subarray(0, headerBytes))) !== 0xffff) return undefined
  const place = get16(packet, 6)
  const fragment = { id: get16(packet, 4), offset: (place & 0x1fff) * 8, more: (place & 0x2000) !== 0 }
  return {
    source: packet.subarray(12, 16),
    destination: packet.subarray(16, 20),
    protocol: packet[9] ?? 0,
    payload: packet.subarray(headerBytes, totalBytes),
    ...((fragment.more || fragment.offset > 0) && { fragment }),
  }
}

function parseIpv6(packet: Uint8Array): IpPacket | undefined {
  const totalBytes = IPV6_BYTES + get16(packet, 4)
  if (packet.length < IPV6_BYTES || (packet[0] ?? 0) >> 4 !== 6 || totalBytes > packet.length) return undefined
  let protocol = packet[6] ?? 0
  let at = IPV6_BYTES
  let fragment: IpFragment | undefined
  for (let headers = 0; SKIPPED_EXTENSIONS.has(protocol) || protocol === FRAGMENT_HEADER; headers++) {
    const isFragment = protocol === FRAGMENT_HEADER
    const lengthBytes = isFragment ? FRAGMENT_HEADER_BYTES : ((packet[at + 1] ?? 0) + 1) * 8
    if (headers === MAX_EXTENSION_HEADERS || at + lengthBytes > totalBytes) return undefined
    if (isFragment) {
      const place = get16(packet, at + 2)
      fragment = {
        id: get16(packet, at + 4) * 0x1_0000 + get16(packet, at + 6),
        offset: place & 0xfff8,
        more: (place & 1) !== 0,
      }
    }
    protocol = packet[at] ?? 0
    at += lengthBytes
  }
  return {
    source: packet.subarray(8, 24),
    destination: packet.subarray(24, 40),
    protocol,
    payload: packet.subarray(at, totalBytes),
    ...(fragment && (fragment.more || fragment.offset > 0) && { fragment }),
  }
}

/** Where a frame goes, on the link and beyond. MAC addresses are 6 bytes. */
export interface IpRoute {
  readonly fromMac: Uint8Array
  readonly toMac: Uint8Array
  readonly source: IpBytes
  readonly destination: IpBytes
}

/** A frame with Ethernet and IP headers filled in, and the view of its payload, to be filled. */
export function ipFrame(
  route: IpRoute,
  protocol: number,
  payloadBytes: number,
  options: { readonly hops?: number; readonly id?: number; readonly place?: number } = {},
): { readonly frame: Uint8Array; readonly payload: Uint8Array } {
  const isIpv4 = route.source.length === 4
  const at = ETHERNET_BYTES + (isIpv4 ? IPV4_BYTES : IPV6_BYTES)
  const frame = new Uint8Array(at + payloadBytes)
  frame.set(route.toMac)
  frame.set(route.fromMac, 6)
  put16(frame, 12, isIpv4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6)
  const header = frame.subarray(ETHERNET_BYTES, at)
  if (isIpv4) {
    header[0] = 0x45
    put16(header, 2, IPV4_BYTES + payloadBytes)
    put16(header, 4, options.id ?? 0)
    put16(header, 6, options.place ?? 0)
    header[8] = options.hops ?? HOPS
    header[9] = protocol
    header.set(route.source, 12)
    header.set(route.destination, 16)
    put16(header, 10, foldSum(internetSum(header)) ^ 0xffff)
  } else {
    header[0] = 0x60
    put16(header, 4, payloadBytes)
    header[6] = protocol
    header[7] = options.hops ?? HOPS
    header.set(route.source, 8)
    header.set(route.destination, 24)
  }
  return { frame, payload: frame.subarray(at) }
}

/** The sum of the pseudo-header that TCP, UDP and ICMPv6 checksums begin with (RFC 9293 §3.1, RFC 8200 §8.1). */
export function pseudoHeaderSum(source: IpBytes, destination: IpBytes, protocol: number, payloadBytes: number): number {
  return internetSum(destination, internetSum(source, protocol + payloadBytes))
}

/** Puts the checksum of `payload` at `offset`, where it has zeros. */
export function setChecksum(payload: Uint8Array, offset: number, pseudoSum: number): void {
  const sum = foldSum(internetSum(payload, pseudoSum)) ^ 0xffff
  // Zero would say "no checksum" in UDP; all ones is the same number.
  put16(payload, offset, sum === 0 ? 0xffff : sum)
}

/** True when a payload that carries its checksum sums up right. */
export function isChecksumRight({ source, destination, protocol, payload }: IpPacket): boolean {
  return foldSum(internetSum(payload, pseudoHeaderSum(source, destination, protocol, payload.length))) === 0xffff
}
