import { DoppelError } from '@doppel/base'

/** Access widths that a device sees, in bytes; the bus splits wider ones. */
export type MmioWidth = 1 | 2 | 4

/** A device's register by the name that its specification has for it. */
export interface RegisterName {
  readonly device: string
  readonly register: string
}

/**
 * One register window. Offsets are in bytes from its base and naturally aligned to `width`; values are unsigned
 * 32-bit numbers. Whatever a guest reads or writes, neither method throws.
 */
export interface MmioDevice {
  readonly name: string
  readonly lengthBytes: number
  read(offset: number, width: MmioWidth): number
  write(offset: number, width: MmioWidth, value: number): void
  /** An 8-byte read that must not tear, e.g. of a running counter; without it the bus reads low half, then high half. */
  read64?(offset: number): bigint
  /** For one that passes accesses on: to which, by name. */
  behind?(): string[]
  /** What an access reaches: another device's name where this one passes it on. Undefined where there is no register. */
  describe?(offset: number, isWrite: boolean): { readonly device?: string; readonly register: string } | undefined
}

/** A device at its guest-physical base. */
export interface Mapping {
  readonly base: number
  readonly device: MmioDevice
}

/** Bases are multiples of this, so that an offset is aligned exactly when its address is. */
const BASE_ALIGNMENT_BYTES = 8

/** The address decoder of a board: finds the device behind a guest-physical address outside RAM. */
export class Bus {
  readonly #mappings: Mapping[] = []
  #last: Mapping | undefined

  /** Mappings by ascending base. */
  get mappings(): readonly Mapping[] {
    return this.#mappings
  }

  /** Puts a device at `base`. Throws `bus.alignment` or, where it would cover another device, `bus.overlap`. */
  map(base: number, device: MmioDevice): void {
    if (!Number.isSafeInteger(base) || base < 0 || base % BASE_ALIGNMENT_BYTES !== 0) {
      throw new DoppelError('bus.alignment', `${device.name} at ${hex(base)}: a base is a multiple of 8`, { base })
    }
    const end = base + device.lengthBytes
    const other = this.#mappings.find(m => base < m.base + m.device.lengthBytes && m.base < end)
    if (other) {
      throw new DoppelError(
        'bus.overlap',
        `${device.name} at ${hex(base)} would cover ${other.device.name} at ${hex(other.base)}`,
        { base, lengthBytes: device.lengthBytes, other: other.base },
      )
    }
    this.#mappings.push({ base, device })
    this.#mappings.sort((a, b) => a.base - b.base)
  }

  /** The devices by the names that `describe` has for them. */
  get deviceNames(): string[] {
    return [...new Set(this.#mappings.flatMap(({ device }) => device.behind?.() ?? [device.name]))]
  }
  /** What is at an address outside RAM; registers without a name are told by their offset. Undefined where no device is. */
  describe(gpa: number, isWrite: boolean): RegisterName | undefined {
    const hit = this.#mappings.find(({ base, device }) => gpa >= base && gpa < base + device.lengthBytes)
    if (!hit) return undefined
    const { device, base } = hit
    return { device: device.name, register: `+${hex(gpa - base)}`, ...device.describe?.(gpa - base, isWrite) }
  }

  /** Reads `width` bytes, little-endian, zero-extended; undefined where no device answers (an access fault). */
  read(gpa: number, width: 1 | 2 | 4 | 8): bigint | undefined {
    const hit = this.#find(gpa, width)
    if (!hit) return undefined
    const { device } = hit
    const offset = gpa - hit.base
    if (width !== 8) return BigInt.asUintN(width * 8, BigInt(device.read(offset, width)))
    if (device.read64) return device.read64(offset)
    const low = device.read(offset, 4) >>> 0
    return BigInt(low) | (BigInt(device.read(offset + 4, 4) >>> 0) << 32n)
  }

  /** Writes the low `width` bytes of `value`; false where no device answers (an access fault). */
  write(gpa: number, width: 1 | 2 | 4 | 8, value: bigint): boolean {
    const hit = this.#find(gpa, width)
    if (!hit) return false
    const offset = gpa - hit.base
    if (width === 8) {
      hit.device.write(offset, 4, Number(BigInt.asUintN(32, value)))
      hit.device.write(offset + 4, 4, Number(BigInt.asUintN(32, value >> 32n)))
    } else {
      hit.device.write(offset, width, Number(BigInt.asUintN(width * 8, value)))
    }
    return true
  }

  /** The mapping that holds all of an aligned access. Drivers poll one device at a time, so the last hit is tried first. */
  #find(gpa: number, width: number): Mapping | undefined {
    if (gpa % width !== 0) return undefined
    const last = this.#last
    if (last && holds(last, gpa, width)) return last
    let low = 0
    let high = this.#mappings.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const mapping = this.#mappings[middle] as Mapping
      if (mapping.base <= gpa) low = middle + 1
      else high = middle
    }
    const candidate = this.#mappings[low - 1]
    if (!candidate || !holds(candidate, gpa, width)) return undefined
    this.#last = candidate
    return candidate
  }
}

function holds(mapping: Mapping, gpa: number, width: number): boolean {
  return gpa >= mapping.base && gpa + width <= mapping.base + mapping.device.lengthBytes
}

function hex(address: number): string {
  return `0x${address.toString(16)}`
}
