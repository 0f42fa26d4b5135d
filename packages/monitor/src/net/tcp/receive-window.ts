/** Data that the peer may send before its owner has consumed it. */
const LIMIT_BYTES = 1 << 20
/** What our windows are scaled by: enough for the limit (RFC 7323 §2.2). */
export const WINDOW_SHIFT = 5
const MAX_WINDOW = 0xffff

/** The receiving half of a connection: how far the peer has come, and how far it may go. */
export class ReceiveWindow {
  #peerInitial = 0
  #receivedBytes = 0
  #unconsumedBytes = 0
  #advertisedBytes = 0
  #isScaled = true

  /** The peer's SYN had this number; one that does not scale windows gets none that are (RFC 7323 §2.2). */
  meet(sequence: number, isScaled: boolean): void {
    this.#peerInitial = (sequence + 1) >>> 0
    this.#isScaled = isScaled
  }

  get isScaled(): boolean {
    return this.#isScaled
  }
  /** The stream's offset up to which everything is here; a FIN counts as one. */
  get received(): number {
    return this.#receivedBytes
  }
  /** The number that acknowledges all of it. */
  get acknowledgment(): number {
    return (this.#peerInitial + this.#receivedBytes) >>> 0
  }
  /** What may still arrive, as far as the window can tell the peer; bytes. */
  get room(): number {
    const limit = this.#isScaled ? LIMIT_BYTES : MAX_WINDOW
    return Math.max(Math.min(LIMIT_BYTES - this.#unconsumedBytes, limit), 0)
  }

  /** The stream's offset of a sequence number near where we are. */
  offsetOf(sequence: number): number {
    return this.#receivedBytes + ((sequence - this.acknowledgment) | 0)
  }

  /** The window field to send, and what was promised with it. The window of a SYN is never scaled. */
  advertise(isSyn: boolean): number {
    const shift = isSyn || !this.#isScaled ? 0 : WINDOW_SHIFT
    const window = Math.min(this.room >> shift, MAX_WINDOW)
    this.#advertisedBytes = window << shift
    return window
  }

  /** The part of a segment's data, which begins at `offset`, that is next in order and has room. */
  take(data: Uint8Array, offset: number): Uint8Array {
    const skip = this.#receivedBytes - offset
    if (skip < 0 || skip > data.length) return data.subarray(0, 0)
    const fresh = data.subarray(skip, skip + LIMIT_BYTES - this.#unconsumedBytes)
    this.#receivedBytes += fresh.length
    this.#unconsumedBytes += fresh.length
    return fresh
  }

  /** The peer's FIN was next in order. */
  takeEnd(): void {
    this.#receivedBytes++
  }

  /** The owner has room again; true when the peer should be told: small steps are not worth a packet (RFC 9293 §3.8.6.2.2). */
  consumed(bytes: number, worthBytes: number): boolean {
    this.#unconsumedBytes -= bytes
    return this.room - this.#advertisedBytes >= Math.min(LIMIT_BYTES / 2, worthBytes)
  }
}
