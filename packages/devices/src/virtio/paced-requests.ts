import type { Timer } from '@doppel/base'
import type { Chain, ChainState } from './chain.ts'
import type { PacedWork, VirtioHost } from './device.ts'

/** How long a request takes at least, ns, and for each byte: about what a fast disk needs. */
const REQUEST_NS = 50_000
const BYTE_NS = 0.5
/** With a seed, between a half of that and sixteen times as much, all magnitudes alike frequent. */
const FASTEST = 0.5
const MAGNITUDES = 5

/** A request that is to be answered, and when, by the machine's clock. */
interface Request {
  readonly chain: Chain
  readonly dueNs: number
}

/** Requests under way, as a snapshot has them. */
export interface PacedState {
  /** How many there have ever been. */
  readonly count: number
  readonly requests: readonly { readonly chain: ChainState; readonly dueNs: number }[]
}

/**
 * Requests of a deterministic machine's device: each is done, all at once, at a time that is a function of the seed, its size and
 * how many came before it. The machine stands still for as long as the host takes for that.
 */
export class PacedRequests {
  readonly #paced: PacedWork
  readonly #host: VirtioHost
  readonly #queue: string
  readonly #serve: (chain: Chain) => Promise<void>
  readonly #timer: Timer
  #requests: Request[] = []
  #count = 0

  /** `serve` does a request of that queue and completes it. */
  constructor(host: VirtioHost, paced: PacedWork, queue: string, serve: (chain: Chain) => Promise<void>) {
    this.#host = host
    this.#paced = paced
    this.#queue = queue
    this.#serve = serve
    this.#timer = paced.timers.timer(() => this.#due())
  }
  add(chain: Chain): void {
    const bytes = chain.readable.lengthBytes + chain.writable.lengthBytes
    const takesNs = (REQUEST_NS + bytes * BYTE_NS) * slowness(this.#paced.seed, this.#count++)
    this.#requests.push({ chain, dueNs: this.#paced.timers.clock.monotonicNs() + Math.ceil(takesNs) })
    this.#arm()
  }
  /** Those that the driver waits for. */
  get pending(): number {
    return this.#requests.reduce((sum, { chain }) => sum + (chain.isLive ? 1 : 0), 0)
  }
  /** The driver has taken all of them back. */
  clear(): void {
    this.#requests = []
    this.#arm()
  }
  save(): PacedState {
    const requests = this.#requests.map(({ chain, dueNs }) => ({ chain: chain.save(), dueNs }))
    return { count: this.#count, requests }
  }
  restore({ count, requests }: PacedState): void {
    this.#count = count
    this.#requests = requests.map(({ chain, dueNs }) => ({ chain: this.#host.revive(this.#queue, chain), dueNs }))
    this.#arm()
  }

  #arm(): void {
    this.#timer.arm(Math.min(Infinity, ...this.#requests.map(({ dueNs }) => dueNs)))
  }
  #due(): void {
    const nowNs = this.#paced.timers.clock.monotonicNs()
    const due = this.#requests.filter(({ dueNs }) => dueNs <= nowNs).sort((a, b) => a.dueNs - b.dueNs)
    this.#requests = this.#requests.filter(({ dueNs }) => dueNs > nowNs)
    for (const { chain } of due) this.#paced.hold(async () => (chain.isLive ? await this.#serve(chain) : undefined))
    this.#arm()
  }
}

/** By what the time of the n-th request is multiplied: its hash by MurmurHash3's finalizer makes the magnitude. */
function slowness(seed: number, n: number): number {
  if (seed === 0) return 1
  let bits = Math.imul(seed ^ Math.floor(seed / 2 ** 32) ^ Math.imul(n + 1, 0x9e3779b1), 0x85ebca6b)
  bits ^= bits >>> 13
  bits = Math.imul(bits, 0xc2b2ae35)
  return FASTEST * 2 ** ((MAGNITUDES * ((bits ^ (bits >>> 16)) >>> 0)) / 2 ** 32)
}
