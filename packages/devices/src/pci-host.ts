import { DoppelError, type IrqLine } from '@doppel/base'
import type { Mapping, MmioDevice, MmioWidth } from './bus.ts'
import { SharedLine, unwiredLine } from './irq.ts'
import { PciConfigSpace, type PciConfigState, type PciFunction } from './pci-config.ts'

/** A range of guest-physical addresses that the bridge passes on to PCI memory space at the same addresses. */
export interface PciWindow {
  readonly base: number
  readonly lengthBytes: number
}

/** What a host bridge is built from. */
export interface PciHostConfig {
  /** INTA# to INTD# of the bus, as wired to the interrupt controller; see `intxWire` for who uses which. */
  readonly intx: readonly [IrqLine, IrqLine, IrqLine, IrqLine]
  readonly windows: readonly PciWindow[]
}

/** A bus as a snapshot has it: version 1. */
export type PciHostState = readonly { readonly slot: number; readonly name: string; readonly state: PciConfigState }[]

/** Slots of bus 0; slot 0 is the bridge itself. */
export const PCI_SLOTS = 32
/** ECAM of 256 buses, PCI Express 4.0 §7.2.2. */
export const PCI_ECAM_BYTES: number = 256 * 1024 * 1024

const SLOT_SHIFT = 15
const REGISTER_MASK = 0xfff

/** The bus wire (0 to 3) that a slot's pin (1 = INTA#) drives: the usual swizzle, PCI Local Bus 3.0 §2.2.6. */
export function intxWire(slot: number, pin: number): number {
  return (slot + pin - 1) % 4
}

/** A generic ECAM host (`pci-host-ecam-generic`) with one bus. */
export class PciHost {
  readonly ecam: MmioDevice
  /** The windows, to be mapped at their bases. */
  readonly windows: readonly Mapping[]
  readonly #slots: (PciConfigSpace | undefined)[] = Array.from({ length: PCI_SLOTS })
  readonly #wires: readonly SharedLine[]
  /** Regions as configuration places them now; rebuilt after a configuration write. */
  #decoded: { readonly base: number; readonly region: MmioDevice }[] | undefined

  constructor({ intx, windows }: PciHostConfig) {
    this.#wires = intx.map(line => new SharedLine(line))
    this.#slots[0] = new PciConfigSpace(HOST_BRIDGE, unwiredLine)
    this.ecam = {
      name: 'pci-ecam',
      lengthBytes: PCI_ECAM_BYTES,
      read: (offset, width) => this.#slot(offset)?.read(offset & REGISTER_MASK, width) ?? allOnes(width),
      write: (offset, width, value) => {
        this.#decoded = undefined
        this.#slot(offset)?.write(offset & REGISTER_MASK, width, value)
      },
      behind: () => this.#slots.flatMap(slot => slot?.function.name ?? []),
      describe: offset => {
        const device = this.#slot(offset)?.function.name
        return device === undefined
          ? undefined
          : { device, register: `pci_config[0x${(offset & REGISTER_MASK).toString(16)}]` }
      },
    }
    this.windows = windows.map(({ base, lengthBytes }) => ({ base, device: this.#window(base, lengthBytes) }))
  }

  /** Plugs a function into the first free slot and returns its number. Throws `pci.full` when there is none. */
  plug(fn: PciFunction): number {
    const slot = this.#slots.indexOf(undefined)
    if (slot < 0) {
      throw new DoppelError('pci.full', `no slot left for ${fn.name}: bus 0 has ${PCI_SLOTS}`, { name: fn.name })
    }
    const wire = fn.interruptPin === 0 ? undefined : this.#wires[intxWire(slot, fn.interruptPin)]
    this.#slots[slot] = new PciConfigSpace(fn, wire?.input() ?? unwiredLine)
    return slot
  }

  /** The functions' regions where configuration places them now. */
  decoded(): Mapping[] {
    const regions = this.#slots.flatMap(slot => slot?.decoded() ?? [])
    return regions.map(({ base, region }) => ({ base, device: region }))
  }
  /** Requests of the guest's, of all functions, that the host has yet to answer. */
  pending(): number {
    return this.#slots.reduce((sum, slot) => sum + (slot?.function.pending?.() ?? 0), 0)
  }
  save(): PciHostState {
    return this.#slots.flatMap((slot, number) =>
      slot ? [{ slot: number, name: slot.function.name, state: slot.save() }] : [],
    )
  }
  /** Restores into a host with the same functions in the same slots. Throws `snapshot.devices` for another. */
  restore(saved: PciHostState): void {
    const here = this.#slots.map(slot => slot?.function.name).filter(name => name !== undefined)
    const there = saved.map(({ name }) => name)
    if (here.join() !== there.join()) {
      throw new DoppelError(
        'snapshot.devices',
        `the snapshot has the devices ${there.join(', ')}; this machine has ${here.join(', ')}`,
      )
    }
    for (const { slot, state } of saved) this.#slots[slot]?.restore(state)
    this.#decoded = undefined
  }

  /** Only bus 0 and function 0 of each slot exist. */
  #slot(offset: number): PciConfigSpace | undefined {
    const slot = offset >>> SLOT_SHIFT
    return (offset & 0x7000) === 0 ? this.#slots[slot] : undefined
  }

  #window(windowBase: number, lengthBytes: number): MmioDevice {
    return {
      name: 'pci-window',
      lengthBytes,
      read: (offset, width) => {
        const hit = this.#find(windowBase + offset)
        return hit ? hit.region.read(windowBase + offset - hit.base, width) : allOnes(width)
      },
      write: (offset, width, value) => {
        const hit = this.#find(windowBase + offset)
        hit?.region.write(windowBase + offset - hit.base, width, value)
      },
      behind: () => [],
      describe: (offset, isWrite) => {
        const hit = this.#find(windowBase + offset)
        const found = hit?.region.describe?.(windowBase + offset - hit.base, isWrite)
        return hit && found && { device: hit.region.name, ...found }
      },
    }
  }

  #find(address: number): { readonly base: number; readonly region: MmioDevice } | undefined {
    this.#decoded ??= this.#slots.flatMap(slot => slot?.decoded() ?? [])
    for (const hit of this.#decoded) {
      if (address >= hit.base && address < hit.base + hit.region.lengthBytes) return hit
    }
    return undefined
  }
}

/** What a read with no one to answer returns (master abort, PCI Local Bus 3.0 §3.3.3.1). */
function allOnes(width: MmioWidth): number {
  return 2 ** (8 * width) - 1
}

/** The bridge as software sees it: the same IDs as the generic host bridge that guests already know. */
const HOST_BRIDGE: PciFunction = {
  name: 'host-bridge',
  vendorId: 0x1b36,
  deviceId: 0x0008,
  revision: 0,
  classCode: 0x06_0000,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  bars: [],
  capabilities: [],
  interruptPin: 0,
}
