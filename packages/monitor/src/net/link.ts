import type { FrameOffload, NetPort } from '@doppel/base'
import { foldSum, put16 } from '@doppel/base'
import { IP_PROTOCOL, ipFrame, MTU_BYTES, pseudoHeaderSum, setChecksum } from './ip-packet.ts'
import { type IpBytes, ipText } from './ip-address.ts'

/** Stations remembered; the oldest makes room. */
const MAX_NEIGHBOURS = 256
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255)
const UDP_BYTES = 8
const IPV4_BYTES = 20

/** The gateway's plug: who is on the link, and how packets are put on it. */
export class Link {
  readonly mac: Uint8Array
  readonly #port: NetPort
  readonly #neighbours = new Map<string, Uint8Array>()
  #nextId = 0
  #solicit: (address: IpBytes) => void = () => undefined

  constructor(port: NetPort, mac: Uint8Array) {
    this.#port = port
    this.mac = mac
  }

  /** Remembers by which card an address is reached. */
  learn(address: IpBytes, mac: Uint8Array): void {
    const key = ipText(address)
    if (this.#neighbours.has(key) && sameBytes(this.#neighbours.get(key), mac)) return
    this.#neighbours.set(key, mac.slice())
    if (this.#neighbours.size <= MAX_NEIGHBOURS) return
    const oldest = this.#neighbours.keys().next()
    if (!oldest.done) this.#neighbours.delete(oldest.value)
  }

  /** Sets who is asked for a card that is not known; what was to be sent is lost, and sent again by its protocol. */
  onUnknown(solicit: (address: IpBytes) => void): void {
    this.#solicit = solicit
  }

  /** The card that a packet to an address goes to; undefined while it is not known. */
  #macOf(address: IpBytes): Uint8Array | undefined {
    if (address.length === 4 && address.every(byte => byte === 255)) return BROADCAST
    // RFC 2464 §7.
    if (address[0] === 0xff && address.length === 16) return Uint8Array.of(0x33, 0x33, ...address.subarray(12))
    const mac = this.#neighbours.get(ipText(address))
    if (!mac) this.#solicit(address)
    return mac
  }

  sendFrame(frame: Uint8Array, offload?: FrameOffload): void {
    this.#port.send(frame, this.#port.takesOffload ? offload : undefined)
  }

  /** Sends a payload that needs no more work, in fragments when the link is too narrow for it (IPv4 only). */
  sendPacket(source: IpBytes, destination: IpBytes, protocol: number, payload: Uint8Array, hops?: number): void {
    const toMac = this.#macOf(destination)
    if (!toMac) return
    const route = { fromMac: this.mac, toMac, source, destination }
    const isWhole = payload.length + IPV4_BYTES <= MTU_BYTES || source.length === 16
    const partBytes = isWhole ? Math.max(payload.length, 1) : (MTU_BYTES - IPV4_BYTES) & ~7
    const id = (this.#nextId = (this.#nextId + 1) & 0xffff)
    for (let at = 0; at < Math.max(payload.length, 1); at += partBytes) {
      const part = payload.subarray(at, at + partBytes)
      const place = (at >> 3) | (at + partBytes < payload.length ? 0x2000 : 0)
      const { frame, payload: into } = ipFrame(route, protocol, part.length, {
        id,
        place,
        ...(hops !== undefined && { hops }),
      })
      into.set(part)
      this.sendFrame(frame)
    }
  }

  /** Sends a UDP datagram; over IPv6 one too long for the link is lost. */
  sendDatagram(source: IpBytes, sourcePort: number, destination: IpBytes, port: number, data: Uint8Array): void {
    const datagram = new Uint8Array(UDP_BYTES + data.length)
    if (datagram.length > 0xffff - IPV4_BYTES || (source.length === 16 && datagram.length + 40 > MTU_BYTES)) return
    put16(datagram, 0, sourcePort)
    put16(datagram, 2, port)
    put16(datagram, 4, datagram.length)
    datagram.set(data, UDP_BYTES)
    setChecksum(datagram, 6, pseudoHeaderSum(source, destination, IP_PROTOCOL.udp, datagram.length))
    this.sendPacket(source, destination, IP_PROTOCOL.udp, datagram)
  }

  /**
   * Sends a TCP segment of `lengthBytes` that `write` fills in. Where the port allows it the checksum is left over, and
   * the cutting into packets of `packetDataBytes` of data; otherwise the segment fits one packet.
   */
  sendSegment(
    source: IpBytes,
    destination: IpBytes,
    lengthBytes: number,
    checksumAt: number,
    segmentBytes: number | undefined,
    write: (into: Uint8Array) => void,
  ): void {
    const toMac = this.#macOf(destination)
    if (!toMac) return
    const route = { fromMac: this.mac, toMac, source, destination }
    const { frame, payload } = ipFrame(route, IP_PROTOCOL.tcp, lengthBytes)
    write(payload)
    const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOL.tcp, lengthBytes)
    if (!this.#port.takesOffload) {
      setChecksum(payload, checksumAt, pseudo)
      this.#port.send(frame)
      return
    }
    put16(payload, checksumAt, foldSum(pseudo))
    const checksum = { start: frame.length - lengthBytes, offset: checksumAt }
    this.#port.send(frame, segmentBytes === undefined ? { checksum } : { checksum, segmentBytes })
  }

  /** The most data that a segment may hold: the port cuts it, or it must fit. */
  maxSegmentData(packetDataBytes: number): number {
    return this.#port.takesOffload ? packetDataBytes * Math.floor(60_000 / packetDataBytes) : packetDataBytes
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i])
}
