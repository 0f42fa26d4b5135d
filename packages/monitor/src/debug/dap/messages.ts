import { DoppelError, utf8Bytes, utf8Text } from '@doppel/base'

/** What may be in a message; a client that sends more is cut off. */
const MAX_MESSAGE_BYTES = 1 << 24
const MAX_HEADER_BYTES = 1 << 12
const HEADER_END = '\r\n\r\n'

/** Finds the messages in what a client sends (Debug Adapter Protocol, "Base protocol"): JSON behind its length. */
export class MessageReader {
  #held = new Uint8Array(0)

  /** What these bytes complete. Throws `dap.header` and `dap.length` for what can have no next message, `dap.json` for a body that is none. */
  feed(bytes: Uint8Array): unknown[] {
    const joined = new Uint8Array(this.#held.length + bytes.length)
    joined.set(this.#held)
    joined.set(bytes, this.#held.length)
    this.#held = joined
    const found: unknown[] = []
    for (let message = this.#next(); message !== undefined; message = this.#next()) found.push(message.body)
    return found
  }
  #next(): { readonly body: unknown } | undefined {
    const head = utf8Text(this.#held.subarray(0, MAX_HEADER_BYTES))
    const end = head.indexOf(HEADER_END)
    if (end < 0) {
      if (this.#held.length >= MAX_HEADER_BYTES)
        throw new DoppelError('dap.header', 'a message has no end of its header')
      return undefined
    }
    const length = /^Content-Length: *(\d{1,10})\r?$/im.exec(head.slice(0, end))?.[1]
    if (length === undefined) throw new DoppelError('dap.header', 'a message does not say its Content-Length')
    if (Number(length) > MAX_MESSAGE_BYTES) {
      throw new DoppelError('dap.length', `a message of ${length} bytes; at most ${MAX_MESSAGE_BYTES} are possible`)
    }
    const start = end + HEADER_END.length
    if (this.#held.length < start + Number(length)) return undefined
    const text = utf8Text(this.#held.subarray(start, start + Number(length)))
    this.#held = this.#held.slice(start + Number(length))
    try {
      return { body: JSON.parse(text) }
    } catch (cause) {
      throw new DoppelError('dap.json', 'a message is no JSON', {}, cause)
    }
  }
}

/** A message as it is sent. */
export function encodeMessage(message: object): Uint8Array {
  const body = utf8Bytes(JSON.stringify(message))
  const head = utf8Bytes(`Content-Length: ${body.length}${HEADER_END}`)
  const whole = new Uint8Array(head.length + body.length)
  whole.set(head)
  whole.set(body, head.length)
  return whole
}
