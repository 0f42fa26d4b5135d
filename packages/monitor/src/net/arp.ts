import { get16, put16 } from '@doppel/base'
import type { IpBytes } from './ip-address.ts'
import { ETHERNET_BYTES, ETHERTYPE } from './ip-packet.ts'
import type { Link } from './link.ts'

const ARP_BYTES = 28
const REQUEST = 1
const REPLY = 2
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255)
/** Ethernet and IPv4 with addresses of 6 and 4 bytes (RFC 826). */
const KIND = [0, 1, 8, 0, 6, 4]

/** Answers who has one of our addresses, and learns from who asks. RFC 826. */
export function handleArp(link: Link, frame: Uint8Array, isOurs: (address: Uint8Array) => boolean): void {
  const arp = frame.subarray(ETHERNET_BYTES)
  if (arp.length < ARP_BYTES || KIND.some((byte, i) => arp[i] !== byte)) return
  const [mac, address, target] = [arp.subarray(8, 14), arp.subarray(14, 18), arp.subarray(24, 28)]
  // A probe has no address yet (RFC 5227 §1.1).
  if (address.some(byte => byte !== 0) && !isOurs(address)) link.learn(address, mac)
  if (get16(arp, 6) !== REQUEST || !isOurs(target)) return
  link.sendFrame(arpFrame(REPLY, { mac: link.mac, address: target }, { mac, address }, mac))
}

/** Asks the link who has an address; `from` is ours. */
export function askArp(link: Link, from: IpBytes, target: IpBytes): void {
  const nobody = new Uint8Array(6)
  link.sendFrame(arpFrame(REQUEST, { mac: link.mac, address: from }, { mac: nobody, address: target }, BROADCAST))
}

interface Station {
  readonly mac: Uint8Array
  readonly address: IpBytes
}

function arpFrame(operation: number, sender: Station, target: Station, toMac: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_BYTES + ARP_BYTES)
  frame.set(toMac)
  frame.set(sender.mac, 6)
  put16(frame, 12, ETHERTYPE.arp)
  const arp = frame.subarray(ETHERNET_BYTES)
  arp.set(KIND)
  put16(arp, 6, operation)
  arp.set(sender.mac, 8)
  arp.set(sender.address, 14)
  arp.set(target.mac, 18)
  arp.set(target.address, 24)
  return frame
}
