import { DoppelError, type NetPort } from '@doppel/base'
import { Chain } from './chain.ts'
import { defineVirtio, type VirtioDevice } from './device.ts'

/** Frames kept for a guest that has posted no buffers; further ones are dropped, as on any full network card. */
export const NET_RECEIVE_LIMIT_FRAMES = 256

/** The longest frame passed either way: no offloads are offered, so the largest IP packet and its Ethernet header. */
const MAX_FRAME_BYTES = 65_535 + 18
// Feature bits, Virtio 1.2 §5.1.3.
const F_MAC = 1n << 5n
const F_MRG_RXBUF = 1n << 15n
const F_STATUS = 1n << 16n
const STATUS_LINK_UP = 1
/** struct virtio_net_hdr, §5.1.6: all zero here but for the last field, the number of buffers. */
const HEADER_BYTES = 12
const HEADER_NUM_BUFFERS = 10

/** What a network card is made from. */
export interface VirtioNetOptions {
  readonly port: NetPort
  /** As people write it, e.g. `52:54:00:12:34:56`. */
  readonly mac: string
}

/** Network card with one queue pair and no offloads. Virtio 1.2 §5.1. */
export const virtioNet: (options: VirtioNetOptions) => VirtioDevice = defineVirtio({
  id: 1,
  name: 'net',
  pciClass: 0x02_0000,
  create: ({ port, mac }: VirtioNetOptions, host) => {
    const config = configBytes(parseMac(mac))
    const waiting: Uint8Array[] = []
    /** Buffers taken for the first waiting frame while there are too few of them. */
    let held: Chain[] = []
    const deliver = (): void => {
      const isMerging = host.negotiated(F_MRG_RXBUF)
      for (let frame = waiting[0]; frame; frame = waiting[0]) {
        const needed = HEADER_BYTES + frame.length
        while (room(held) < needed && (isMerging || held.length === 0)) {
          const chain = host.take('receive')
          if (!chain) return
          held.push(chain)
        }
        // A frame that does not fit the buffers it may use is lost; they go back empty.
        if (room(held) >= needed && (held[0]?.writable.lengthBytes ?? 0) >= HEADER_BYTES) scatter(held, frame)
        Chain.completeAll(held)
        held = []
        waiting.shift()
      }
    }
    port.onFrame(frame => {
      if (waiting.length >= NET_RECEIVE_LIMIT_FRAMES || frame.length > MAX_FRAME_BYTES) return
      waiting.push(frame.slice())
      deliver()
    })
    return {
      features: F_MAC | F_MRG_RXBUF | F_STATUS,
      config: () => config,
      reset: () => {
        held = []
        waiting.length = 0
      },
      quiesce: () => {
        // Frames may be lost at any time; buffers go back empty.
        Chain.completeAll(held)
        held = []
      },
      queues: {
        receive: { posted: deliver },
        transmit: chain => {
          chain.readable.read(HEADER_BYTES)
          const { remainingBytes } = chain.readable
          if (remainingBytes > 0 && remainingBytes <= MAX_FRAME_BYTES) port.send(chain.readable.read(remainingBytes))
          chain.complete()
        },
      },
    }
  },
})

function room(chains: readonly Chain[]): number {
  return chains.reduce((sum, chain) => sum + chain.writable.lengthBytes, 0)
}

/** Spreads header and frame over the buffers; the header tells how many (§5.1.6.4). */
function scatter(chains: readonly Chain[], frame: Uint8Array): void {
  const bytes = new Uint8Array(HEADER_BYTES + frame.length)
  new DataView(bytes.buffer).setUint16(HEADER_NUM_BUFFERS, chains.length, true)
  bytes.set(frame, HEADER_BYTES)
  let at = 0
  for (const chain of chains) at += chain.writable.write(bytes.subarray(at))
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
