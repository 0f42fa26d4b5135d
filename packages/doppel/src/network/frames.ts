import type { FrameOffload } from '@doppel/base'
import { frame, FrameType } from '../control/frames.ts'

/** What passes between a machine's process and that of its network, in the frames of the control sockets. */
export const NetFrame: Readonly<Record<'message' | 'plain' | 'offload', number>> = {
  message: FrameType.message,
  plain: FrameType.input,
  offload: FrameType.output,
}

/** Bytes under way to one that does not take them; further frames are lost, as on any wire. */
export const MAX_UNSENT_BYTES: number = 8 * 1024 * 1024
const OFFLOAD_BYTES = 6

/** An Ethernet frame, and what its sender left to do: u16 checksum start, u16 offset, u16 segment bytes or 0. */
export function ethernetFrame(bytes: Uint8Array, offload: FrameOffload | undefined): Uint8Array {
  if (!offload) return frame(NetFrame.plain, bytes)
  const whole = new Uint8Array(OFFLOAD_BYTES + bytes.length)
  const view = new DataView(whole.buffer)
  view.setUint16(0, offload.checksum.start)
  view.setUint16(2, offload.checksum.offset)
  view.setUint16(4, offload.segmentBytes ?? 0)
  whole.set(bytes, OFFLOAD_BYTES)
  return frame(NetFrame.offload, whole)
}

/** Takes an Ethernet frame with an offload apart; undefined when it is too short to be one. */
export function offloadedFrame(bytes: Uint8Array): { bytes: Uint8Array; offload: FrameOffload } | undefined {
  if (bytes.length < OFFLOAD_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [start, offset, segmentBytes] = [view.getUint16(0), view.getUint16(2), view.getUint16(4)]
  const checksum = { start, offset }
  return {
    bytes: bytes.subarray(OFFLOAD_BYTES),
    offload: segmentBytes === 0 ? { checksum } : { checksum, segmentBytes },
  }
}
