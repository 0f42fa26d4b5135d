import type { GuestMemory, IrqLine, Saved } from '@doppel/base'
import type { MmioDevice, MmioWidth } from '../bus.ts'
import type { PciCapability, PciFunction } from '../pci-config.ts'
import { type CoreState, VirtioCore } from './core.ts'
import type { PacedWork, VirtioDevice } from './device.ts'
import { withHalf } from './mmio.ts'
import type { Virtqueue } from './queue.ts'

// Virtio 1.2 §4.1.2: identification.
const VENDOR_ID = 0x1af4
const FIRST_DEVICE_ID = 0x1040
const SUBSYSTEM_ID = 0x1100
const REVISION = 1

// §4.1.4: capability types; all structures share one BAR, a page each.
const CAP_VENDOR = 9
const CAP_BYTES = 16
const CFG_COMMON = 1
const CFG_NOTIFY = 2
const CFG_ISR = 3
const CFG_DEVICE = 4
const CFG_PCI = 5
const BAR = 4
const BAR_BYTES = 0x4000
const PAGE = 0x1000
const COMMON_AT = 0
const ISR_AT = PAGE
const DEVICE_AT = 2 * PAGE
const NOTIFY_AT = 3 * PAGE
const NOTIFY_STRIDE = 4
const COMMON_BYTES = 0x3c

// §4.1.4.3: the common configuration structure.
const DEVICE_FEATURE_SELECT = 0x00
const DEVICE_FEATURE = 0x04
const DRIVER_FEATURE_SELECT = 0x08
const DRIVER_FEATURE = 0x0c
const CONFIG_MSIX_VECTOR = 0x10
const NUM_QUEUES = 0x12
const DEVICE_STATUS = 0x14
const CONFIG_GENERATION = 0x15
const QUEUE_SELECT = 0x16
const QUEUE_SIZE = 0x18
const QUEUE_MSIX_VECTOR = 0x1a
const QUEUE_ENABLE = 0x1c
const QUEUE_NOTIFY_OFF = 0x1e
const QUEUE_DESC = 0x20
const QUEUE_DRIVER = 0x28
const QUEUE_DEVICE = 0x30
const NO_VECTOR = 0xffff

/** Names by offset, as §4.1.4.3 has them. */
const COMMON_REGISTERS: Readonly<Record<number, string>> = {
  [DEVICE_FEATURE_SELECT]: 'device_feature_select',
  [DEVICE_FEATURE]: 'device_feature',
  [DRIVER_FEATURE_SELECT]: 'driver_feature_select',
  [DRIVER_FEATURE]: 'driver_feature',
  [CONFIG_MSIX_VECTOR]: 'config_msix_vector',
  [NUM_QUEUES]: 'num_queues',
  [DEVICE_STATUS]: 'device_status',
  [CONFIG_GENERATION]: 'config_generation',
  [QUEUE_SELECT]: 'queue_select',
  [QUEUE_SIZE]: 'queue_size',
  [QUEUE_MSIX_VECTOR]: 'queue_msix_vector',
  [QUEUE_ENABLE]: 'queue_enable',
  [QUEUE_NOTIFY_OFF]: 'queue_notify_off',
  [QUEUE_DESC]: 'queue_desc',
  [QUEUE_DESC + 4]: 'queue_desc_high',
  [QUEUE_DRIVER]: 'queue_driver',
  [QUEUE_DRIVER + 4]: 'queue_driver_high',
  [QUEUE_DEVICE]: 'queue_device',
  [QUEUE_DEVICE + 4]: 'queue_device_high',
}

/** Makes a PCI function of a virtio device: the modern interface with INTx. Virtio 1.2 §4.1. */
export function virtioPci(
  device: VirtioDevice,
  memory: GuestMemory,
  paced?: PacedWork,
): PciFunction & { readonly fault: () => string | undefined } {
  let wire: IrqLine | undefined
  const core = new VirtioCore(device, memory, { set: level => wire?.set(level) }, paced)
  const region = new VirtioPciRegion(`virtio-${device.name}`, core)
  const capability = (type: number, offset: number, lengthBytes: number): PciCapability => ({
    bytes: capabilityBytes(type, offset, lengthBytes),
  })
  return {
    name: `virtio-${device.name}`,
    vendorId: VENDOR_ID,
    deviceId: FIRST_DEVICE_ID + device.id,
    revision: REVISION,
    classCode: device.pciClass,
    subsystemVendorId: VENDOR_ID,
    subsystemId: SUBSYSTEM_ID,
    bars: [{ index: BAR, region, is64Bit: true, isPrefetchable: true }],
    capabilities: [
      capability(CFG_COMMON, COMMON_AT, COMMON_BYTES),
      { bytes: capabilityBytes(CFG_NOTIFY, NOTIFY_AT, NOTIFY_STRIDE * core.queues.length, NOTIFY_STRIDE) },
      capability(CFG_ISR, ISR_AT, 1),
      ...(core.configLengthBytes > 0 ? [capability(CFG_DEVICE, DEVICE_AT, core.configLengthBytes)] : []),
      configAccess(region),
    ],
    interruptPin: 1,
    connect: line => {
      wire = line
    },
    fault: () => core.fault,
    pending: () => core.pending(),
    save: () => ({ selects: region.save(), core: core.save() }) as unknown as Saved,
    restore: state => {
      const { selects, core: saved } = state as unknown as { selects: number[]; core: CoreState }
      core.restore(saved)
      region.restore(selects)
    },
  }
}

/** struct virtio_pci_cap, §4.1.4, with one more word for those that have it. */
function capabilityBytes(type: number, offset: number, lengthBytes: number, extra?: number): Uint8Array {
  const bytes = new Uint8Array(CAP_BYTES + (extra === undefined ? 0 : 4))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, CAP_VENDOR)
  view.setUint8(2, bytes.length)
  view.setUint8(3, type)
  view.setUint8(4, BAR)
  view.setUint32(8, offset, true)
  view.setUint32(12, lengthBytes, true)
  if (extra !== undefined) view.setUint32(CAP_BYTES, extra, true)
  return bytes
}

/** §4.1.4.9: reaches the BAR through configuration space, for firmware that cannot map it. */
function configAccess(region: MmioDevice): PciCapability {
  const writable = new Uint8Array(CAP_BYTES + 4)
  writable.fill(0xff, 4, 5)
  writable.fill(0xff, 8, 16)
  const target = (view: DataView): { offset: number; width: MmioWidth } | undefined => {
    const offset = view.getUint32(8, true)
    const width = view.getUint32(12, true)
    const isWidth = width === 1 || width === 2 || width === 4
    if (view.getUint8(4) !== BAR || !isWidth || offset % width !== 0 || offset + width > BAR_BYTES) return undefined
    return { offset, width }
  }
  return {
    bytes: capabilityBytes(CFG_PCI, 0, 0, 0),
    writable,
    register: {
      offset: CAP_BYTES,
      read: view => {
        const at = target(view)
        return at ? region.read(at.offset, at.width) : 0
      },
      write: (view, value) => {
        const at = target(view)
        if (at) region.write(at.offset, at.width, at.width === 4 ? value : value & (2 ** (8 * at.width) - 1))
      },
    },
  }
}

/** The structures behind the BAR. */
class VirtioPciRegion implements MmioDevice {
  readonly name: string
  readonly lengthBytes = BAR_BYTES
  readonly #core: VirtioCore
  #deviceFeatureSelect = 0
  #driverFeatureSelect = 0
  #queueSelect = 0

  constructor(name: string, core: VirtioCore) {
    this.name = name
    this.#core = core
  }

  describe(offset: number): { register: string } | undefined {
    if (offset >= NOTIFY_AT) return { register: `notify[${(offset - NOTIFY_AT) / NOTIFY_STRIDE}]` }
    if (offset >= DEVICE_AT) return { register: `config[${offset - DEVICE_AT}]` }
    const register = offset >= ISR_AT ? 'isr' : COMMON_REGISTERS[offset]
    return register === undefined ? undefined : { register }
  }

  save(): number[] {
    return [this.#deviceFeatureSelect, this.#driverFeatureSelect, this.#queueSelect]
  }
  restore([deviceFeature = 0, driverFeature = 0, queue = 0]: readonly number[]): void {
    this.#deviceFeatureSelect = deviceFeature
    this.#driverFeatureSelect = driverFeature
    this.#queueSelect = queue
  }

  read(offset: number, width: MmioWidth): number {
    if (offset >= NOTIFY_AT) return 0
    if (offset >= DEVICE_AT) return this.#core.readConfig(offset - DEVICE_AT, width)
    if (offset < ISR_AT) return this.#readCommon(offset)
    if (offset !== ISR_AT) return 0
    // §4.1.4.5: reading the status acknowledges it.
    const isr = this.#core.isr
    this.#core.acknowledge(isr)
    return isr
  }

  write(offset: number, width: MmioWidth, value: number): void {
    if (offset >= NOTIFY_AT) this.#core.notify((offset - NOTIFY_AT) / NOTIFY_STRIDE)
    else if (offset >= DEVICE_AT) this.#core.writeConfig(offset - DEVICE_AT, width, value)
    else if (offset < ISR_AT) this.#writeCommon(offset, width, value)
  }

  #queue(): Virtqueue | undefined {
    return this.#core.queues[this.#queueSelect]
  }

  /** §4.1.3.1: a driver accesses each field at its own width, so the offset alone says which. */
  #readCommon(offset: number): number {
    const core = this.#core
    const queue = this.#queue()
    switch (offset) {
      case DEVICE_FEATURE_SELECT:
        return this.#deviceFeatureSelect
      case DEVICE_FEATURE:
        return core.offered(this.#deviceFeatureSelect)
      case DRIVER_FEATURE_SELECT:
        return this.#driverFeatureSelect
      case DRIVER_FEATURE:
        return core.accepted(this.#driverFeatureSelect)
      case CONFIG_MSIX_VECTOR:
      case QUEUE_MSIX_VECTOR:
        return NO_VECTOR
      case NUM_QUEUES:
        return core.queues.length
      case DEVICE_STATUS:
        return core.status
      case CONFIG_GENERATION:
        return core.configGeneration
      case QUEUE_SELECT:
        return this.#queueSelect
      case QUEUE_SIZE:
        return queue?.size ?? 0
      case QUEUE_ENABLE:
        return queue?.enabled ? 1 : 0
      case QUEUE_NOTIFY_OFF:
        return queue ? this.#queueSelect : 0
      default:
        return queue ? readArea(queue, offset) : 0
    }
  }

  #writeCommon(offset: number, width: MmioWidth, value: number): void {
    const core = this.#core
    switch (offset) {
      case DEVICE_FEATURE_SELECT:
        this.#deviceFeatureSelect = value
        return
      case DRIVER_FEATURE_SELECT:
        this.#driverFeatureSelect = value
        return
      case DRIVER_FEATURE:
        return core.accept(this.#driverFeatureSelect, value)
      case DEVICE_STATUS:
        return core.setStatus(value & 0xff)
      case QUEUE_SELECT:
        this.#queueSelect = value & 0xffff
        return
      case QUEUE_ENABLE:
        if (value === 1) core.enable(this.#queueSelect)
        return
    }
    const queue = this.#queue()
    if (!queue || queue.enabled) return
    if (offset === QUEUE_SIZE) queue.size = value & 0xffff
    else if (width === 4) writeArea(queue, offset, value)
  }
}

const AREAS = new Map<number, 'descriptorArea' | 'driverArea' | 'deviceArea'>([
  [QUEUE_DESC, 'descriptorArea'],
  [QUEUE_DRIVER, 'driverArea'],
  [QUEUE_DEVICE, 'deviceArea'],
])

function readArea(queue: Virtqueue, offset: number): number {
  const area = AREAS.get(offset & ~7)
  if (!area || offset & 3) return 0
  return Number(BigInt.asUintN(32, offset & 4 ? queue[area] >> 32n : queue[area]))
}

function writeArea(queue: Virtqueue, offset: number, value: number): void {
  const area = AREAS.get(offset & ~7)
  if (area) queue[area] = withHalf(queue[area], (offset & 4) !== 0, value)
}
