import type { IrqLine, Saved } from '@doppel/base'
import type { MmioDevice, MmioWidth } from './bus.ts'

/** A base address register and the memory region behind it; its length is a power of two, at least 16 bytes. */
export interface PciBar {
  readonly index: 0 | 1 | 2 | 3 | 4 | 5
  readonly region: MmioDevice
  /** Takes this register and the next. */
  readonly is64Bit: boolean
  readonly isPrefetchable: boolean
}

/** One capability of a function: `bytes[0]` is its ID; `bytes[1]`, the link, is filled in. */
export interface PciCapability {
  readonly bytes: Uint8Array
  /** Bits that configuration writes may change, byte by byte; none when not given. */
  readonly writable?: Uint8Array
  /** A 4-byte register within the capability that acts instead of storing. */
  readonly register?: {
    readonly offset: number
    read(capability: DataView): number
    write(capability: DataView, value: number): void
  }
}

/** A PCI function (single-function device) ready to be plugged into a host bridge. */
export interface PciFunction {
  readonly name: string
  readonly vendorId: number
  readonly deviceId: number
  readonly revision: number
  /** Base class, subclass and interface: 24 bits. */
  readonly classCode: number
  readonly subsystemVendorId: number
  readonly subsystemId: number
  readonly bars: readonly PciBar[]
  readonly capabilities: readonly PciCapability[]
  /** 1 = INTA# to 4 = INTD#; 0 = none. */
  readonly interruptPin: 0 | 1 | 2 | 3 | 4
  /** Hands the function its interrupt wire. */
  connect?(line: IrqLine): void
  /** What a snapshot needs beside the configuration space; none while requests are under way (see `pending`). */
  save?(): Saved
  restore?(state: Saved): void
  /** Requests of the guest's that the host has yet to answer. */
  pending?(): number
}

// Type 0 header, PCI Local Bus 3.0 §6.1.
const HEADER_VENDOR = 0x00
const HEADER_DEVICE = 0x02
const HEADER_COMMAND = 0x04
const HEADER_STATUS = 0x06
const HEADER_REVISION = 0x08
const HEADER_CLASS = 0x09
const HEADER_BAR = 0x10
const HEADER_SUBSYSTEM_VENDOR = 0x2c
const HEADER_SUBSYSTEM = 0x2e
const HEADER_CAPABILITIES = 0x34
const HEADER_INTERRUPT_LINE = 0x3c
const HEADER_INTERRUPT_PIN = 0x3d
const FIRST_CAPABILITY = 0x40

const COMMAND_MEMORY = 0x002
const COMMAND_INTX_DISABLE = 0x400
/** Memory space, bus master, parity and SERR# response, INTx disable; no I/O space. */
const COMMAND_WRITABLE = 0x546
const STATUS_INTERRUPT = 0x08
const STATUS_CAPABILITIES = 0x10
const BAR_64_BIT = 4
const BAR_PREFETCHABLE = 8

/** Bytes of conventional configuration space; the extended rest reads as zero: no extended capabilities. */
const PCI_CONFIG_BYTES = 256

/** A function as a snapshot has it: version 1. */
export interface PciConfigState {
  readonly bytes: Uint8Array
  readonly interrupting: boolean
  /** What the function itself saved. */
  readonly device: Saved
}

/** A function's configuration space: header, BARs, capability list and INTx gate. */
export class PciConfigSpace {
  readonly function: PciFunction
  readonly #bytes = new Uint8Array(PCI_CONFIG_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  readonly #writable = new Uint8Array(PCI_CONFIG_BYTES)
  readonly #registers = new Map<number, { readonly capability: DataView; readonly of: PciCapability['register'] }>()
  readonly #line: IrqLine
  #interrupting = false

  constructor(fn: PciFunction, line: IrqLine) {
    this.function = fn
    this.#line = line
    const view = this.#view
    view.setUint16(HEADER_VENDOR, fn.vendorId, true)
    view.setUint16(HEADER_DEVICE, fn.deviceId, true)
    view.setUint32(HEADER_REVISION, fn.revision, true)
    for (const byte of [0, 1, 2]) this.#bytes[HEADER_CLASS + byte] = (fn.classCode >>> (8 * byte)) & 0xff
    view.setUint16(HEADER_SUBSYSTEM_VENDOR, fn.subsystemVendorId, true)
    view.setUint16(HEADER_SUBSYSTEM, fn.subsystemId, true)
    this.#bytes[HEADER_INTERRUPT_PIN] = fn.interruptPin
    const mask = new DataView(this.#writable.buffer)
    mask.setUint16(HEADER_COMMAND, COMMAND_WRITABLE, true)
    mask.setUint8(HEADER_INTERRUPT_LINE, 0xff)
    for (const bar of fn.bars) {
      const at = HEADER_BAR + 4 * bar.index
      view.setUint32(at, (bar.is64Bit ? BAR_64_BIT : 0) | (bar.isPrefetchable ? BAR_PREFETCHABLE : 0), true)
      // §6.2.5.1: software writes all ones and sees the size in the bits that stay zero.
      mask.setUint32(at, -bar.region.lengthBytes >>> 0, true)
      if (bar.is64Bit) mask.setUint32(at + 4, 0xffff_ffff, true)
    }
    this.#layCapabilities(fn.capabilities)
    fn.connect?.({ set: level => this.#interrupt(level) })
  }

  read(offset: number, width: MmioWidth): number {
    if (offset + width > PCI_CONFIG_BYTES) return 0
    const register = this.#registers.get(offset & ~3)
    if (register?.of) {
      const whole = register.of.read(register.capability) >>> (8 * (offset & 3))
      return width === 4 ? whole >>> 0 : whole & (2 ** (8 * width) - 1)
    }
    const view = this.#view
    return width === 4
      ? view.getUint32(offset, true)
      : width === 2
        ? view.getUint16(offset, true)
        : view.getUint8(offset)
  }

  write(offset: number, width: MmioWidth, value: number): void {
    if (offset + width > PCI_CONFIG_BYTES) return
    const register = this.#registers.get(offset & ~3)
    if (register?.of) {
      register.of.write(register.capability, value)
      return
    }
    for (let i = 0; i < width; i++) {
      const mask = this.#writable[offset + i] ?? 0
      this.#bytes[offset + i] = ((this.#bytes[offset + i] ?? 0) & ~mask) | ((value >>> (8 * i)) & mask)
    }
    if (offset === HEADER_COMMAND) this.#drive()
  }

  save(): PciConfigState {
    return { bytes: this.#bytes.slice(), interrupting: this.#interrupting, device: this.function.save?.() }
  }
  restore(state: PciConfigState): void {
    this.#bytes.set(state.bytes)
    this.function.restore?.(state.device)
    this.#interrupt(state.interrupting)
  }

  /** Where each BAR is decoded now; none while memory space is disabled. */
  decoded(): { readonly base: number; readonly region: MmioDevice }[] {
    if (!(this.#view.getUint16(HEADER_COMMAND, true) & COMMAND_MEMORY)) return []
    return this.function.bars.map(({ index, is64Bit, region }) => {
      const at = HEADER_BAR + 4 * index
      const high = is64Bit ? this.#view.getUint32(at + 4, true) : 0
      return { base: high * 2 ** 32 + ((this.#view.getUint32(at, true) & ~0xf) >>> 0), region }
    })
  }

  #layCapabilities(capabilities: readonly PciCapability[]): void {
    let link = HEADER_CAPABILITIES
    let at = FIRST_CAPABILITY
    for (const { bytes, writable, register } of capabilities) {
      this.#bytes[link] = at
      this.#bytes.set(bytes, at)
      if (writable) this.#writable.set(writable, at)
      const capability = new DataView(this.#bytes.buffer, at, bytes.length)
      if (register) this.#registers.set(at + register.offset, { capability, of: register })
      link = at + 1
      at = (at + bytes.length + 3) & ~3
      this.#bytes[HEADER_STATUS] = STATUS_CAPABILITIES
    }
    this.#bytes[link] = 0
  }

  #interrupt(level: boolean): void {
    this.#interrupting = level
    this.#drive()
  }

  /** §6.2.2–6.2.3: Interrupt Disable holds the wire and leaves the status bit showing the function's state. */
  #drive(): void {
    const status = this.#bytes[HEADER_STATUS] ?? 0
    this.#bytes[HEADER_STATUS] = this.#interrupting ? status | STATUS_INTERRUPT : status & ~STATUS_INTERRUPT
    const disabled = (this.#view.getUint16(HEADER_COMMAND, true) & COMMAND_INTX_DISABLE) !== 0
    this.#line.set(this.#interrupting && !disabled)
  }
}
