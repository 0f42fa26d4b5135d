import { type FrameOffload, foldSum, get16, get32, internetSum, put16, put32 } from '@doppel/base'

const ETHERNET_BYTES = 14
const MIN_TCP_BYTES = 20
const IPV6_BYTES = 40
const TCP = 6
// TCP header, RFC 9293 §3.1.
const SEQUENCE = 4
const DATA_OFFSET = 12
const FLAGS = 13
const FIN_PSH = 0x09
const CWR = 0x80
/** Packets cut from one segment at most; a segment of 64 KiB in the least sizes that Linux asks for makes fewer. */
const MAX_PIECES = 1024

/** The same offload, or undefined when it does not fit the frame: a guest, or a peer, wrote it. */
export function checkedOffload(frame: Uint8Array, offload: FrameOffload): FrameOffload | undefined {
  const { start, offset } = offload.checksum
  if (start < ETHERNET_BYTES || start + offset + 2 > frame.length) return undefined
  if (offload.segmentBytes === undefined) return offload
  const headers = tcpDataStart(frame, start)
  const isTcp = start + MIN_TCP_BYTES <= frame.length && headers >= start + MIN_TCP_BYTES && headers <= frame.length
  const pieces = Math.ceil((frame.length - headers) / offload.segmentBytes)
  return isTcp && ipVersion(frame) !== 0 && offload.segmentBytes > 0 && pieces <= MAX_PIECES ? offload : undefined
}

/** The frame with its checksum put in. Virtio 1.2 §5.1.6.2 tells what was there before. */
export function withChecksum(frame: Uint8Array, { checksum: { start, offset } }: FrameOffload): Uint8Array {
  const whole = frame.slice()
  const sum = foldSum(internetSum(whole.subarray(start))) ^ 0xffff
  // A sum of zero means "none" in UDP, and all ones is the same number (RFC 768).
  put16(whole, start + offset, sum === 0 ? 0xffff : sum)
  return whole
}

/**
 * The packets that a long TCP segment is sent as, each with its own length, number and checksum; the same as a card
 * with segmentation offload makes. The offload is one that `checkedOffload` let pass.
 */
export function segmentFrame(frame: Uint8Array, { checksum, segmentBytes = 0 }: FrameOffload): Uint8Array[] {
  const headers = tcpDataStart(frame, checksum.start)
  const pieces: Uint8Array[] = []
  for (let at = headers; at < frame.length; at += segmentBytes) {
    const data = frame.subarray(at, at + segmentBytes)
    const piece = new Uint8Array(headers + data.length)
    piece.set(frame.subarray(0, headers))
    piece.set(data, headers)
    setLengths(piece, pieces.length)
    const tcp = checksum.start
    put32(piece, tcp + SEQUENCE, get32(frame, tcp + SEQUENCE) + (at - headers))
    const isLast = at + segmentBytes >= frame.length
    const flags = piece[tcp + FLAGS] ?? 0
    piece[tcp + FLAGS] = flags & ~(isLast ? 0 : FIN_PSH) & ~(pieces.length === 0 ? 0 : CWR)
    put16(piece, tcp + checksum.offset, 0)
    const sum = internetSum(piece.subarray(tcp), pseudoHeader(piece, piece.length - tcp))
    put16(piece, tcp + checksum.offset, foldSum(sum) ^ 0xffff)
    pieces.push(piece)
  }
  return pieces
}

/** 4, 6, or 0 for what is no IP packet with TCP. */
function ipVersion(frame: Uint8Array): 0 | 4 | 6 {
  const type = get16(frame, 12)
  if (type === 0x0800) return 4
  return type === 0x86dd && frame.length >= ETHERNET_BYTES + IPV6_BYTES ? 6 : 0
}

/** Where the data of the TCP segment begins whose header is at `tcp`. */
export function tcpDataStart(frame: Uint8Array, tcp: number): number {
  return tcp + ((frame[tcp + DATA_OFFSET] ?? 0) >> 4) * 4
}

function setLengths(piece: Uint8Array, index: number): void {
  const ip = ETHERNET_BYTES
  if (ipVersion(piece) === 6) {
    put16(piece, ip + 4, piece.length - ip - IPV6_BYTES)
    return
  }
  put16(piece, ip + 2, piece.length - ip)
  put16(piece, ip + 4, get16(piece, ip + 4) + index)
  put16(piece, ip + 10, 0)
  const header = piece.subarray(ip, ip + ((piece[ip] ?? 0) & 15) * 4)
  put16(piece, ip + 10, foldSum(internetSum(header)) ^ 0xffff)
}

/** RFC 9293 §3.1 for IPv4, RFC 8200 §8.1 for IPv6. */
function pseudoHeader(frame: Uint8Array, lengthBytes: number): number {
  const addresses = ipVersion(frame) === 4 ? frame.subarray(26, 34) : frame.subarray(22, 54)
  return internetSum(addresses, TCP + lengthBytes)
}
