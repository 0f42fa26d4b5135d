import type { EntropySource, IrqLine } from '@doppel/base'
import type { MmioDevice, MmioWidth } from './bus.ts'

const ID_BYTES = 16

/**
 * Tells a guest that it has become another: sixteen random bytes, and an interrupt when they have changed. Linux then
 * reseeds its random numbers at once, so that clones do not share them. Device tree binding "microsoft,vmgenid"; after
 * Microsoft, "Virtual Machine Generation ID" (2012).
 */
export class GenerationId implements MmioDevice {
  readonly name = 'vmgenid'
  readonly lengthBytes = 0x1000
  readonly #id = new Uint8Array(ID_BYTES)
  readonly #entropy: EntropySource
  readonly #line: IrqLine

  constructor({ entropy, line }: { readonly entropy: EntropySource; readonly line: IrqLine }) {
    this.#entropy = entropy
    this.#line = line
    entropy.fill(this.#id)
  }

  /** The guest is a clone from now on. */
  renew(): void {
    this.#entropy.fill(this.#id)
    // An edge: the controller remembers it after the wire has fallen.
    this.#line.set(true)
    this.#line.set(false)
  }

  read(offset: number, width: MmioWidth): number {
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#id[offset + i] ?? 0)
    return value
  }
  write(): void {
    // Read-only.
  }
}
