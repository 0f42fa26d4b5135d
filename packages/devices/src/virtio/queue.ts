import type { GuestMemory } from '@doppel/base'
import { Chain, type ChainOwner, type ChainState, type Segment, type UsedChain } from './chain.ts'

/** Descriptors in one chain, direct and indirect together; a longer chain is taken for a loop. */
const MAX_CHAIN_DESCRIPTORS = 1024
/** Virtio 1.2 §2.7.4.1: a driver makes no chain longer than 2^32 bytes. */
const MAX_CHAIN_BYTES = 2 ** 32

/** Of chains that the driver has taken back. */
const NO_GENERATION = -1

const DESC_BYTES = 16
const DESC_F_NEXT = 1
const DESC_F_WRITE = 2
const DESC_F_INDIRECT = 4
const AVAIL_F_NO_INTERRUPT = 1

/** Which optional ring features were negotiated. */
export interface RingFeatures {
  readonly indirect: boolean
  readonly eventIndex: boolean
}

/** A queue as a snapshot has it: version 1. */
export interface QueueState {
  readonly size: number
  readonly descriptorArea: bigint
  readonly driverArea: bigint
  readonly deviceArea: bigint
  readonly enabled: boolean
  readonly broken: boolean
  readonly nextAvail: number
  readonly nextUsed: number
}

/** What a queue tells its device. */
export interface QueueEvents {
  /** The driver wants to hear that buffers were used. */
  used(): void
  /** The driver broke the ring's rules (the reason is for people); the queue stops until reset. */
  broken(reason: string): void
}

/** What is read from, or written to, a ring at once. Shared: a machine has a hundred queues, and buffers are dear to make. */
const scratch = new Uint8Array(DESC_BYTES)
const scratchView = new DataView(scratch.buffer)

/** One split virtqueue, device side. Virtio 1.2 §2.7. Every number read from the rings is checked before use. */
export class Virtqueue implements ChainOwner {
  readonly memory: GuestMemory
  readonly maxSize: number
  /** Set by the transport before `enable`: entries, and the guest-physical addresses of the three areas. */
  size: number
  descriptorArea = 0n
  driverArea = 0n
  deviceArea = 0n
  readonly #events: QueueEvents
  #features: RingFeatures = { indirect: false, eventIndex: false }
  #enabled = false
  #broken = false
  #desc = 0
  #avail = 0
  #used = 0
  #nextAvail = 0
  #nextUsed = 0
  #inFlight = 0
  #generation = 0

  constructor(memory: GuestMemory, maxSize: number, events: QueueEvents) {
    this.memory = memory
    this.maxSize = maxSize
    this.size = maxSize
    this.#events = events
  }

  get enabled(): boolean {
    return this.#enabled
  }

  /** Begins service with the areas as set; a size or an area that cannot be is a breach. */
  enable(features: RingFeatures): void {
    if (this.#enabled) return
    const { size } = this
    if (size < 1 || size > this.maxSize || (size & (size - 1)) !== 0) return this.#break(`queue size ${size}`)
    const desc = this.#area(this.descriptorArea, 16, DESC_BYTES * size)
    const avail = this.#area(this.driverArea, 2, 6 + 2 * size)
    const used = this.#area(this.deviceArea, 4, 6 + 8 * size)
    if (desc === undefined || avail === undefined || used === undefined) return this.#break('a ring outside RAM')
    this.#desc = desc
    this.#avail = avail
    this.#used = used
    this.#features = features
    this.#enabled = true
  }

  /** Back to the state after power-on; chains still out are no longer this queue's. */
  reset(): void {
    this.#generation++
    this.#enabled = false
    this.#broken = false
    this.#nextAvail = 0
    this.#nextUsed = 0
    this.#inFlight = 0
    this.size = this.maxSize
    this.descriptorArea = 0n
    this.driverArea = 0n
    this.deviceArea = 0n
  }

  /** Chains taken and not given back. */
  get inFlight(): number {
    return this.#inFlight
  }
  /** The ring's place; asked for while no chain is out. */
  save(): QueueState {
    return {
      size: this.size,
      descriptorArea: this.descriptorArea,
      driverArea: this.driverArea,
      deviceArea: this.deviceArea,
      enabled: this.#enabled,
      broken: this.#broken,
      nextAvail: this.#nextAvail,
      nextUsed: this.#nextUsed,
    }
  }
  restore(state: QueueState, features: RingFeatures): void {
    this.reset()
    this.size = state.size
    this.descriptorArea = state.descriptorArea
    this.driverArea = state.driverArea
    this.deviceArea = state.deviceArea
    if (state.enabled) this.enable(features)
    this.#broken ||= state.broken
    this.#nextAvail = state.nextAvail
    this.#nextUsed = state.nextUsed
  }

  /** A chain that was out when the queue was saved is out again. */
  revive({ head, readable, writable, isLive }: ChainState): Chain {
    if (isLive) this.#inFlight++
    return new Chain(this, head, isLive ? this.#generation : NO_GENERATION, readable, writable)
  }
  /** Takes the next chain the driver has made available; undefined when there is none. */
  take(): Chain | undefined {
    if (!this.#enabled || this.#broken) return undefined
    let waiting = this.#waiting()
    if (waiting === 0 && this.#features.eventIndex) {
      // Ask to be told of the next one, then look again: it may have come in between (§2.7.10).
      this.#writeU16(this.#used + 4 + 8 * this.size, this.#nextAvail)
      waiting = this.#waiting()
    }
    if (waiting === 0) return undefined
    if (waiting > this.size || this.#inFlight >= this.size) {
      this.#break('more chains available than the queue has entries')
      return undefined
    }
    const head = this.#readU16(this.#avail + 4 + 2 * (this.#nextAvail % this.size))
    const chain = this.#parse(head)
    if (!chain) return undefined
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff
    this.#inFlight++
    return chain
  }

  isLive(generation: number): boolean {
    return this.#enabled && generation === this.#generation
  }

  complete(used: readonly UsedChain[]): void {
    const view = scratchView
    const old = this.#nextUsed
    for (const { head, writtenBytes } of used) {
      view.setUint32(0, head, true)
      view.setUint32(4, writtenBytes, true)
      this.memory.write(this.#used + 4 + 8 * (this.#nextUsed % this.size), scratch.subarray(0, 8))
      this.#nextUsed = (this.#nextUsed + 1) & 0xffff
    }
    this.#writeU16(this.#used + 2, this.#nextUsed)
    this.#inFlight -= used.length
    if (this.#wantsInterrupt(old)) this.#events.used()
  }

  /** §2.7.7: by flag, or, with event index, when the index that the driver named was just passed. */
  #wantsInterrupt(old: number): boolean {
    if (!this.#features.eventIndex) return (this.#readU16(this.#avail) & AVAIL_F_NO_INTERRUPT) === 0
    const event = this.#readU16(this.#avail + 4 + 2 * this.size)
    return ((this.#nextUsed - event - 1) & 0xffff) < ((this.#nextUsed - old) & 0xffff)
  }

  #waiting(): number {
    return (this.#readU16(this.#avail + 2) - this.#nextAvail) & 0xffff
  }

  #parse(head: number): Chain | undefined {
    const readable: Segment[] = []
    const writable: Segment[] = []
    let table = this.#desc
    let entries = this.size
    let indirect = false
    let bytes = 0
    let index = head
    for (let count = 0; count < MAX_CHAIN_DESCRIPTORS; count++) {
      if (index >= entries) return this.#break(`descriptor ${index} of ${entries}`)
      if (!this.memory.read(table + index * DESC_BYTES, scratch)) return this.#break('a table outside RAM')
      const gpa = scratchView.getUint32(4, true) * 2 ** 32 + scratchView.getUint32(0, true)
      const lengthBytes = scratchView.getUint32(8, true)
      const flags = scratchView.getUint16(12, true)
      if (lengthBytes > 0 && !this.memory.contains(gpa, lengthBytes)) return this.#break('a buffer outside RAM')
      if (flags & DESC_F_INDIRECT) {
        // §2.7.5.3.1: never nested, never continued, and whole descriptors only.
        const wrong = !this.#features.indirect || indirect || (flags & DESC_F_NEXT) !== 0
        if (wrong || lengthBytes === 0 || lengthBytes % DESC_BYTES !== 0) return this.#break('a bad indirect table')
        indirect = true
        table = gpa
        entries = lengthBytes / DESC_BYTES
        index = 0
        continue
      }
      if (flags & DESC_F_WRITE) writable.push({ gpa, lengthBytes })
      else if (writable.length > 0) return this.#break('a readable descriptor after a writable one')
      else readable.push({ gpa, lengthBytes })
      bytes += lengthBytes
      if (bytes > MAX_CHAIN_BYTES) return this.#break('a chain of more than 4 GiB')
      if (!(flags & DESC_F_NEXT)) return new Chain(this, head, this.#generation, readable, writable)
      index = scratchView.getUint16(14, true)
    }
    return this.#break('a chain that does not end')
  }

  #break(reason: string): undefined {
    this.#broken = true
    this.#events.broken(reason)
    return undefined
  }

  #area(address: bigint, alignment: number, lengthBytes: number): number | undefined {
    const gpa = Number(address)
    const fits = address <= BigInt(Number.MAX_SAFE_INTEGER) && gpa % alignment === 0
    return fits && this.memory.contains(gpa, lengthBytes) ? gpa : undefined
  }

  #readU16(gpa: number): number {
    this.memory.read(gpa, scratch.subarray(0, 2))
    return scratchView.getUint16(0, true)
  }

  #writeU16(gpa: number, value: number): void {
    scratchView.setUint16(0, value, true)
    this.memory.write(gpa, scratch.subarray(0, 2))
  }
}
