import { DoppelError, type FrameOffload, type NetPort } from '@doppel/base'
import type { Tape } from './tapes.ts'

/** What a frame has before it on a tape: whether it is unfinished, and what is left to do; little-endian. */
const HEADER = { flags: 0, sumStart: 1, sumOffset: 3, segmentBytes: 5, bytes: 7 } as const
const [FINISHED, NEEDS_SUM, IS_SEGMENT] = [0, 1, 2]

/** A machine's network plug whose frames pass a tape as input and output of a port with that name. */
export function tapedPlug(tape: Tape, name: string, plug: NetPort): NetPort {
  const machine = tape.port(name, {
    write: bytes => {
      const { frame, offload } = decodeFrame(bytes)
      plug.send(frame, offload)
    },
    onInput: receive => plug.onFrame((frame, offload) => receive(encodeFrame(frame, offload))),
  })
  return {
    ...(plug.takesOffload && { takesOffload: true }),
    send: (frame, offload) => machine.write(encodeFrame(frame, offload)),
    onFrame: receive =>
      machine.onInput(bytes => {
        const { frame, offload } = decodeFrame(bytes)
        receive(frame, offload)
      }),
  }
}

/** In place of a network where a recording has all that came from it. */
export const DEAF_PLUG: NetPort = { takesOffload: true, send: () => undefined, onFrame: () => undefined }

function encodeFrame(frame: Uint8Array, offload: FrameOffload | undefined): Uint8Array {
  const bytes = new Uint8Array(HEADER.bytes + frame.length)
  bytes.set(frame, HEADER.bytes)
  if (!offload) return bytes
  const { checksum, segmentBytes } = offload
  const view = new DataView(bytes.buffer)
  view.setUint8(HEADER.flags, segmentBytes === undefined ? NEEDS_SUM : IS_SEGMENT)
  view.setUint16(HEADER.sumStart, checksum.start, true)
  view.setUint16(HEADER.sumOffset, checksum.offset, true)
  view.setUint16(HEADER.segmentBytes, segmentBytes ?? 0, true)
  return bytes
}

/** Throws `replay.format`: recordings are files. */
function decodeFrame(bytes: Uint8Array): { readonly frame: Uint8Array; readonly offload?: FrameOffload } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const frame = bytes.subarray(HEADER.bytes)
  const flags = bytes.length < HEADER.bytes ? IS_SEGMENT + 1 : view.getUint8(HEADER.flags)
  if (flags === FINISHED) return { frame }
  const checksum = flags > IS_SEGMENT ? undefined : readChecksum(view)
  if (!checksum || checksum.start + checksum.offset + 2 > frame.length) {
    throw new DoppelError('replay.format', `the recording has a network frame of ${bytes.length} bytes that is none`)
  }
  const segmentBytes = view.getUint16(HEADER.segmentBytes, true)
  return { frame, offload: { checksum, ...(flags === IS_SEGMENT && { segmentBytes }) } }
}

function readChecksum(view: DataView): FrameOffload['checksum'] {
  return { start: view.getUint16(HEADER.sumStart, true), offset: view.getUint16(HEADER.sumOffset, true) }
}
