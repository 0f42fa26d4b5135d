/** Retransmission timeouts, ms: RFC 6298 §2 asks for a second; a link in memory answers sooner. */
const MIN_TIMEOUT_MS = 200
const MAX_TIMEOUT_MS = 30_000
const FIRST_TIMEOUT_MS = 1000
/** RFC 6928 §2. */
const INITIAL_SEGMENTS = 10

/** How much may be under way and when it counts as lost: RFC 5681 and RFC 6298. */
export class Congestion {
  readonly #segmentBytes: number
  readonly #limitBytes: number
  #windowBytes: number
  #thresholdBytes = Infinity
  #smoothedMs: number | undefined
  #variationMs = 0
  #timeoutMs = FIRST_TIMEOUT_MS

  /** The window grows up to `limitBytes`, which the receiver's card can queue. */
  constructor(segmentBytes: number, limitBytes: number) {
    this.#segmentBytes = segmentBytes
    this.#limitBytes = limitBytes
    this.#windowBytes = INITIAL_SEGMENTS * segmentBytes
  }

  get windowBytes(): number {
    return this.#windowBytes
  }
  get timeoutMs(): number {
    return this.#timeoutMs
  }

  /** New data was acknowledged; `roundTripMs` where it was sent once only (Karn's rule). */
  acknowledged(bytes: number, roundTripMs?: number): void {
    const isSlowStart = this.#windowBytes < this.#thresholdBytes
    this.#windowBytes += isSlowStart ? bytes : (this.#segmentBytes * bytes) / this.#windowBytes
    this.#windowBytes = Math.min(this.#windowBytes, this.#limitBytes)
    if (roundTripMs === undefined) return
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = roundTripMs
      this.#variationMs = roundTripMs / 2
    } else {
      this.#variationMs += (Math.abs(this.#smoothedMs - roundTripMs) - this.#variationMs) / 4
      this.#smoothedMs += (roundTripMs - this.#smoothedMs) / 8
    }
    this.#timeoutMs = Math.min(Math.max(this.#smoothedMs + 4 * this.#variationMs, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS)
  }

  /** Three duplicates say that one segment was lost while others arrive. */
  lostOne(inFlightBytes: number): void {
    this.#thresholdBytes = Math.max(inFlightBytes / 2, 2 * this.#segmentBytes)
    this.#windowBytes = this.#thresholdBytes
  }

  /** Nothing came back in time. */
  timedOut(inFlightBytes: number): void {
    this.#thresholdBytes = Math.max(inFlightBytes / 2, 2 * this.#segmentBytes)
    this.#windowBytes = this.#segmentBytes
    this.#timeoutMs = Math.min(this.#timeoutMs * 2, MAX_TIMEOUT_MS)
  }
}
