import type { Clock } from '@doppel/base'
import type { NetTimers } from '../host-network.ts'
import { Congestion } from './congestion.ts'
import { ReceiveWindow, WINDOW_SHIFT } from './receive-window.ts'
import { SendBuffer } from './send-buffer.ts'
import { TCP_FLAG, type TcpSegment } from './segment.ts'

/** What a connection tells its owner; never from within one of the owner's calls but `receive`. */
export interface TcpEvents {
  /** Both sides agreed: data may flow. */
  established(): void
  /** Bytes in order, valid during the call; the owner says `consumed` when it has room for as many more. */
  data(bytes: Uint8Array): void
  /** The peer writes no more. */
  ended(): void
  /** Less than `SEND_LOW_BYTES` wait to be sent, after `write` had said to wait. */
  writable(): void
  /** Both directions are closed, or the peer reset the connection or fell silent. Called once, last. */
  closed(failed?: 'reset' | 'timeout'): void
}

/** What a connection is made from. */
export interface TcpConfig {
  readonly localPort: number
  readonly remotePort: number
  /** The first sequence number we use. */
  readonly initialSequence: number
  /** The most data that a packet of ours may hold, and that one long segment handed to the link may. */
  readonly maxSegmentBytes: number
  readonly maxOffloadBytes: number
  readonly clock: Clock
  readonly timers: NetTimers
  /** Sends a segment with so much data, which `fill` copies, in packets of at most `packetBytes` of it. */
  readonly send: (
    segment: Omit<TcpSegment, 'data'>,
    dataBytes: number,
    packetBytes: number,
    fill: (into: Uint8Array) => void,
  ) => void
  readonly events: TcpEvents
}

/** What may wait for a peer before `write` says to wait, and when it says to go on. */
const SEND_HIGH_BYTES = 1 << 20
const SEND_LOW_BYTES = 256 << 10

const MAX_IN_FLIGHT_BYTES = 1 << 20
/** Without an option the peer takes this much a packet (RFC 9293 §3.7.1). */
const DEFAULT_SEGMENT_BYTES = 536
const MIN_SEGMENT_BYTES = 64
const MAX_RETRIES = 10
const DUPLICATES = 3

type State = 'syn-sent' | 'syn-received' | 'open' | 'closed'

/** One TCP connection with a guest. RFC 9293; stream offsets are plain numbers, sequence numbers are made at the edge. */
export class TcpConnection {
  readonly #config: TcpConfig
  readonly #buffer = new SendBuffer()
  #state: State
  #congestion: Congestion
  #segmentBytes: number

  // Sending, in stream offsets: acknowledged up to, sent up to, furthest ever sent. A FIN takes the place after the last byte.
  #acknowledged = 0
  #next = 0
  #furthest = 0
  #peerWindowBytes = 0
  #peerShift = 0
  #isEnding = false
  #isHeldBack = false
  #duplicates = 0
  #retries = 0
  #timer: { cancel(): void } | undefined
  /** The offset whose acknowledgment tells a round trip, and when it was sent. */
  #timed: { readonly offset: number; readonly atNs: number } | undefined

  readonly #receiving = new ReceiveWindow()
  #hasPeerEnded = false

  private constructor(config: TcpConfig, state: State, peer?: TcpSegment) {
    this.#config = config
    this.#state = state
    this.#segmentBytes = Math.min(config.maxSegmentBytes, DEFAULT_SEGMENT_BYTES)
    this.#congestion = new Congestion(this.#segmentBytes, MAX_IN_FLIGHT_BYTES)
    if (peer) this.#meet(peer)
    this.#sendSyn()
  }

  /** Answers a peer's SYN. */
  static accept(config: TcpConfig, syn: TcpSegment): TcpConnection {
    return new TcpConnection(config, 'syn-received', syn)
  }

  /** Begins a connection to the peer. */
  static connect(config: TcpConfig): TcpConnection {
    return new TcpConnection(config, 'syn-sent')
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Sends bytes, which stay the connection's; false asks to wait for `writable`. */
  write(bytes: Uint8Array): boolean {
    if (this.#isEnding || this.#state === 'closed') return true
    this.#buffer.append(bytes)
    this.#transmit()
    if (this.#buffer.lengthBytes >= SEND_HIGH_BYTES) this.#isHeldBack = true
    return !this.#isHeldBack
  }

  /** Nothing more will be written. */
  end(): void {
    if (this.#isEnding || this.#state === 'closed') return
    this.#isEnding = true
    this.#transmit()
  }

  /** Gives up, and tells the peer; `closed` is not called. */
  reset(): void {
    if (this.#state === 'closed') return
    this.#control(TCP_FLAG.rst | TCP_FLAG.ack, this.#next)
    this.#shut()
  }

  /** The owner has room again for as many bytes. */
  consumed(bytes: number): void {
    const isWorthTelling = this.#receiving.consumed(bytes, 2 * this.#config.maxOffloadBytes)
    if (isWorthTelling && this.#state === 'open') this.#acknowledge()
  }

  /** A segment of this connection's, its checksum right. */
  receive(segment: TcpSegment): void {
    if (this.#state === 'closed') return
    if (this.#state === 'syn-sent') this.#receiveAnswer(segment)
    else this.#receiveOrdinary(segment)
  }

  /** RFC 9293 §3.10.7.3. */
  #receiveAnswer(segment: TcpSegment): void {
    const { flags } = segment
    const isForUs = (flags & TCP_FLAG.ack) !== 0 && segment.acknowledgment === this.#sequence(0)
    const isReset = (flags & TCP_FLAG.rst) !== 0
    if (!isForUs) {
      // The guest remembers an older connection between these ports; told of its mistake, it takes the next SYN.
      if ((flags & TCP_FLAG.ack) !== 0 && !isReset) this.#refuse(segment.acknowledgment)
      return
    }
    if (isReset) return this.#close('reset')
    if ((flags & TCP_FLAG.syn) === 0) return
    this.#meet(segment)
    this.#establish(segment)
    this.#acknowledge()
    this.#transmit()
  }

  /** RFC 9293 §3.10.7.4. */
  #receiveOrdinary(segment: TcpSegment): void {
    const { flags } = segment
    const offset = this.#receiving.offsetOf(segment.sequence)
    if ((flags & TCP_FLAG.rst) !== 0) {
      // Only one that is exactly in place counts (RFC 5961 §3).
      if (offset === this.#receiving.received) this.#close('reset')
      return
    }
    if ((flags & TCP_FLAG.syn) !== 0) {
      if (this.#state === 'syn-received') this.#sendSyn()
      else this.#acknowledge()
      return
    }
    if ((flags & TCP_FLAG.ack) === 0 || !this.#takeAcknowledgment(segment)) return
    const wantsAnswer = segment.data.length > 0 || (flags & TCP_FLAG.fin) !== 0 || offset !== this.#receiving.received
    const ended = this.#takeData(segment, offset)
    if (this.isClosed) return
    if (wantsAnswer) this.#acknowledge()
    this.#transmit()
    if (ended) this.#config.events.ended()
    this.#closeWhenDone()
  }

  /** False when the segment must be left alone: it acknowledges what was never sent. */
  #takeAcknowledgment(segment: TcpSegment): boolean {
    const { events, clock } = this.#config
    const upTo = this.#acknowledged + ((segment.acknowledgment - this.#sequence(this.#acknowledged)) | 0)
    if (upTo > this.#furthest) {
      this.#acknowledge()
      return false
    }
    if (this.#state === 'syn-received') {
      if (upTo < 0) return false
      this.#establish(segment)
      if (this.isClosed) return false
    }
    const windowBytes = segment.window << this.#peerShift
    if (upTo > this.#acknowledged) {
      const roundTrip =
        this.#timed && upTo >= this.#timed.offset ? (clock.monotonicNs() - this.#timed.atNs) / 1e6 : undefined
      if (roundTrip !== undefined) this.#timed = undefined
      this.#congestion.acknowledged(upTo - this.#acknowledged, roundTrip)
      this.#acknowledged = upTo
      this.#next = Math.max(this.#next, upTo)
      this.#buffer.dropUntil(upTo)
      this.#duplicates = 0
      this.#retries = 0
      this.#peerWindowBytes = windowBytes
      this.#rearm()
      if (this.#isHeldBack && this.#buffer.lengthBytes < SEND_LOW_BYTES) {
        this.#isHeldBack = false
        events.writable()
      }
    } else if (upTo === this.#acknowledged) {
      const isDuplicate = segment.data.length === 0 && windowBytes === this.#peerWindowBytes && this.#furthest > upTo
      this.#peerWindowBytes = windowBytes
      if (windowBytes === 0) this.#retries = 0
      if (isDuplicate && ++this.#duplicates === DUPLICATES) this.#resend()
    }
    return true
  }

  /** Takes what is next in order; true when the peer's FIN was reached. What came too early is sent again by the peer. */
  #takeData(segment: TcpSegment, offset: number): boolean {
    if (this.#hasPeerEnded) return false
    const fresh = this.#receiving.take(segment.data, offset)
    if (fresh.length > 0) this.#config.events.data(fresh)
    const isWhole = this.#receiving.received === offset + segment.data.length
    if (!isWhole || (segment.flags & TCP_FLAG.fin) === 0 || this.isClosed) return false
    this.#receiving.takeEnd()
    this.#hasPeerEnded = true
    return true
  }

  /** Learns the peer's numbers from its SYN. */
  #meet(syn: TcpSegment): void {
    this.#receiving.meet(syn.sequence, syn.windowShift !== undefined)
    this.#peerShift = syn.windowShift ?? 0
    const theirs = Math.max(syn.maxSegmentBytes ?? DEFAULT_SEGMENT_BYTES, MIN_SEGMENT_BYTES)
    this.#segmentBytes = Math.min(theirs, this.#config.maxSegmentBytes)
    this.#congestion = new Congestion(this.#segmentBytes, MAX_IN_FLIGHT_BYTES)
    this.#peerWindowBytes = syn.window
  }

  #establish(segment: TcpSegment): void {
    this.#state = 'open'
    this.#peerWindowBytes = (segment.flags & TCP_FLAG.syn) === 0 ? segment.window << this.#peerShift : segment.window
    this.#retries = 0
    this.#rearm()
    this.#config.events.established()
  }

  /** Sends what windows allow, and the FIN after the last byte. */
  #transmit(): void {
    if (this.#state !== 'open') return
    const limit = this.#acknowledged + Math.min(this.#peerWindowBytes, this.#congestion.windowBytes)
    const end = this.#buffer.end
    while (this.#next < end) {
      const bytes = Math.min(end - this.#next, limit - this.#next, this.#config.maxOffloadBytes)
      // A fraction of a packet is worth sending only as the last one, or when nothing is under way.
      const isWorth = bytes >= this.#segmentBytes || bytes === end - this.#next || this.#next === this.#acknowledged
      if (bytes <= 0 || !isWorth) break
      const whole = bytes > this.#segmentBytes ? bytes - (bytes % this.#segmentBytes) : bytes
      this.#sendData(bytes === end - this.#next ? bytes : whole)
    }
    if (this.#isEnding && this.#next === end) this.#sendEnd()
    if (this.#timer === undefined) this.#rearm()
  }

  #sendData(bytes: number): void {
    const at = this.#next
    const isLast = at + bytes === this.#buffer.end
    this.#next += bytes
    if (this.#next > this.#furthest) {
      this.#timed ??= { offset: this.#next, atNs: this.#config.clock.monotonicNs() }
      this.#furthest = this.#next
    }
    this.#control(TCP_FLAG.ack | (isLast ? TCP_FLAG.psh : 0), at, bytes)
  }

  #sendEnd(): void {
    const at = this.#next
    this.#next = at + 1
    this.#furthest = Math.max(this.#furthest, this.#next)
    this.#control(TCP_FLAG.fin | TCP_FLAG.ack, at)
  }

  #resend(): void {
    this.#congestion.lostOne(this.#next - this.#acknowledged)
    this.#goBack()
  }

  /** Everything since the last acknowledgment is sent again: our peers are in memory and seldom lose anything. */
  #goBack(): void {
    this.#next = this.#acknowledged
    this.#timed = undefined
    this.#transmit()
  }

  /** Sets the timer that resends, or, against a closed window, probes; none when nothing is to be sent. */
  #rearm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const isWaiting =
      this.#state !== 'open'
        ? this.#state !== 'closed'
        : this.#furthest > this.#acknowledged || this.#buffer.lengthBytes > 0
    if (isWaiting) this.#timer = this.#config.timers.after(this.#congestion.timeoutMs, () => this.#expired())
  }

  #expired(): void {
    this.#timer = undefined
    const isProbing = this.#state === 'open' && this.#peerWindowBytes === 0
    // A peer with a closed window is alive as long as it answers, which clears the count (RFC 9293 §3.8.6.1).
    if (this.#retries++ >= MAX_RETRIES) {
      this.#control(TCP_FLAG.rst | TCP_FLAG.ack, this.#next)
      return this.#close('timeout')
    }
    this.#congestion.timedOut(this.#next - this.#acknowledged)
    if (this.#state !== 'open') this.#sendSyn()
    else if (isProbing && this.#buffer.lengthBytes > 0) {
      this.#next = this.#acknowledged
      this.#sendData(1)
    } else this.#goBack()
    this.#rearm()
  }

  #sendSyn(): void {
    const isAnswer = this.#state === 'syn-received'
    // The SYN's own number comes before offset 0.
    this.#control(TCP_FLAG.syn | (isAnswer ? TCP_FLAG.ack : 0), -1)
    if (this.#timer === undefined) this.#rearm()
  }

  #acknowledge(): void {
    this.#control(TCP_FLAG.ack, this.#next)
  }

  /** A reset for a segment that acknowledges what we never sent (RFC 9293 §3.10.7.3). */
  #refuse(sequence: number): void {
    const { localPort, remotePort, send } = this.#config
    const reset = { sourcePort: localPort, destinationPort: remotePort, sequence, acknowledgment: 0, window: 0 }
    send({ ...reset, flags: TCP_FLAG.rst }, 0, 0, () => undefined)
  }

  #control(flags: number, offset: number, dataBytes = 0): void {
    const { localPort, remotePort, maxSegmentBytes, send } = this.#config
    const isSyn = (flags & TCP_FLAG.syn) !== 0
    send(
      {
        sourcePort: localPort,
        destinationPort: remotePort,
        sequence: this.#sequence(offset),
        acknowledgment: (flags & TCP_FLAG.ack) === 0 ? 0 : this.#receiving.acknowledgment,
        flags,
        window: this.#receiving.advertise(isSyn),
        ...(isSyn && { maxSegmentBytes, ...(this.#receiving.isScaled && { windowShift: WINDOW_SHIFT }) }),
      },
      dataBytes,
      this.#segmentBytes,
      into => this.#buffer.copy(offset, into),
    )
  }

  #sequence(offset: number): number {
    return (this.#config.initialSequence + 1 + offset) >>> 0
  }

  #closeWhenDone(): void {
    const isOurEndTaken = this.#isEnding && this.#acknowledged === this.#buffer.end + 1
    if (this.#hasPeerEnded && isOurEndTaken) this.#close()
  }

  #close(failed?: 'reset' | 'timeout'): void {
    if (this.#state === 'closed') return
    this.#shut()
    this.#config.events.closed(failed)
  }

  #shut(): void {
    this.#state = 'closed'
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
