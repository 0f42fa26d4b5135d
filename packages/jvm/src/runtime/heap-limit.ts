import { JavaProblem } from '../problem.ts'
import { PRESSURE_ADDRESS } from '../translate/types.ts'
import type { Vm } from './vm.ts'

/** Time between two looks at how full the heap is, while nothing large is allocated. */
const LOOK_MS = 20
/** Bytes of large arrays between two looks. */
const LOOK_BYTES = 8 * 1024 * 1024
/** After a collection, the next one is due when this share of what was left is used up. */
const NEXT_SHARE = 0.5

/** Keeps the guest’s objects within -Xmx, as far as the host can tell how much memory objects take. */
export class HeapLimit {
  readonly #vm: Vm
  /** What the host itself used before the program began. */
  #base = 0
  #lookAt = 0
  #allocated = 0
  /** No collection is tried below this. */
  #collectAbove: number

  constructor(vm: Vm) {
    this.#vm = vm
    this.#collectAbove = vm.options.maxHeapBytes
  }
  /** The library has been started: from here on, what is used is the guest’s. */
  begin(): void {
    this.#base = this.#vm.host.heap?.usedBytes() ?? 0
  }
  /** Bytes that the guest’s objects take, garbage and compiled code included. */
  get usedBytes(): number {
    const used = (this.#vm.host.heap?.usedBytes() ?? 0) - this.#base
    return Math.max(0, Math.min(used, this.#vm.options.maxHeapBytes))
  }

  /** Called before a large array is made. Throws OutOfMemoryError. */
  reserve(bytes: number): void {
    this.#allocated += bytes
    if (this.#allocated > LOOK_BYTES) this.#look(bytes)
  }
  /** Called now and then by running code. Throws OutOfMemoryError. */
  tick(): void {
    const now = performance.now()
    if (now < this.#lookAt) return
    this.#lookAt = now + LOOK_MS
    this.#look(0)
  }
  #wantsTurn = false
  #wantTurn(wants: boolean): void {
    this.#wantsTurn = wants
    this.#vm.view.setInt32(PRESSURE_ADDRESS, wants ? 1 : 0, true)
  }
  /** True when the event loop should turn now, once. */
  takeTurn(): boolean {
    const wants = this.#wantsTurn
    if (wants) this.#wantTurn(false)
    return wants
  }
  #look(wanted: number): void {
    this.#allocated = 0
    const { host, options } = this.#vm
    if (!host.heap) return
    const limit = options.maxHeapBytes
    const used = (): number => (host.heap?.usedBytes() ?? 0) - this.#base + wanted
    if (used() <= this.#collectAbove) return
    host.heap.collect()
    const left = limit - used()
    if (left < 0) {
      this.#collectAbove = limit
      // What softly reachable objects take is free once the event loop has turned (java.lang.ref.SoftReference).
      if (wanted <= limit && (this.#wantsTurn || this.#vm.references.ageSoft())) return this.#wantTurn(true)
      throw new JavaProblem('java/lang/OutOfMemoryError', 'Java heap space')
    }
    this.#collectAbove = limit - left * (1 - NEXT_SHARE)
  }
}
