import type { GuestMemory } from '@doppel/base'

/** A run of guest RAM, already checked to be RAM. */
export interface Segment {
  readonly gpa: number
  readonly lengthBytes: number
}

/** What a chain needs of the queue it came from. */
export interface ChainOwner {
  readonly memory: GuestMemory
  /** False once the queue was reset: from then on the chain's buffers are the driver's again. */
  isLive(generation: number): boolean
  /** Puts chains on the used ring and makes them visible all at once. */
  complete(used: readonly UsedChain[]): void
}

/** One entry of the used ring. Virtio 1.2 §2.7.8. */
export interface UsedChain {
  readonly head: number
  readonly writtenBytes: number
}

/** A chain that is out, as a snapshot has it. */
export interface ChainState {
  readonly head: number
  readonly readable: readonly Segment[]
  readonly writable: readonly Segment[]
  /** False where its queue was reset meanwhile: its buffers are the driver's again. */
  readonly isLive: boolean
}

/** The device-readable bytes of a chain, in order. */
export class ReadableBytes {
  readonly lengthBytes: number
  readonly #memory: GuestMemory
  readonly #segments: readonly Segment[]
  #at = 0

  constructor(memory: GuestMemory, segments: readonly Segment[]) {
    this.#memory = memory
    this.#segments = segments
    this.lengthBytes = total(segments)
  }

  /** Where they are in guest RAM. */
  get segments(): readonly Segment[] {
    return this.#segments
  }
  /** Bytes not read yet. */
  get remainingBytes(): number {
    return this.lengthBytes - this.#at
  }

  /** Copies out the next bytes, at most `maxBytes`; shorter at the end. */
  read(maxBytes: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(maxBytes, this.remainingBytes))
    eachPiece(this.#segments, this.#at, bytes.length, (gpa, from, to) =>
      this.#memory.read(gpa, bytes.subarray(from, to)),
    )
    this.#at += bytes.length
    return bytes
  }
}

/** The device-writable bytes of a chain, in order. Writes past its end, or after a reset, do nothing. */
export class WritableBytes {
  readonly lengthBytes: number
  readonly #memory: GuestMemory
  readonly #segments: readonly Segment[]
  readonly #isLive: () => boolean
  #at = 0

  constructor(memory: GuestMemory, segments: readonly Segment[], isLive: () => boolean) {
    this.#memory = memory
    this.#segments = segments
    this.#isLive = isLive
    this.lengthBytes = total(segments)
  }

  /** Where they are in guest RAM. */
  get segments(): readonly Segment[] {
    return this.#segments
  }
  /** Bytes from the start up to the end of the last write: what the used ring reports. */
  get writtenBytes(): number {
    return this.#at
  }
  get remainingBytes(): number {
    return this.lengthBytes - this.#at
  }

  /** Appends what fits of `bytes`; returns how many bytes did. */
  write(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, this.remainingBytes)
    this.writeAt(this.#at, length === bytes.length ? bytes : bytes.subarray(0, length))
    return length
  }

  /** Puts `bytes` at `offset`, e.g. a status after data of which only a part was written. */
  writeAt(offset: number, bytes: Uint8Array): void {
    const length = Math.min(bytes.length, this.lengthBytes - offset)
    if (length <= 0 || !this.#isLive()) return
    eachPiece(this.#segments, offset, length, (gpa, from, to) => this.#memory.write(gpa, bytes.subarray(from, to)))
    this.#at = Math.max(this.#at, offset + length)
  }
}

/** One request of a driver's: a descriptor chain taken from the available ring. Virtio 1.2 §2.7.4. */
export class Chain {
  readonly readable: ReadableBytes
  readonly writable: WritableBytes
  readonly #owner: ChainOwner
  readonly #head: number
  readonly #generation: number
  #done = false

  constructor(
    owner: ChainOwner,
    head: number,
    generation: number,
    readable: readonly Segment[],
    writable: readonly Segment[],
  ) {
    this.#owner = owner
    this.#head = head
    this.#generation = generation
    this.readable = new ReadableBytes(owner.memory, readable)
    this.writable = new WritableBytes(owner.memory, writable, () => !this.#done && owner.isLive(generation))
  }

  /** Whether the driver still waits for it. */
  get isLive(): boolean {
    return !this.#done && this.#owner.isLive(this.#generation)
  }
  /** What a queue makes it of again; asked for before anything of it has been read or written. */
  save(): ChainState {
    const { isLive } = this
    return { head: this.#head, readable: this.readable.segments, writable: this.writable.segments, isLive }
  }
  /** Gives the buffers back to the driver, once; may be called long after the notification, and after a reset. */
  complete(): void {
    Chain.completeAll([this])
  }

  /** Gives back chains of one queue that the driver must see together, e.g. the parts of one frame. */
  static completeAll(chains: readonly Chain[]): void {
    const live = chains.filter(chain => !chain.#done && chain.#owner.isLive(chain.#generation))
    for (const chain of chains) chain.#done = true
    const [first] = live
    if (first)
      first.#owner.complete(live.map(chain => ({ head: chain.#head, writtenBytes: chain.writable.writtenBytes })))
  }
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.lengthBytes, 0)
}

/** Cuts `[offset, offset + length)` of the segments' concatenation at segment borders. */
function eachPiece(
  segments: readonly Segment[],
  offset: number,
  length: number,
  visit: (gpa: number, from: number, to: number) => void,
): void {
  let start = 0
  const end = offset + length
  for (const segment of segments) {
    if (start >= end) return
    const from = Math.max(start, offset)
    const to = Math.min(start + segment.lengthBytes, end)
    if (from < to) visit(segment.gpa + (from - start), from - offset, to - offset)
    start += segment.lengthBytes
  }
}
