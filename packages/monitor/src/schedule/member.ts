import type { Clock, GovernedWait, Governor, Pace } from '@doppel/base'
import { changedLimits, type CpuLimits, NO_LIMITS } from './limits.ts'
import type { ThreadTime } from './thread-time.ts'
import { TimeCredit } from './time-credit.ts'

/** How far a machine may be ahead of the others, in instructions over the share: two of the longest slices, at a share of 100. */
const WINDOW = 4_000_000 / 100
/**
 * How many times slower than the fastest a machine's instructions may be. Up to that, shares are exact in instructions;
 * beyond, whatever makes them slow (code that rewrites itself, devices, code that is not translated yet) is paid for in time.
 */
const SLOWER = 2
/** What of a machine's speed is remembered after a millisecond of its own: a storm must not be taken for what it was before. */
const MEMORY_PER_MS = 15 / 16
/** What a host that runs other programs meanwhile may withhold from a machine under a cap, and give it later. */
const CAP_BURST_NS = 50_000_000
/** A machine held by its cap waits until it may run for so long: a turn is shorter, and waiting after each costs the host. */
const CAP_TURNS_NS = 4_000_000
/** What a machine may save up of its entitlement while it waits: so long it may keep others from running. */
const ENTITLED_BURST_NS = 10_000_000
/** Hosts' timers are no finer. */
const MIN_WAIT_MS = 1
/** A turn that another's timer cuts short is at least this long: below, entering it costs more than it does. */
const MIN_INSTRUCTIONS = 2000
/** A turn goes so far towards a timer, since the next instructions may be slower; the next turn goes on. */
const APPROACH = 0.75
/** Before a machine's speed is known. */
const FIRST_INSTRUCTIONS = 20_000
/** While a machine is in a hurry its input waits no longer for the others. */
const HURRIED_YIELD_NS = 1_000_000

/** What a machine knows of those that it shares the thread with. */
export interface Peers {
  others(): readonly Member[]
  virtualNow(): number
  readonly threadTime: ThreadTime
  leave(member: Member): void
  moved(): void
}

/** One machine's place in the queue. */
export class Member implements Governor {
  readonly #clock: Clock
  readonly #retired: () => bigint
  readonly #peers: Peers
  #limits = NO_LIMITS
  /** Time left under the cap, and within the entitlement. */
  readonly #allowed: TimeCredit
  readonly #entitled: TimeCredit
  /** Instructions run so far, over the share: who has the least has the turn. */
  #virtual = 0
  #retiredThen = 0n
  #isActive = false
  /** Of late: instructions, and the nanoseconds they took. */
  #lately = 0
  #latelyNs = 0
  #usedNs = 0
  #waiting: PromiseWithResolvers<void> | undefined
  /** What an idle machine waits for: the scheduler's time at which its timer is due. */
  #wait: { readonly atNs: number; wake(): void } | undefined

  constructor(clock: Clock, retired: () => bigint, peers: Peers) {
    this.#clock = clock
    this.#retired = retired
    this.#peers = peers
    this.#allowed = new TimeCredit(1, CAP_BURST_NS, clock.monotonicNs())
    this.#entitled = new TimeCredit(0, ENTITLED_BURST_NS, clock.monotonicNs())
  }

  /** Instructions run so far, over the share. */
  get virtual(): number {
    return this.#virtual
  }
  /** Instructions a nanosecond, of late. */
  get rate(): number {
    return this.#latelyNs > 0 ? this.#lately / this.#latelyNs : 0
  }
  /** What its turns have taken: the thread's processor time, where the host can tell, nanoseconds. */
  get usedNs(): number {
    return this.#usedNs
  }
  get isActive(): boolean {
    return this.#isActive
  }
  get isPrompt(): boolean {
    return this.#limits.latency === 'realtime'
  }
  get limits(): Required<CpuLimits> {
    return this.#limits
  }
  /** True while it has part of the time that is its own, whatever the others' shares are. */
  isEntitled(): boolean {
    return this.#limits.entitlement > 0 && this.#entitled.leftNs(this.#clock.monotonicNs()) > 0
  }
  /** When its timer is due, for one that others make room for; Infinity otherwise. */
  get dueNs(): number {
    return this.isPrompt && this.#wait ? this.#wait.atNs : Infinity
  }

  /** Changes what is named. Throws `limits.share`, `limits.cap`, `limits.entitlement`, `limits.latency`. */
  setLimits(changed: CpuLimits): void {
    const taken = this.#peers.others().reduce((sum, other) => sum + other.limits.entitlement, 0)
    this.#limits = changedLimits(this.#limits, changed, taken)
    this.#allowed.rate = this.#limits.cap
    this.#entitled.rate = this.#limits.entitlement
    this.#peers.moved()
  }

  gate(): Promise<void> | undefined {
    if (!this.#isActive) this.#begin()
    const waitMs = this.#capWaitMs()
    if (waitMs > 0) {
      // While it is held by its cap, others must not wait for it.
      this.idle()
      return new Promise(resolve => void setTimeout(resolve, waitMs))
    }
    if (this.#hasTurn()) return undefined
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }
  pace(ownTimerNs: number): Pace {
    const hurried = this.#peers.others().filter(other => other.isPrompt)
    const othersNs = Math.min(...hurried.map(other => other.dueNs)) - this.#clock.monotonicNs()
    // Its own timer may be some microseconds late where it is not in a hurry itself: fewer turns, each longer.
    const inNs = Math.min(othersNs * APPROACH, ownTimerNs * (this.isPrompt ? APPROACH : 1))
    const rate = this.rate
    const most = rate > 0 ? Math.max(MIN_INSTRUCTIONS, Math.floor(rate * inNs)) : FIRST_INSTRUCTIONS
    return { instructions: inNs < Infinity ? most : Infinity, ...(hurried.length > 0 && { yieldNs: HURRIED_YIELD_NS }) }
  }
  ran(elapsedNs: number): void {
    const tookNs = this.#peers.threadTime.ofTurn(elapsedNs)
    const now = this.#retired()
    const count = Number(now - this.#retiredThen)
    this.#retiredThen = now
    this.#usedNs += tookNs
    const memory = MEMORY_PER_MS ** (tookNs / 1e6)
    this.#lately = this.#lately * memory + count
    this.#latelyNs = this.#latelyNs * memory + tookNs
    // Without a cap nothing is owed, also by a machine that has several processors.
    if (this.#limits.cap < 1) this.#allowed.spend(tookNs)
    if (this.isEntitled()) {
      // What is its own it owes nobody; of what is left it may claim later no more than anyone may be ahead.
      this.#entitled.spend(tookNs)
      this.#virtual = Math.max(this.#virtual, this.#peers.virtualNow() - WINDOW)
    } else {
      const fastest = Math.max(...this.#active().map(other => other.rate), this.rate)
      const isSlow = fastest > SLOWER * this.rate
      this.#virtual += (isSlow ? tookNs * fastest : count) / this.#limits.share
    }
    this.#peers.moved()
  }
  idle(wait?: GovernedWait): void {
    this.#wait = wait && { atNs: this.#clock.monotonicNs() + wait.inNs, wake: () => wait.wake() }
    if (!this.#isActive) return
    this.#isActive = false
    this.#peers.moved()
  }
  /** The machine has ended. */
  leave(): void {
    this.#isActive = false
    this.#wait = undefined
    this.#waiting?.resolve()
    this.#peers.leave(this)
  }
  /** Goes on if it has its turn now. */
  wake(): void {
    if (!this.#waiting || !this.#hasTurn()) return
    this.#waiting.resolve()
    this.#waiting = undefined
  }

  #begin(): void {
    this.#isActive = true
    this.#wait = undefined
    // What was run elsewhere, before a restore, was not run here.
    this.#retiredThen = this.#retired()
    this.#virtual = Math.max(this.#virtual, this.#peers.virtualNow())
  }
  /** Its timer is due and it comes before others: it goes on, and they let it. */
  #call(): void {
    const wait = this.#wait
    this.#begin()
    wait?.wake()
  }
  #active(): Member[] {
    return this.#peers.others().filter(other => other.isActive)
  }
  #hasTurn(): boolean {
    if (!this.isPrompt || !this.isEntitled()) {
      const now = this.#clock.monotonicNs()
      for (const other of this.#peers.others()) if (other.dueNs <= now && other.isEntitled()) other.#call()
    }
    const active = this.#active()
    if (this.isEntitled()) return this.isPrompt || !active.some(other => other.isPrompt && other.isEntitled())
    return !active.some(other => other.isEntitled() || this.#virtual - other.#virtual > WINDOW)
  }
  #capWaitMs(): number {
    const leftNs = this.#allowed.leftNs(this.#clock.monotonicNs())
    if (this.#limits.cap === 1 || leftNs > 0) return 0
    return Math.max(MIN_WAIT_MS, Math.ceil((CAP_TURNS_NS - leftNs) / this.#limits.cap / 1e6))
  }
}
