import type { Clock, FrameOffload, NetPort } from '@doppel/base'

/** The file format's number with nanosecond stamps, its version, and the kind of link. draft-ietf-opsawg-pcap §4. */
const MAGIC_NS = 0xa1b2_3c4d
const [MAJOR, MINOR] = [2, 4]
const LINKTYPE_ETHERNET = 1
/** The longest frame that a port carries. */
const SNAP_BYTES = 65_535 + 18
const NS_PER_S = 1_000_000_000n

/** The beginning of a capture file. */
export function pcapHeader(): Uint8Array {
  const header = new Uint8Array(24)
  const view = new DataView(header.buffer)
  view.setUint32(0, MAGIC_NS, true)
  view.setUint16(4, MAJOR, true)
  view.setUint16(6, MINOR, true)
  view.setUint32(16, SNAP_BYTES, true)
  view.setUint32(20, LINKTYPE_ETHERNET, true)
  return header
}

/**
 * A port through which all frames pass and are noted in `write`, as records of a capture file, with the host's time.
 * What comes with an offload is noted as it is: one long segment, its checksum not filled in.
 */
export function captured(port: NetPort, write: (record: Uint8Array) => void, clock: Clock): NetPort {
  const note = (frame: Uint8Array): void => {
    const record = new Uint8Array(16 + frame.length)
    const view = new DataView(record.buffer)
    const now = clock.realtimeNs()
    view.setUint32(0, Number(now / NS_PER_S), true)
    view.setUint32(4, Number(now % NS_PER_S), true)
    view.setUint32(8, frame.length, true)
    view.setUint32(12, frame.length, true)
    record.set(frame, 16)
    write(record)
  }
  return {
    takesOffload: port.takesOffload ?? false,
    send: (frame: Uint8Array, offload?: FrameOffload) => {
      note(frame)
      port.send(frame, offload)
    },
    onFrame: receive =>
      port.onFrame((frame, offload) => {
        note(frame)
        receive(frame, offload)
      }),
  }
}
