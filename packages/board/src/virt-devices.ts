import {
  type CharPort,
  DoppelError,
  type EntropySource,
  hex,
  type IrqLine,
  type RiscvCpu,
  type TimerQueue,
} from '@doppel/base'
import {
  Aclint,
  type Bus,
  GenerationId,
  GoldfishRtc,
  type MmioDevice,
  type PacedWork,
  PciHost,
  Plic,
  type PowerRequest,
  Syscon,
  Uart16550,
  type VirtioDevice,
  VirtioMmio,
  virtioPci,
} from '@doppel/devices'
import { VIRT, VIRT_IRQ, VIRT_MMIO_SLOTS, VIRT_PLIC_SOURCES, VIRT_TICKS_PER_SECOND } from './memory-map.ts'

/** What the board's devices are wired to. */
export interface VirtDevicesConfig {
  readonly bus: Bus
  readonly cpu: RiscvCpu
  readonly timers: TimerQueue
  readonly entropy: EntropySource
  readonly console: CharPort
  readonly virtio: readonly VirtioDevice[]
  readonly transport: 'pci' | 'mmio'
  /** Sets a bit of a hart's mip and lets the loop know. */
  readonly interrupt: (hartId: number, bit: number, level: boolean) => void
  readonly power: (request: PowerRequest) => void
  /** Present in a deterministic machine. */
  readonly paced?: PacedWork | undefined
}

/** The devices the board itself goes on to talk to. */
export interface VirtDevices {
  readonly aclint: Aclint
  readonly uart: Uart16550
  readonly plic: Plic
  readonly rtc: GoldfishRtc
  readonly pci: PciHost
  /** Virtio devices that are not on PCI, by their slots. */
  readonly mmio: readonly VirtioMmio[]
  readonly generationId: GenerationId
}

// Bits of mip, Priv. §3.1.9.
const MSIP = 3
const MTIP = 7
const SEIP = 9
const MEIP = 11

/** Maps every device of the board. Throws `board.slots` for more MMIO devices than slots, `pci.full` likewise. */
export function wireVirtDevices(config: VirtDevicesConfig): VirtDevices {
  const { bus, cpu, timers, power } = config
  const lines = (bit: number): IrqLine[] =>
    cpu.harts.map(({ id }) => ({ set: level => config.interrupt(id, bit, level) }))
  const machine = lines(MEIP)
  const supervisor = lines(SEIP)
  const plic = new Plic({
    sources: VIRT_PLIC_SOURCES,
    // The order of the tree's interrupts-extended: machine, then supervisor, hart by hart.
    contexts: cpu.harts.flatMap(({ id }) => [machine[id], supervisor[id]].filter(line => line !== undefined)),
  })
  const { clock } = timers
  const aclint = new Aclint({
    counter: () => BigInt(Math.floor((clock.monotonicNs() / 1e9) * VIRT_TICKS_PER_SECOND)),
    ticksPerSecond: VIRT_TICKS_PER_SECOND,
    timers,
    software: lines(MSIP),
    timer: lines(MTIP),
  })
  const uart = new Uart16550({ port: config.console, line: plic.line(VIRT_IRQ.uart) })
  bus.map(VIRT.finisher.base, new Syscon(power))
  const rtc = new GoldfishRtc({ timers, line: plic.line(VIRT_IRQ.rtc) })
  bus.map(VIRT.rtc.base, rtc)
  bus.map(VIRT.clint.base, aclint)
  bus.map(VIRT.plic.base, plic)
  bus.map(VIRT.uart.base, uart)
  const generationId = new GenerationId({ entropy: config.entropy, line: plic.line(VIRT_IRQ.generationId) })
  bus.map(VIRT.generationId.base, generationId)
  const mmio = mapVirtioMmio(config, plic)
  const pci = mapPci(config, plic)
  return { aclint, uart, plic, rtc, pci, mmio, generationId }
}

function mapVirtioMmio({ bus, cpu, virtio, transport, paced }: VirtDevicesConfig, plic: Plic): VirtioMmio[] {
  const onMmio = transport === 'mmio' ? virtio : []
  if (onMmio.length > VIRT_MMIO_SLOTS) {
    throw new DoppelError(
      'board.slots',
      `${onMmio.length} virtio devices over MMIO; the board has ${VIRT_MMIO_SLOTS} slots, more fit on PCI`,
      { devices: onMmio.length, slots: VIRT_MMIO_SLOTS },
    )
  }
  const mapped: VirtioMmio[] = []
  for (let slot = 0; slot < VIRT_MMIO_SLOTS; slot++) {
    const device = onMmio[slot]
    const line = plic.line(VIRT_IRQ.virtioMmio + slot)
    const base = VIRT.virtioMmio.base + slot * VIRT.virtioMmio.lengthBytes
    const mmio = device && new VirtioMmio(device, { memory: cpu.memory, line, paced })
    bus.map(base, mmio ?? emptySlot(base))
    if (mmio) mapped.push(mmio)
  }
  return mapped
}

function mapPci({ bus, cpu, virtio, transport, paced }: VirtDevicesConfig, plic: Plic): PciHost {
  const onPci = transport === 'pci' ? virtio : []
  const wire = (pin: number): IrqLine => plic.line(VIRT_IRQ.pci + pin)
  const host = new PciHost({ intx: [wire(0), wire(1), wire(2), wire(3)], windows: [VIRT.pciMmio32, VIRT.pciMmio64] })
  for (const device of onPci) host.plug(virtioPci(device, cpu.memory, paced))
  bus.map(VIRT.pciIo.base, UNCLAIMED_IO)
  bus.map(VIRT.pciEcam.base, host.ecam)
  for (const window of host.windows) bus.map(window.base, window.device)
  return host
}

/** A transport with nothing behind it: the magic and version, and device ID 0, which drivers skip (Virtio 1.2 §4.2.2). */
function emptySlot(base: number): MmioDevice {
  const registers = [0x7472_6976, 2, 0]
  return {
    name: `virtio-mmio ${hex(base)}`,
    behind: () => [],
    lengthBytes: VIRT.virtioMmio.lengthBytes,
    read: (offset, width) => (width === 4 ? (registers[offset >>> 2] ?? 0) : 0),
    write: () => {
      // No device, no state.
    },
  }
}

/** PCI I/O space: no function here has any, so reads float high. */
const UNCLAIMED_IO: MmioDevice = {
  name: 'pci-io',
  lengthBytes: VIRT.pciIo.lengthBytes,
  read: (_offset, width) => 2 ** (8 * width) - 1,
  write: () => {
    // Nobody claims it.
  },
}
