import type { Clock, FrameOffload, NetPort } from '@doppel/base'
import type { NetTimers } from './host-network.ts'

/** What may pass at once after a silence: this long at the full rate, and never less than the longest frame. */
const BURST_S = 0.05
const MIN_BURST_BYTES = 70_000
/** What waits for its turn; more is dropped, as on any queue, and its senders slow down. */
const MAX_WAITING_BYTES = 512 * 1024

interface Waiting {
  readonly frame: Uint8Array
  readonly offload: FrameOffload | undefined
}

/** A token bucket before one direction of a port. */
class Bucket {
  #bytesPerNs = Number.POSITIVE_INFINITY
  #burstBytes = 0
  readonly #clock: Clock
  readonly #timers: NetTimers
  readonly #pass: (frame: Uint8Array, offload?: FrameOffload) => void
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0
  #tokens = 0
  #filledNs: number
  #timer: { cancel(): void } | undefined

  constructor(
    bytesPerSecond: number,
    clock: Clock,
    timers: NetTimers,
    pass: (frame: Uint8Array, offload?: FrameOffload) => void,
  ) {
    this.#clock = clock
    this.#filledNs = clock.monotonicNs()
    this.#timers = timers
    this.#pass = pass
    this.setRate(bytesPerSecond)
  }

  /** Holds from now on, for what waits too; Infinity lets everything through. */
  setRate(bytesPerSecond: number): void {
    this.#bytesPerNs = bytesPerSecond / 1e9
    this.#burstBytes = Math.max(bytesPerSecond * BURST_S, MIN_BURST_BYTES)
    this.#tokens = this.#burstBytes
    this.#timer?.cancel()
    this.#drain()
  }

  offer(frame: Uint8Array, offload?: FrameOffload): void {
    if (this.#bytesPerNs === Number.POSITIVE_INFINITY) return this.#pass(frame, offload)
    if (this.#waitingBytes + frame.length > MAX_WAITING_BYTES) return
    // A frame that waits outlives its sender's call, and with it the sender's buffer.
    this.#waiting.push({ frame: frame.slice(), offload })
    this.#waitingBytes += frame.length
    if (this.#timer === undefined) this.#drain()
  }

  #drain(): void {
    this.#timer = undefined
    const nowNs = this.#clock.monotonicNs()
    if (this.#bytesPerNs !== Number.POSITIVE_INFINITY) {
      this.#tokens = Math.min(this.#tokens + (nowNs - this.#filledNs) * this.#bytesPerNs, this.#burstBytes)
    }
    this.#filledNs = nowNs
    for (let next = this.#waiting[0]; next && this.#tokens >= next.frame.length; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#waitingBytes -= next.frame.length
      this.#tokens -= next.frame.length
      this.#pass(next.frame, next.offload)
    }
    const [first] = this.#waiting
    if (!first || this.#timer !== undefined) return
    const waitNs = (first.frame.length - this.#tokens) / this.#bytesPerNs
    this.#timer = this.#timers.after(Math.max(Math.ceil(waitNs / 1e6), 1), () => this.#drain())
  }

  close(): void {
    this.#timer?.cancel()
    this.#waiting.length = 0
  }
}

/** A port with a rate. */
export interface RateLimited extends NetPort {
  /** Bytes a second each way from now on; Infinity for no limit. */
  setRate(bytesPerSecond: number): void
  /** Drops what waits. */
  close(): void
}

/** A port that lets so many bytes a second through, each way by itself; Infinity for no limit. */
export function rateLimited(port: NetPort, bytesPerSecond: number, clock: Clock, timers: NetTimers): RateLimited {
  const out = new Bucket(bytesPerSecond, clock, timers, (frame, offload) => port.send(frame, offload))
  let receive: (frame: Uint8Array, offload?: FrameOffload) => void = () => undefined
  const back = new Bucket(bytesPerSecond, clock, timers, (frame, offload) => receive(frame, offload))
  port.onFrame((frame, offload) => back.offer(frame, offload))
  return {
    takesOffload: port.takesOffload ?? false,
    send: (frame, offload) => out.offer(frame, offload),
    onFrame: listener => {
      receive = listener
    },
    setRate: rate => {
      out.setRate(rate)
      back.setRate(rate)
    },
    close: () => {
      out.close()
      back.close()
    },
  }
}
