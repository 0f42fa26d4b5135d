import { DoppelError } from '@doppel/base'

/** What passes over a control connection: JSON (`message`), and the bytes of standard streams. */
export const FrameType = { message: 0, input: 1, output: 2, errors: 3, endOfInput: 4 } as const

/** One frame: its type, and its bytes. */
export interface Frame {
  readonly type: number
  readonly bytes: Uint8Array
}

const HEADER_BYTES = 5
/** Larger frames are not ours. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024

/** A frame's bytes: u8 type, u32 length, payload. */
export function frame(type: number, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(HEADER_BYTES + bytes.length)
  const view = new DataView(whole.buffer)
  view.setUint8(0, type)
  view.setUint32(1, bytes.length)
  whole.set(bytes, HEADER_BYTES)
  return whole
}

/** A JSON message's frame. */
export function messageFrame(message: unknown): Uint8Array {
  return frame(FrameType.message, new TextEncoder().encode(JSON.stringify(message)))
}

/** Finds frames in what a connection brings. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0)

  /** The frames completed by `bytes`. Throws `control.frame` for what is none; the connection is then of no more use. */
  feed(bytes: Uint8Array): Frame[] {
    let data = bytes
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length)
      data.set(this.#rest)
      data.set(bytes, this.#rest.length)
    }
    const frames: Frame[] = []
    let at = 0
    while (data.length - at >= HEADER_BYTES) {
      const view = new DataView(data.buffer, data.byteOffset + at)
      const [type, length] = [view.getUint8(0), view.getUint32(1)]
      if (type > FrameType.endOfInput || length > MAX_FRAME_BYTES) {
        throw new DoppelError('control.frame', `a frame of type ${type} and ${length} bytes is none of doppel's`)
      }
      if (data.length - at - HEADER_BYTES < length) break
      frames.push({ type, bytes: data.slice(at + HEADER_BYTES, at + HEADER_BYTES + length) })
      at += HEADER_BYTES + length
    }
    this.#rest = data.slice(at)
    return frames
  }
}

/** A JSON message that is an object. Throws `control.message`. */
export function readMessage(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const message: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof message === 'object' && message !== null && !Array.isArray(message)) return { ...message }
  } catch {
    // Told below, with everything else that is no message.
  }
  throw new DoppelError('control.message', 'a control message must be a JSON object')
}
