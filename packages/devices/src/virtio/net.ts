import { DoppelError, type FrameOffload, type NetPort, type Saved } from '@doppel/base'
import { Chain, type ChainState } from './chain.ts'
import { defineVirtio, type DeviceFault, type VirtioDevice } from './device.ts'
import { checkedOffload, segmentFrame, tcpDataStart, withChecksum } from './frame-offload.ts'

/** Frames kept for a guest that has posted no buffers; further ones are dropped, as on any full network card. */
export const NET_RECEIVE_LIMIT_FRAMES = 256

/** The longest frame passed either way: the largest IP packet and its Ethernet header. */
const MAX_FRAME_BYTES = 65_535 + 18
// Feature bits, Virtio 1.2 §5.1.3. GUEST: the driver takes unfinished frames; HOST: we do.
const F_CSUM = 1n << 0n
const F_GUEST_CSUM = 1n << 1n
const F_MAC = 1n << 5n
const F_GUEST_TSO4 = 1n << 7n
const F_GUEST_TSO6 = 1n << 8n
const F_HOST_TSO4 = 1n << 11n
const F_HOST_TSO6 = 1n << 12n
const F_MRG_RXBUF = 1n << 15n
const F_STATUS = 1n << 16n
const STATUS_LINK_UP = 1
/** struct virtio_net_hdr, §5.1.6. */
const HEADER = { flags: 0, gsoType: 1, headerBytes: 2, gsoBytes: 4, sumStart: 6, sumOffset: 8, buffers: 10, bytes: 12 }
const NEEDS_CSUM = 1
const GSO_TCPV4 = 1
const GSO_TCPV6 = 4
/** A TCP segment that met congestion on its way: the same otherwise. */
const GSO_ECN = 0x80
const ETHERTYPE_IPV6 = 0x86dd

/** What a network card is made from. */
export interface VirtioNetOptions {
  readonly port: NetPort
  /** As people write it, e.g. `52:54:00:12:34:56`. */
  readonly mac: string
}

interface Waiting {
  readonly frame: Uint8Array
  readonly offload: FrameOffload | undefined
}

/** What a card remembers, where its machine is deterministic. */
interface NetState {
  readonly waiting: readonly Waiting[]
  readonly held: readonly ChainState[]
  readonly late: Waiting | undefined
}
const NO_FRAMES: NetState = { waiting: [], held: [], late: undefined }

/** Network card with one queue pair; checksums and TCP segmentation are left to whoever needs them. Virtio 1.2 §5.1. */
export const virtioNet: (options: VirtioNetOptions) => VirtioDevice = defineVirtio({
  id: 1,
  name: 'net',
  pciClass: 0x02_0000,
  create: ({ port, mac }: VirtioNetOptions, host) => {
    const config = configBytes(parseMac(mac))
    const waiting: Waiting[] = []
    /** Buffers taken for the first waiting frame while there are too few of them. */
    let held: Chain[] = []
    /** A frame that comes after the next one, on purpose. */
    let late: Waiting | undefined
    const struck = (kind: DeviceFault, what: string): boolean => {
      if (host.paced?.faults?.strikes(kind) === undefined) return false
      host.paced.faults.tell(kind, what)
      return true
    }
    const deliver = (): void => {
      const isMerging = host.negotiated(F_MRG_RXBUF)
      for (let next = waiting[0]; next; next = waiting[0]) {
        const needed = HEADER.bytes + next.frame.length
        const headers = isMerging ? headersOf(next.frame, next.offload) : 0
        const hasRoom = (): boolean =>
          headers > 0 && held.length > 0 ? room(held.slice(1)) >= next.frame.length - headers : room(held) >= needed
        while (!hasRoom() && (isMerging || held.length === 0)) {
          const chain = host.take('receive')
          if (chain) held.push(chain)
          else if (room(held) < needed) return
          else break
        }
        // A frame that does not fit the buffers it may use is lost; they go back empty.
        if (room(held) >= needed && (held[0]?.writable.lengthBytes ?? 0) >= HEADER.bytes) scatter(held, next)
        Chain.completeAll(held)
        held = []
        waiting.shift()
      }
    }
    const takes = (frame: Uint8Array, { segmentBytes }: FrameOffload): boolean =>
      segmentBytes === undefined
        ? host.negotiated(F_GUEST_CSUM)
        : host.negotiated(etherType(frame) === ETHERTYPE_IPV6 ? F_GUEST_TSO6 : F_GUEST_TSO4)
    const arrive = ({ frame, offload }: Waiting): void => {
      const fits = frame.length <= MAX_FRAME_BYTES
      const finished = !fits || (offload && !takes(frame, offload)) ? finish(frame, offload) : undefined
      const arrived = finished?.map(piece => ({ frame: piece, offload: undefined })) ?? [
        { frame: frame.slice(), offload },
      ]
      waiting.push(...arrived.slice(0, NET_RECEIVE_LIMIT_FRAMES - waiting.length))
      deliver()
    }
    port.onFrame((frame, offload) => {
      const bytes = `a frame of ${frame.length} bytes for the guest`
      if (struck('packet-loss', `${bytes} is lost`)) return
      if (!late && struck('packet-late', `${bytes} comes after the next one`)) {
        late = { frame: frame.slice(), offload }
        return
      }
      const after = late
      late = undefined
      arrive({ frame, offload })
      if (after) arrive(after)
    })
    // Where runs are alike nothing may be lost because somebody looks.
    const keeping = {
      kept: () => held.length,
      save: () => ({ waiting: [...waiting], held: held.map(chain => chain.save()), late }) as unknown as Saved,
      restore: (state: Saved) => {
        const saved = (state as unknown as NetState | undefined) ?? NO_FRAMES
        waiting.splice(0, Infinity, ...saved.waiting)
        held = saved.held.map(chain => host.revive('receive', chain))
        late = saved.late
      },
    }
    const losing = {
      quiesce: () => {
        // Frames may be lost at any time; buffers go back empty.
        Chain.completeAll(held)
        held = []
      },
    }
    return {
      // Without it the header is shorter (§5.1.6.1).
      needsVersion1: true,
      features:
        F_GUEST_CSUM |
        F_MAC |
        F_GUEST_TSO4 |
        F_GUEST_TSO6 |
        F_MRG_RXBUF |
        F_STATUS |
        (port.takesOffload ? F_CSUM | F_HOST_TSO4 | F_HOST_TSO6 : 0n),
      config: () => config,
      reset: () => {
        held = []
        late = undefined
        waiting.length = 0
      },
      ...(host.paced ? keeping : losing),
      queues: {
        receive: { posted: deliver },
        transmit: chain => {
          const header = chain.readable.read(HEADER.bytes)
          const { remainingBytes } = chain.readable
          const isLost = struck('packet-loss', `a frame of ${remainingBytes} bytes from the guest is lost`)
          if (!isLost && remainingBytes > 0 && remainingBytes <= MAX_FRAME_BYTES)
            transmit(port, header, chain.readable.read(remainingBytes))
          chain.complete()
        },
      },
    }
  },
})

function room(chains: readonly Chain[]): number {
  return chains.reduce((sum, chain) => sum + chain.writable.lengthBytes, 0)
}

/** Passes a frame on as its header says; what asks for the impossible, or for an offload not offered, is dropped. */
function transmit(port: NetPort, header: Uint8Array, frame: Uint8Array): void {
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  if (header.length < HEADER.bytes) return
  const gso = view.getUint8(HEADER.gsoType) & ~GSO_ECN
  if ((view.getUint8(HEADER.flags) & NEEDS_CSUM) === 0) {
    if (gso === 0) port.send(frame)
    return
  }
  const isTcp = gso === GSO_TCPV4 || gso === GSO_TCPV6
  if (!port.takesOffload || !(isTcp || gso === 0)) return
  const start = view.getUint16(HEADER.sumStart, true)
  const offload = checkedOffload(frame, {
    checksum: { start, offset: view.getUint16(HEADER.sumOffset, true) },
    ...(isTcp && { segmentBytes: view.getUint16(HEADER.gsoBytes, true) }),
  })
  if (offload) port.send(frame, offload)
}

/** The frames that a driver gets which takes no unfinished ones. */
function finish(frame: Uint8Array, offload: FrameOffload | undefined): Uint8Array[] {
  const checked = offload && checkedOffload(frame, offload)
  if (!checked) return []
  return checked.segmentBytes === undefined ? [withChecksum(frame, checked)] : segmentFrame(frame, checked)
}

/** Spreads header and frame over the buffers; the header tells how many (§5.1.6.4). */
function scatter(chains: readonly Chain[], { frame, offload }: Waiting): void {
  const bytes = new Uint8Array(HEADER.bytes + frame.length)
  const view = new DataView(bytes.buffer)
  if (offload) {
    view.setUint8(HEADER.flags, NEEDS_CSUM)
    view.setUint16(HEADER.sumStart, offload.checksum.start, true)
    view.setUint16(HEADER.sumOffset, offload.checksum.offset, true)
  }
  if (offload?.segmentBytes !== undefined) {
    view.setUint8(HEADER.gsoType, etherType(frame) === ETHERTYPE_IPV6 ? GSO_TCPV6 : GSO_TCPV4)
    view.setUint16(HEADER.gsoBytes, offload.segmentBytes, true)
    view.setUint16(HEADER.headerBytes, tcpDataStart(frame, offload.checksum.start), true)
  }
  view.setUint16(HEADER.buffers, chains.length, true)
  bytes.set(frame, HEADER.bytes)
  let at = 0
  const first = firstPart(chains, bytes.length, headersOf(frame, offload))
  for (const [i, chain] of chains.entries()) at += chain.writable.write(bytes.subarray(at, i === 0 ? first : undefined))
}

/** The Ethernet, IP and TCP headers of a long segment; 0 for any other frame. */
function headersOf(frame: Uint8Array, offload: FrameOffload | undefined): number {
  return offload?.segmentBytes === undefined ? 0 : tcpDataStart(frame, offload.checksum.start)
}

/**
 * What goes into the first of several buffers: headers alone where the others have room for the data, which then begin
 * where a buffer does. Headers are no multiple of a word, and a guest copies words that lie askew at a third of the speed.
 */
function firstPart(chains: readonly Chain[], lengthBytes: number, headers: number): number | undefined {
  const head = HEADER.bytes + headers
  const fits = (chains[0]?.writable.lengthBytes ?? 0) >= head && room(chains.slice(1)) >= lengthBytes - head
  return headers > 0 && fits ? head : undefined
}

function etherType(frame: Uint8Array): number {
  return ((frame[12] ?? 0) << 8) | (frame[13] ?? 0)
}

/** struct virtio_net_config, §5.1.4: address, link status, queue pairs. */
function configBytes(mac: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(10)
  bytes.set(mac)
  bytes[6] = STATUS_LINK_UP
  bytes[8] = 1
  return bytes
}

function parseMac(text: string): number[] {
  const isMac = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)
  const bytes = text.split(':').map(part => Number.parseInt(part, 16))
  if (!isMac || (bytes[0] ?? 1) & 1) {
    throw new DoppelError('net.mac', `'${text}' is no station's address; write for example 52:54:00:12:34:56`, { text })
  }
  return bytes
}
