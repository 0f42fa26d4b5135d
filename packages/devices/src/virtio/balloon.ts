import { PAGE_BYTES } from '@doppel/base'
import type { Chain } from './chain.ts'
import { defineVirtio, type VirtioDevice, type VirtioHost, type VirtioParts } from './device.ts'

// Feature bits, Virtio 1.2 §5.5.3.
const F_STATS_VQ = 1n << 1n
const F_PAGE_REPORTING = 1n << 5n
/** Where the driver writes how much it has given, in struct virtio_balloon_config (§5.5.4). */
const ACTUAL = 4
const CONFIG_BYTES = 8
/** Page numbers taken from one buffer; drivers put at most 256 into it. */
const MAX_PAGES = 65_536
/** struct virtio_balloon_stat is packed: a 16-bit tag and 64 bits of value (§5.5.6.3). */
const STAT_BYTES = 10
const MAX_STATS = 64
const STAT_AVAILABLE = 6

/** The memory that a balloon takes from. */
export interface BalloonMemory {
  /**
   * Gives a run of guest-physical memory back; its bytes are gone. Called between slices, with whole pages of whatever
   * addresses the guest names: those that are no RAM are ignored.
   */
  release(gpa: number, lengthBytes: number): void
}

/** A balloon in a guest: how large it is to be, and is; pages in it are the host's. */
export class Balloon {
  readonly #memory: BalloonMemory
  #host: VirtioHost | undefined
  #targetPages = 0
  #actualPages = 0
  #availableBytes: number | undefined
  /** The driver's only statistics buffer: it fills another when this goes back. */
  #statistics: Chain | undefined

  constructor(memory: BalloonMemory) {
    this.#memory = memory
  }

  /** What the guest has given by its own account, bytes. */
  get lengthBytes(): number {
    return this.#actualPages * PAGE_BYTES
  }
  get targetBytes(): number {
    return this.#targetPages * PAGE_BYTES
  }
  /** What the guest's programs could still have, by its own account when last asked; undefined before. */
  get availableBytes(): number | undefined {
    return this.#availableBytes
  }
  /** Asks the guest for so much of its memory; it gives what it can spare, in its own time. */
  resize(lengthBytes: number): void {
    this.#targetPages = Math.floor(lengthBytes / PAGE_BYTES)
    this.#host?.configChanged()
  }

  /** Asks the guest what it could still have; `availableBytes` tells when it has answered. */
  askAvailable(): void {
    const chain = this.#statistics
    this.#statistics = undefined
    chain?.complete()
  }

  /** What the device of this balloon does once it is plugged in. */
  plug(host: VirtioHost): VirtioParts {
    this.#host = host
    /** What is given back must not be in use by the instruction that told us. */
    const afterSlice = (chain: Chain, work: () => void): void => {
      void Promise.resolve().then(() => {
        work()
        chain.complete()
      })
    }
    return {
      features: F_STATS_VQ | F_PAGE_REPORTING,
      config: () => {
        const bytes = new Uint8Array(CONFIG_BYTES)
        const view = new DataView(bytes.buffer)
        view.setUint32(0, this.#targetPages, true)
        view.setUint32(ACTUAL, this.#actualPages, true)
        return bytes
      },
      writeConfig: (offset, width, value) => {
        if (offset === ACTUAL && width === 4) this.#actualPages = value >>> 0
      },
      reset: () => {
        this.#actualPages = 0
        this.#statistics = undefined
      },
      quiesce: () => this.askAvailable(),
      save: () => [this.#targetPages, this.#actualPages],
      restore: state => {
        const [target, actual] = state as readonly [number, number]
        this.#targetPages = target
        this.#actualPages = actual
      },
      queues: {
        inflate: chain => {
          const bytes = chain.readable.read(MAX_PAGES * 4)
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
          afterSlice(chain, () => {
            for (let at = 0; at + 4 <= bytes.length; at += 4) {
              this.#memory.release(view.getUint32(at, true) * PAGE_BYTES, PAGE_BYTES)
            }
          })
        },
        // A page that has been taken out of the balloon is given memory when it is touched, as any other.
        deflate: chain => chain.complete(),
        statistics: chain => {
          this.#availableBytes = availableIn(chain.readable.read(MAX_STATS * STAT_BYTES)) ?? this.#availableBytes
          this.#statistics = chain
        },
        // Free memory of the guest's, which it takes care not to use until the buffer is back (§5.5.6.6).
        reporting: chain => {
          const { segments } = chain.writable
          afterSlice(chain, () => {
            for (const { gpa, lengthBytes } of segments) {
              const first = Math.ceil(gpa / PAGE_BYTES) * PAGE_BYTES
              const end = Math.floor((gpa + lengthBytes) / PAGE_BYTES) * PAGE_BYTES
              if (end > first) this.#memory.release(first, end - first)
            }
          })
        },
      },
    }
  }
}

/** Memory balloon, with reports of free pages. Virtio 1.2 §5.5. */
export const virtioBalloon: (options: { readonly balloon: Balloon }) => VirtioDevice = defineVirtio({
  id: 5,
  name: 'balloon',
  create: ({ balloon }: { readonly balloon: Balloon }, host) => balloon.plug(host),
})

function availableIn(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at + STAT_BYTES <= bytes.length; at += STAT_BYTES) {
    if (view.getUint16(at, true) === STAT_AVAILABLE) return Number(view.getBigUint64(at + 2, true))
  }
  return undefined
}
