import type { RiscvCpuConfig } from '@doppel/base'
import type { Engine } from '@doppel/engine'
import type { RiscvMachine } from './machine.ts'

/** What is at a guest-physical address: RAM, or a device behind the bus. */
export class PhysicalMemory {
  readonly #engine: Engine<RiscvMachine>
  readonly #bus: RiscvCpuConfig['bus']
  readonly #stats: { deviceAccesses: number }
  readonly #view: DataView

  /** Counts what goes to the bus in `stats`. */
  constructor(engine: Engine<RiscvMachine>, bus: RiscvCpuConfig['bus'], stats: { deviceAccesses: number }) {
    this.#engine = engine
    this.#bus = bus
    this.#stats = stats
    this.#view = new DataView(engine.memory.buffer)
  }

  /** 1, 2, 4 or 8 bytes in one page, unsigned; undefined where nothing is. */
  read(gpa: number, bytes: number): bigint | undefined {
    const page = this.#engine.frames.page(gpa)
    if (page < 0) {
      this.#stats.deviceAccesses++
      return this.#bus.read(gpa, bytes as 1)
    }
    const host = this.#engine.frames.host(gpa, page)
    if (bytes === 8) return this.#view.getBigUint64(host, true)
    if (bytes === 4) return BigInt(this.#view.getUint32(host, true))
    return BigInt(bytes === 2 ? this.#view.getUint16(host, true) : this.#view.getUint8(host))
  }
  /** False where nothing is. */
  write(gpa: number, bytes: number, value: bigint): boolean {
    const page = this.#engine.frames.page(gpa)
    if (page < 0) {
      this.#stats.deviceAccesses++
      return this.#bus.write(gpa, bytes as 1, value)
    }
    this.#engine.willWrite(page)
    const host = this.#engine.frames.host(gpa, page)
    if (bytes === 8) this.#view.setBigUint64(host, value, true)
    else if (bytes === 4) this.#view.setUint32(host, Number(value), true)
    else if (bytes === 2) this.#view.setUint16(host, Number(value), true)
    else this.#view.setUint8(host, Number(value))
    return true
  }
}
