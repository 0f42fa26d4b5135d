const FIRST_BYTES = 64
const EMPTY = new Uint8Array(0)

/** A bounded first-in-first-out of bytes: what a host has sent and a guest has not read yet. */
export class ByteQueue {
  readonly limitBytes: number
  /** A ring: byte i of the queue is at (#head + i) modulo its length. It grows up to the limit. */
  #ring: Uint8Array = EMPTY
  #head = 0
  #length = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get length(): number {
    return this.#length
  }

  /** Appends a copy of what fits; returns how many bytes did. */
  push(bytes: Uint8Array): number {
    const room = Math.min(bytes.length, this.limitBytes - this.#length)
    if (this.#length + room > this.#ring.length) this.#grow(this.#length + room)
    const ring = this.#ring
    const at = (this.#head + this.#length) % (ring.length || 1)
    const first = Math.min(room, ring.length - at)
    ring.set(bytes.subarray(0, first), at)
    ring.set(bytes.subarray(first, room), 0)
    this.#length += room
    return room
  }

  /** Removes and returns at most `maxBytes` bytes. */
  take(maxBytes: number): Uint8Array {
    const taken = new Uint8Array(Math.min(maxBytes, this.#length))
    const ring = this.#ring
    const first = Math.min(taken.length, ring.length - this.#head)
    taken.set(ring.subarray(this.#head, this.#head + first), 0)
    taken.set(ring.subarray(0, taken.length - first), first)
    this.#head = (this.#head + taken.length) % (ring.length || 1)
    this.#length -= taken.length
    return taken
  }

  /** A copy of everything queued. */
  peek(): Uint8Array {
    const all = this.take(this.#length)
    this.push(all)
    return all
  }

  clear(): void {
    this.#head = 0
    this.#length = 0
  }

  #grow(needBytes: number): void {
    const kept = this.#length
    const grown = new Uint8Array(Math.min(this.limitBytes, Math.max(FIRST_BYTES, needBytes * 2)))
    grown.set(this.take(kept))
    this.#ring = grown
    this.#head = 0
    this.#length = kept
  }
}
