import type { GuestMemory, IrqLine } from '@doppel/base'
import type { MmioDevice, MmioWidth } from '../bus.ts'
import { type CoreState, VirtioCore } from './core.ts'
import type { PacedWork, VirtioDevice } from './device.ts'
import type { Virtqueue } from './queue.ts'

// Register offsets, Virtio 1.2 §4.2.2.
const MAGIC_VALUE = 0x000
const VERSION = 0x004
const DEVICE_ID = 0x008
const VENDOR_ID = 0x00c
const DEVICE_FEATURES = 0x010
const DEVICE_FEATURES_SEL = 0x014
const DRIVER_FEATURES = 0x020
const DRIVER_FEATURES_SEL = 0x024
const QUEUE_SEL = 0x030
const QUEUE_SIZE_MAX = 0x034
const QUEUE_SIZE = 0x038
const QUEUE_READY = 0x044
const QUEUE_NOTIFY = 0x050
const INTERRUPT_STATUS = 0x060
const INTERRUPT_ACK = 0x064
const STATUS = 0x070
const QUEUE_DESC = 0x080
const QUEUE_DRIVER = 0x090
const QUEUE_DEVICE = 0x0a0
const SHM_LEN_LOW = 0x0b0
const SHM_BASE_HIGH = 0x0bc
const CONFIG_GENERATION = 0x0fc
const CONFIG = 0x100

/** Names by offset, in lower case as §4.2.2 has them. */
const REGISTERS: Readonly<Record<number, string>> = {
  [MAGIC_VALUE]: 'magic_value',
  [VERSION]: 'version',
  [DEVICE_ID]: 'device_id',
  [VENDOR_ID]: 'vendor_id',
  [DEVICE_FEATURES]: 'device_features',
  [DEVICE_FEATURES_SEL]: 'device_features_sel',
  [DRIVER_FEATURES]: 'driver_features',
  [DRIVER_FEATURES_SEL]: 'driver_features_sel',
  [QUEUE_SEL]: 'queue_sel',
  [QUEUE_SIZE_MAX]: 'queue_size_max',
  [QUEUE_SIZE]: 'queue_size',
  [QUEUE_READY]: 'queue_ready',
  [QUEUE_NOTIFY]: 'queue_notify',
  [INTERRUPT_STATUS]: 'interrupt_status',
  [INTERRUPT_ACK]: 'interrupt_ack',
  [STATUS]: 'status',
  [QUEUE_DESC]: 'queue_desc_low',
  [QUEUE_DESC + 4]: 'queue_desc_high',
  [QUEUE_DRIVER]: 'queue_driver_low',
  [QUEUE_DRIVER + 4]: 'queue_driver_high',
  [QUEUE_DEVICE]: 'queue_device_low',
  [QUEUE_DEVICE + 4]: 'queue_device_high',
  [CONFIG_GENERATION]: 'config_generation',
}

const MAGIC = 0x7472_6976 // "virt"
/** "QEMU", whose boards have this transport: xv6 takes no other for a disk. */
const VENDOR = 0x554d_4551

/** What a virtio-mmio device is wired to. */
export interface VirtioMmioConfig {
  readonly memory: GuestMemory
  readonly line: IrqLine
  /** Present in a deterministic machine. */
  readonly paced?: PacedWork | undefined
}

/** As a snapshot has it. */
export interface VirtioMmioState {
  readonly selects: readonly number[]
  readonly core: CoreState
}

/** A virtio device behind memory-mapped registers (`virtio,mmio`, version 2). Virtio 1.2 §4.2. */
export class VirtioMmio implements MmioDevice {
  readonly name: string
  readonly lengthBytes = 0x1000
  readonly #core: VirtioCore
  #deviceFeaturesSel = 0
  #driverFeaturesSel = 0
  #queueSel = 0

  constructor(device: VirtioDevice, { memory, line, paced }: VirtioMmioConfig) {
    this.name = `virtio-${device.name}`
    this.#core = new VirtioCore(device, memory, line, paced)
  }

  describe(offset: number): { register: string } | undefined {
    const register = offset >= CONFIG ? `config[${offset - CONFIG}]` : REGISTERS[offset]
    return register === undefined ? undefined : { register }
  }

  /** Chains that the host has yet to give back. */
  pending(): number {
    return this.#core.pending()
  }
  save(): VirtioMmioState {
    return { selects: [this.#deviceFeaturesSel, this.#driverFeaturesSel, this.#queueSel], core: this.#core.save() }
  }
  restore({ selects: [deviceFeatures = 0, driverFeatures = 0, queue = 0], core }: VirtioMmioState): void {
    this.#core.restore(core)
    this.#deviceFeaturesSel = deviceFeatures
    this.#driverFeaturesSel = driverFeatures
    this.#queueSel = queue
  }

  /** Why the device waits for a reset: which rule of the ring the guest broke; undefined while all is well. */
  get fault(): string | undefined {
    return this.#core.fault
  }

  read(offset: number, width: MmioWidth): number {
    const core = this.#core
    if (offset >= CONFIG) return core.readConfig(offset - CONFIG, width)
    // §4.2.2.2: a driver uses only aligned 32-bit accesses below the configuration space.
    if (width !== 4) return 0
    switch (offset) {
      case MAGIC_VALUE:
        return MAGIC
      case VERSION:
        return 2
      case DEVICE_ID:
        return core.device.id
      case VENDOR_ID:
        return VENDOR
      case DEVICE_FEATURES:
        return core.offered(this.#deviceFeaturesSel)
      case QUEUE_SIZE_MAX:
        return this.#queue()?.maxSize ?? 0
      case QUEUE_READY:
        return this.#queue()?.enabled ? 1 : 0
      case INTERRUPT_STATUS:
        return core.isr
      case STATUS:
        return core.status
      case CONFIG_GENERATION:
        return core.configGeneration
      default:
        // §4.2.2: a shared memory region that does not exist has length and base of all ones.
        return offset >= SHM_LEN_LOW && offset <= SHM_BASE_HIGH ? 0xffff_ffff : 0
    }
  }

  write(offset: number, width: MmioWidth, value: number): void {
    const core = this.#core
    if (offset >= CONFIG) return core.writeConfig(offset - CONFIG, width, value)
    if (width !== 4) return
    switch (offset) {
      case DEVICE_FEATURES_SEL:
        this.#deviceFeaturesSel = value
        return
      case DRIVER_FEATURES:
        return core.accept(this.#driverFeaturesSel, value)
      case DRIVER_FEATURES_SEL:
        this.#driverFeaturesSel = value
        return
      case QUEUE_SEL:
        this.#queueSel = value
        return
      case QUEUE_READY:
        if (value & 1) core.enable(this.#queueSel)
        else this.#queue()?.reset()
        return
      case QUEUE_NOTIFY:
        return core.notify(value & 0xffff)
      case INTERRUPT_ACK:
        return core.acknowledge(value)
      case STATUS:
        return core.setStatus(value)
    }
    const queue = this.#queue()
    if (!queue || queue.enabled) return
    if (offset === QUEUE_SIZE) queue.size = value & 0xffff
    else writeArea(queue, offset, value)
  }

  #queue(): Virtqueue | undefined {
    return this.#core.queues[this.#queueSel]
  }
}

function writeArea(queue: Virtqueue, offset: number, value: number): void {
  const isHigh = (offset & 4) !== 0
  switch (offset & ~4) {
    case QUEUE_DESC:
      queue.descriptorArea = withHalf(queue.descriptorArea, isHigh, value)
      break
    case QUEUE_DRIVER:
      queue.driverArea = withHalf(queue.driverArea, isHigh, value)
      break
    case QUEUE_DEVICE:
      queue.deviceArea = withHalf(queue.deviceArea, isHigh, value)
      break
  }
}

/** One half of a 64-bit register replaced. */
export function withHalf(whole: bigint, isHigh: boolean, value: number): bigint {
  const half = BigInt(value >>> 0)
  return isHigh ? (half << 32n) | BigInt.asUintN(32, whole) : ((whole >> 32n) << 32n) | half
}
