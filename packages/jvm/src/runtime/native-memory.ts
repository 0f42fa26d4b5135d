import { JavaProblem } from '../problem.ts'

const PAGE = 65_536
/** Blocks above this many bytes are whole multiples of it; smaller ones powers of two. */
const LARGE_BYTES = 4096
const SMALLEST_BYTES = 16

/** Memory outside the heap: blocks that are given out, given back, and given out again by size. */
export class NativeMemory {
  readonly memory: WebAssembly.Memory
  #view: DataView
  #next: number
  readonly #free = new Map<number, number[]>()
  readonly #sizes = new Map<number, number>()

  /** Blocks begin at `start`; below it the machine keeps what has fixed places. */
  constructor(start: number) {
    this.memory = new WebAssembly.Memory({ initial: start / PAGE + 64 })
    this.#view = new DataView(this.memory.buffer)
    this.#next = start
  }
  get view(): DataView {
    return this.#view
  }

  /** The address of so many bytes, all zero. Throws OutOfMemoryError. */
  allocate(bytes: number): number {
    let size = SMALLEST_BYTES
    while (size < bytes) size *= 2
    if (bytes > LARGE_BYTES) size = Math.ceil(bytes / LARGE_BYTES) * LARGE_BYTES
    const reused = this.#free.get(size)?.pop()
    const address = reused ?? this.#next
    if (reused === undefined) this.#extend(address + size)
    else new Uint8Array(this.memory.buffer, address, size).fill(0)
    this.#sizes.set(address, size)
    return address
  }
  #extend(end: number): void {
    const have = this.memory.buffer.byteLength
    if (end > have) {
      try {
        this.memory.grow(Math.ceil(Math.max(end - have, have / 4) / PAGE))
        this.#view = new DataView(this.memory.buffer)
      } catch (cause) {
        throw new JavaProblem('java/lang/OutOfMemoryError', cause instanceof RangeError ? null : String(cause))
      }
    }
    this.#next = end
  }
  free(address: number): void {
    const size = this.#sizes.get(address)
    if (size === undefined) return
    this.#sizes.delete(address)
    const list = this.#free.get(size)
    if (list) list.push(address)
    else this.#free.set(size, [address])
  }
}
