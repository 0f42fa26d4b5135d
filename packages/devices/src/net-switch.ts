import type { FrameOffload, NetPort } from '@doppel/base'

/** Addresses remembered; the oldest makes room, and frames to it are flooded again. */
const MAX_LEARNED = 1024
/** Frames under way at once; endpoints that answer one another faster than frames are delivered lose some. */
const MAX_QUEUED_FRAMES = 1024
const HEADER_BYTES = 14

interface Plug {
  receive: ((frame: Uint8Array, offload?: FrameOffload) => void) | undefined
}

interface Queued {
  readonly from: Plug
  readonly frame: Uint8Array
  readonly offload: FrameOffload | undefined
}

/** An Ethernet switch in memory: it learns where addresses are and floods what it does not know. IEEE 802.1D §7. */
export class NetSwitch {
  readonly #plugs = new Set<Plug>()
  readonly #learned = new Map<string, Plug>()
  readonly #queue: Queued[] = []
  #isDelivering = false

  /** A new socket of the switch; what is sent into it goes to the others. */
  port(): NetPort & { unplug(): void } {
    const plug: Plug = { receive: undefined }
    this.#plugs.add(plug)
    return {
      takesOffload: true,
      send: (frame, offload) => this.#accept({ from: plug, frame: frame.slice(), offload }),
      onFrame: receive => {
        plug.receive = receive
      },
      unplug: () => {
        this.#plugs.delete(plug)
        for (const [address, at] of this.#learned) if (at === plug) this.#learned.delete(address)
      },
    }
  }

  /** A receiver may send from within its call: that frame waits its turn instead of nesting. */
  #accept(queued: Queued): void {
    const { from, frame } = queued
    if (frame.length < HEADER_BYTES || this.#queue.length >= MAX_QUEUED_FRAMES || !this.#plugs.has(from)) return
    this.#queue.push(queued)
    if (this.#isDelivering) return
    this.#isDelivering = true
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#forward(next)
    } finally {
      this.#isDelivering = false
    }
  }

  #forward({ from, frame, offload }: Queued): void {
    const isGroup = ((frame[0] ?? 0) & 1) === 1
    if (((frame[6] ?? 0) & 1) === 0) this.#learn(address(frame, 6), from)
    const known = isGroup ? undefined : this.#learned.get(address(frame, 0))
    for (const plug of known ? [known] : this.#plugs) {
      if (plug !== from) plug.receive?.(frame, offload)
    }
  }

  #learn(source: string, plug: Plug): void {
    this.#learned.delete(source)
    this.#learned.set(source, plug)
    if (this.#learned.size <= MAX_LEARNED) return
    const oldest = this.#learned.keys().next()
    if (!oldest.done) this.#learned.delete(oldest.value)
  }
}

function address(frame: Uint8Array, at: number): string {
  return String.fromCharCode(...frame.subarray(at, at + 6))
}
