import { get16, put16 } from '@doppel/base'
import type { HostStream, StreamEvents } from './host-network.ts'

const MAX_MESSAGE_BYTES = 0xffff
/** Queries of one connection that are being answered; more end it. */
const MAX_PENDING = 32

/** A TCP connection to a name server: messages with their length before them (RFC 1035 §4.2.2). */
export function dnsStream(
  events: StreamEvents,
  answer: (query: Uint8Array) => Promise<Uint8Array | undefined>,
): HostStream {
  let held = new Uint8Array(0)
  let pending = 0
  let isOver = false
  let isEnding = false
  const finish = (): void => {
    if (!isEnding || pending > 0 || isOver) return
    isOver = true
    events.ended()
    events.closed()
  }
  const reply = (message: Uint8Array | undefined): void => {
    pending--
    if (message && !isOver) {
      const framed = new Uint8Array(2 + message.length)
      put16(framed, 0, message.length)
      framed.set(message, 2)
      events.data(framed)
    }
    finish()
  }
  const fail = (): void => {
    if (isOver) return
    isOver = true
    events.closed('reset')
  }
  void Promise.resolve().then(() => isOver || events.connected())
  return {
    write: (bytes, sent) => {
      const joined = new Uint8Array(held.length + bytes.length)
      joined.set(held)
      joined.set(bytes, held.length)
      let at = 0
      while (at + 2 <= joined.length && at + 2 + get16(joined, at) <= joined.length) {
        const end = at + 2 + get16(joined, at)
        if (pending++ >= MAX_PENDING) return fail()
        answer(joined.slice(at + 2, end)).then(reply, fail)
        at = end
      }
      held = joined.slice(at)
      if (held.length > MAX_MESSAGE_BYTES + 2) return fail()
      // The window opens again only after this call, as with a host's socket.
      void Promise.resolve().then(sent)
    },
    end: () => {
      isEnding = true
      finish()
    },
    destroy: fail,
    // Answers are few and bounded by their queries.
    pause: () => undefined,
    resume: () => undefined,
  }
}
