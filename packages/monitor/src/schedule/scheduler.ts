import { type Clock, DoppelError, type Governor } from '@doppel/base'

/** What a machine may take of the processor that it shares with others. */
export interface CpuLimits {
  /** Its weight against the others that want to run; 100 when not given. */
  readonly share?: number
  /** The most it may have of the processor's time, above 0, at most 1 (no cap); 1 when not given. */
  readonly cap?: number
}

const DEFAULT_SHARE = 100
const MAX_SHARE = 10_000
const MIN_CAP = 0.01
/** How far a machine may be ahead of the others, in instructions at the default share: two of the longest slices. */
const WINDOW = 4_000_000
/** Time that a capped machine may save up while it waits, and spend at once. */
const BURST_NS = 10_000_000
/**
 * How many times slower than the fastest a machine's instructions may be. Up to that, shares are exact in instructions;
 * beyond, whatever makes them slow (code that rewrites itself, devices, code that is not translated yet) is paid for in time.
 */
const SLOWER = 2
/** What of a machine's speed is remembered from slice to slice. */
const MEMORY = 15 / 16
/** Hosts' timers are no finer. */
const MIN_WAIT_MS = 1

/**
 * Shares one thread among machines: in proportion to their shares, counted in instructions, so that the outcome does not
 * hang on how fast the host happens to be; and under caps, counted in time. A machine whose instructions take much longer
 * than others' is charged for the time, so that its storms are at its own cost. A machine that waits for something saves
 * nothing up: it comes back where the slowest of the others is (start-time fair queueing: Goyal, Guo, Vin, 1996).
 */
export class CpuScheduler {
  readonly #clock: Clock
  readonly #members = new Set<Member>()
  /** How far the slowest that wanted to run has come; it never goes back, also while nobody wants to. */
  #virtualNow = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds a machine; `retired` counts its instructions. Throws `limits.share`, `limits.cap`. */
  join(limits: CpuLimits, retired: () => bigint): Member {
    const member = new Member(this.#clock, retired, {
      active: () => this.#active(),
      virtualNow: () => this.#virtualNow,
      fastest: () => Math.max(0, ...this.#active().map(({ rate }) => rate)),
      leave: gone => {
        this.#members.delete(gone)
        this.#wake()
      },
      moved: () => this.#wake(),
    })
    member.setLimits(limits)
    this.#members.add(member)
    return member
  }

  #active(): Member[] {
    return [...this.#members].filter(member => member.isActive)
  }
  /** Somebody has run, gone to sleep or left: who waited for that goes on. */
  #wake(): void {
    const active = this.#active().map(member => member.virtual)
    if (active.length > 0) this.#virtualNow = Math.max(this.#virtualNow, Math.min(...active))
    for (const member of this.#members) member.wake()
  }
}

interface Peers {
  active(): readonly Member[]
  virtualNow(): number
  /** Instructions a nanosecond, of the one that does most. */
  fastest(): number
  leave(member: Member): void
  moved(): void
}

/** One machine's place in the queue. */
export class Member implements Governor {
  readonly #clock: Clock
  readonly #retired: () => bigint
  readonly #peers: Peers
  #share = DEFAULT_SHARE
  #cap = 1
  /** Instructions run so far, over the share: who has the least has the turn. */
  #virtual = 0
  #retiredThen = 0n
  #isActive = false
  /** Of late: instructions, and the nanoseconds they took. */
  #lately = 0
  #latelyNs = 0
  #waiting: PromiseWithResolvers<void> | undefined
  /** Time left under the cap, and when it was last added to. */
  #allowedNs = BURST_NS
  #allowedAtNs: number

  constructor(clock: Clock, retired: () => bigint, peers: Peers) {
    this.#clock = clock
    this.#retired = retired
    this.#peers = peers
    this.#allowedAtNs = clock.monotonicNs()
  }

  /** Instructions run so far, over the share. */
  get virtual(): number {
    return this.#virtual
  }
  /** Instructions a nanosecond, of late. */
  get rate(): number {
    return this.#latelyNs > 0 ? this.#lately / this.#latelyNs : 0
  }
  get isActive(): boolean {
    return this.#isActive
  }
  get limits(): Required<CpuLimits> {
    return { share: this.#share, cap: this.#cap }
  }

  /** Changes what is named. Throws `limits.share`, `limits.cap`. */
  setLimits({ share = this.#share, cap = this.#cap }: CpuLimits): void {
    if (!(share >= 1 && share <= MAX_SHARE)) {
      throw new DoppelError('limits.share', `a share of ${share}; expected 1 to ${MAX_SHARE}`, { share })
    }
    if (!(cap >= MIN_CAP && cap <= 1)) {
      throw new DoppelError('limits.cap', `a cap of ${cap}; expected ${MIN_CAP} to 1 of the processor's time`, { cap })
    }
    this.#share = share
    this.#cap = cap
  }

  gate(): Promise<void> | undefined {
    if (!this.#isActive) this.#begin()
    const waitMs = this.#capWaitMs()
    if (waitMs > 0) {
      // While it is held by its cap, others must not wait for it.
      this.idle()
      return new Promise(resolve => void setTimeout(resolve, waitMs))
    }
    if (!this.#isAhead()) return undefined
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }
  ran(tookNs: number): void {
    const now = this.#retired()
    const count = Number(now - this.#retiredThen)
    this.#retiredThen = now
    this.#lately = this.#lately * MEMORY + count
    this.#latelyNs = this.#latelyNs * MEMORY + tookNs
    const slower = this.rate > 0 ? this.#peers.fastest() / this.rate : 1
    this.#virtual += (count * (slower > SLOWER ? slower : 1)) / this.#share
    // Without a cap nothing is owed, also by a machine that has several processors.
    if (this.#cap < 1) this.#allowedNs -= tookNs
    this.#peers.moved()
  }
  idle(): void {
    if (!this.#isActive) return
    this.#isActive = false
    this.#peers.moved()
  }
  /** The machine has ended. */
  leave(): void {
    this.#isActive = false
    this.#waiting?.resolve()
    this.#peers.leave(this)
  }
  /** Goes on if it is no longer ahead. */
  wake(): void {
    if (!this.#waiting || this.#isAhead()) return
    this.#waiting.resolve()
    this.#waiting = undefined
  }

  #begin(): void {
    this.#isActive = true
    // What was run elsewhere, before a restore, was not run here.
    this.#retiredThen = this.#retired()
    this.#virtual = Math.max(this.#virtual, this.#peers.virtualNow())
  }
  #isAhead(): boolean {
    return this.#peers.active().some(other => this.#virtual - other.#virtual > WINDOW / DEFAULT_SHARE)
  }
  #capWaitMs(): number {
    const now = this.#clock.monotonicNs()
    this.#allowedNs = Math.min(BURST_NS, this.#allowedNs + (now - this.#allowedAtNs) * this.#cap)
    this.#allowedAtNs = now
    if (this.#cap === 1 || this.#allowedNs > 0) return 0
    return Math.max(MIN_WAIT_MS, Math.ceil(-this.#allowedNs / this.#cap / 1e6))
  }
}
