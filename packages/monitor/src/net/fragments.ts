import type { Clock } from '@doppel/base'
import type { IpPacket } from './ip-packet.ts'

/** Packets that are put together at once, and parts of each: a sender of more is attacking. */
const MAX_PACKETS = 16
const MAX_PARTS = 64
const MAX_PAYLOAD_BYTES = 65_535
/** RFC 8200 §4.5 gives a minute; what a link in memory has not delivered by then is lost. */
const MAX_AGE_NS = 30e9

interface Assembly {
  readonly sinceNs: number
  readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[]
  totalBytes: number | undefined
}

/** Puts fragmented packets together again. RFC 791 §3.2, RFC 8200 §4.5; overlapping parts void a packet (RFC 5722). */
export class Reassembler {
  readonly #clock: Clock
  readonly #open = new Map<string, Assembly>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The whole packet, once its last missing part is here; a packet that is no fragment at once. */
  add(packet: IpPacket): IpPacket | undefined {
    const { fragment, source, destination, protocol, payload } = packet
    if (!fragment) return packet
    const nowNs = this.#clock.monotonicNs()
    for (const [key, { sinceNs }] of this.#open) if (nowNs - sinceNs > MAX_AGE_NS) this.#open.delete(key)
    const key = `${source.join()} ${destination.join()} ${protocol} ${fragment.id}`
    const assembly = this.#open.get(key) ?? { sinceNs: nowNs, parts: [], totalBytes: undefined }
    const end = fragment.offset + payload.length
    const isSound = end <= MAX_PAYLOAD_BYTES && (!fragment.more || payload.length % 8 === 0) && payload.length > 0
    const overlaps = assembly.parts.some(part => fragment.offset < part.offset + part.bytes.length && part.offset < end)
    if (!isSound || overlaps || assembly.parts.length >= MAX_PARTS) {
      this.#open.delete(key)
      return undefined
    }
    if (!this.#open.has(key)) this.#makeRoom()
    this.#open.set(key, assembly)
    assembly.parts.push({ offset: fragment.offset, bytes: payload.slice() })
    if (!fragment.more) assembly.totalBytes = end
    const whole = join(assembly)
    if (!whole) return undefined
    this.#open.delete(key)
    return { source, destination, protocol, payload: whole }
  }

  #makeRoom(): void {
    if (this.#open.size < MAX_PACKETS) return
    const oldest = this.#open.keys().next()
    if (!oldest.done) this.#open.delete(oldest.value)
  }
}

function join({ parts, totalBytes }: Assembly): Uint8Array | undefined {
  const haveBytes = parts.reduce((sum, part) => sum + part.bytes.length, 0)
  // Parts do not overlap, so as many bytes as the whole has are the whole, unless some lie beyond its end.
  if (totalBytes === undefined || haveBytes !== totalBytes) return undefined
  const whole = new Uint8Array(totalBytes)
  for (const { offset, bytes } of parts) {
    if (offset + bytes.length > totalBytes) return undefined
    whole.set(bytes, offset)
  }
  return whole
}
