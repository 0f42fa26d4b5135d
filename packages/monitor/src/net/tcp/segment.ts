import { get16, get32, put16, put32 } from '@doppel/base'

/** Control bits, RFC 9293 §3.1. */
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

/** A TCP header without options, bytes, and where its checksum is. */
export const TCP_BYTES = 20
export const TCP_CHECKSUM = 16

/** A segment, parsed. Numbers are unsigned, as on the wire; the window is not scaled yet. */
export interface TcpSegment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  readonly window: number
  readonly data: Uint8Array
  /** Options of a SYN. */
  readonly maxSegmentBytes?: number
  readonly windowShift?: number
}

const OPTION = { end: 0, nop: 1, maxSegment: 2, windowScale: 3 } as const
/** RFC 7323 §2.3. */
const MAX_WINDOW_SHIFT = 14

/** The segment in a payload; undefined when its header is cut off. */
export function parseTcp(payload: Uint8Array): TcpSegment | undefined {
  const headerBytes = ((payload[12] ?? 0) >> 4) * 4
  if (headerBytes < TCP_BYTES || headerBytes > payload.length) return undefined
  const flags = payload[13] ?? 0
  return {
    sourcePort: get16(payload, 0),
    destinationPort: get16(payload, 2),
    sequence: get32(payload, 4),
    acknowledgment: get32(payload, 8),
    flags,
    window: get16(payload, 14),
    data: payload.subarray(headerBytes),
    ...((flags & TCP_FLAG.syn) !== 0 && parseOptions(payload.subarray(TCP_BYTES, headerBytes))),
  }
}

function parseOptions(options: Uint8Array): { maxSegmentBytes?: number; windowShift?: number } {
  const found: { maxSegmentBytes?: number; windowShift?: number } = {}
  for (let at = 0; at < options.length; ) {
    const kind = options[at]
    if (kind === OPTION.end) break
    const lengthBytes = kind === OPTION.nop ? 1 : (options[at + 1] ?? 0)
    // A length that cannot be would keep us here for ever.
    if (kind !== OPTION.nop && lengthBytes < 2) break
    if (kind === OPTION.maxSegment && lengthBytes === 4) found.maxSegmentBytes = get16(options, at + 2)
    if (kind === OPTION.windowScale && lengthBytes === 3) {
      found.windowShift = Math.min(options[at + 2] ?? 0, MAX_WINDOW_SHIFT)
    }
    at += lengthBytes
  }
  return found
}

/** Length of the header that `writeTcp` writes. */
export function tcpHeaderBytes(segment: Pick<TcpSegment, 'flags'>): number {
  return (segment.flags & TCP_FLAG.syn) === 0 ? TCP_BYTES : TCP_BYTES + 8
}

/** Writes a header, its checksum zero; the data goes behind it. */
export function writeTcp(into: Uint8Array, segment: Omit<TcpSegment, 'data'>): void {
  const headerBytes = tcpHeaderBytes(segment)
  put16(into, 0, segment.sourcePort)
  put16(into, 2, segment.destinationPort)
  put32(into, 4, segment.sequence)
  put32(into, 8, segment.acknowledgment)
  into[12] = (headerBytes / 4) << 4
  into[13] = segment.flags
  put16(into, 14, segment.window)
  if (headerBytes === TCP_BYTES) return
  into.set([OPTION.maxSegment, 4], TCP_BYTES)
  put16(into, TCP_BYTES + 2, segment.maxSegmentBytes ?? 0)
  const { nop, windowScale } = OPTION
  // A peer that did not offer scaling must not be offered it (RFC 7323 §2.2).
  into.set(
    segment.windowShift === undefined ? [nop, nop, nop, nop] : [nop, windowScale, 3, segment.windowShift],
    TCP_BYTES + 4,
  )
}
