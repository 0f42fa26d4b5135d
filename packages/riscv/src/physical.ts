import type { RiscvCpuConfig } from '@doppel/base'
import type { Engine } from '@doppel/engine'
import type { Hart } from './hart.ts'
import type { RiscvMachine } from './machine.ts'
import type { Observers } from './observers.ts'

/** Guest-physical accesses of harts: to RAM, and to what else the bus has. */
export class PhysicalAccess {
  deviceAccesses = 0
  readonly #engine: Engine<RiscvMachine>
  readonly #bus: RiscvCpuConfig['bus']
  readonly #observers: Observers
  readonly #view: DataView

  constructor(engine: Engine<RiscvMachine>, bus: RiscvCpuConfig['bus'], observers: Observers) {
    this.#engine = engine
    this.#bus = bus
    this.#observers = observers
    this.#view = new DataView(engine.memory.buffer)
  }
  /** Little-endian, zero-extended; undefined where nobody answers. */
  read(h: Hart, gpa: number, bytes: number): bigint | undefined {
    const { frames } = this.#engine
    const page = frames.page(gpa)
    if (page < 0) {
      this.deviceAccesses++
      const value = this.#bus.read(gpa, bytes as 1)
      this.#observers.device?.(h, { gpa, widthBytes: bytes, value, isWrite: false })
      return value
    }
    const host = frames.host(gpa, page)
    if (bytes === 8) return this.#view.getBigUint64(host, true)
    if (bytes === 4) return BigInt(this.#view.getUint32(host, true))
    return BigInt(bytes === 2 ? this.#view.getUint16(host, true) : this.#view.getUint8(host))
  }
  /** False where nobody answers. */
  write(h: Hart, gpa: number, bytes: number, value: bigint): boolean {
    const { frames } = this.#engine
    const page = frames.page(gpa)
    if (page < 0) {
      this.deviceAccesses++
      // Told first: what the device does may be more to tell.
      this.#observers.device?.(h, { gpa, widthBytes: bytes, value, isWrite: true })
      return this.#bus.write(gpa, bytes as 1, value)
    }
    this.#engine.willWrite(page)
    const host = frames.host(gpa, page)
    if (bytes === 8) this.#view.setBigUint64(host, value, true)
    else if (bytes === 4) this.#view.setUint32(host, Number(value), true)
    else if (bytes === 2) this.#view.setUint16(host, Number(value), true)
    else this.#view.setUint8(host, Number(value))
    return true
  }
}
