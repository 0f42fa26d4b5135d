import { type FrameOffload, type NetPort, put16 } from '@doppel/base'
import { ipBytes, ipText } from '../src/net/ip-address.ts'
import { ETHERTYPE, type IpPacket, ipFrame, parseIpFrame, pseudoHeaderSum, setChecksum } from '../src/net/ip-packet.ts'

const MAC = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3)
const GATEWAY_MAC = Uint8Array.of(0x52, 0x55, 10, 0, 2, 2)

/** A wire whose one end the gateway has; tests play the guest at the other. */
export class GuestStation {
  readonly mac: Uint8Array = MAC
  readonly frames: Uint8Array[] = []
  readonly offloads: (FrameOffload | undefined)[] = []
  readonly port: NetPort
  #receive: ((frame: Uint8Array, offload?: FrameOffload) => void) | undefined

  constructor({ takesOffload = false }: { readonly takesOffload?: boolean } = {}) {
    this.port = {
      takesOffload,
      send: (frame, offload) => {
        this.frames.push(frame)
        this.offloads.push(offload)
      },
      onFrame: receive => {
        this.#receive = receive
      },
    }
  }

  sendFrame(frame: Uint8Array): void {
    this.#receive?.(frame)
  }

  /** Sends an IP packet; a checksum is put at `checksumAt` of the payload. */
  sendPacket(from: string, to: string, protocol: number, payload: Uint8Array, checksumAt?: number): void {
    const [source, destination] = [ipBytes(from), ipBytes(to)]
    const route = { fromMac: MAC, toMac: GATEWAY_MAC, source, destination }
    const { frame, payload: into } = ipFrame(route, protocol, payload.length)
    into.set(payload)
    if (checksumAt !== undefined) {
      put16(into, checksumAt, 0)
      const pseudo = protocol === 1 ? 0 : pseudoHeaderSum(source, destination, protocol, payload.length)
      setChecksum(into, checksumAt, pseudo)
    }
    this.sendFrame(frame)
  }

  sendDatagram(from: string, fromPort: number, to: string, port: number, data: Uint8Array): void {
    const datagram = new Uint8Array(8 + data.length)
    put16(datagram, 0, fromPort)
    put16(datagram, 2, port)
    put16(datagram, 4, datagram.length)
    datagram.set(data, 8)
    this.sendPacket(from, to, 17, datagram, 6)
  }

  /** Takes the packets that have come since the last call. */
  packets(): (IpPacket & { readonly from: string; readonly to: string })[] {
    const ip: readonly number[] = [ETHERTYPE.ipv4, ETHERTYPE.ipv6]
    const frames = this.frames.splice(0).filter(frame => ip.includes(((frame[12] ?? 0) << 8) | (frame[13] ?? 0)))
    return frames.map(frame => {
      const packet = parseIpFrame(frame)
      if (!packet) throw new Error('the gateway sent a packet that does not parse')
      return { ...packet, from: ipText(packet.source), to: ipText(packet.destination) }
    })
  }
}
