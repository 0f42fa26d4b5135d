import { VIRT, VIRT_IRQ, VIRT_MMIO_SLOTS, VIRT_PLIC_SOURCES, VIRT_TICKS_PER_SECOND } from './memory-map.ts'
import { cells, type FdtNode, type FdtReference, type FdtValue } from './fdt.ts'
import type { GuestRange } from './load.ts'

/** What the CPU says of itself to a device tree (Linux Documentation/devicetree/bindings/riscv). */
export interface RiscvIsaDescription {
  /** `riscv,isa`, e.g. `rv64imafdc_zicsr_…`: what older kernels and firmware read. */
  readonly isa: string
  /** `riscv,isa-base`, e.g. `rv64i`. */
  readonly base: string
  /** `riscv,isa-extensions`, lower case, e.g. `i`, `m`, `zicsr`. */
  readonly extensions: readonly string[]
  /** `mmu-type`, e.g. `riscv,sv57`. */
  readonly mmuType: string
  /** Bytes of a cache block, for the Zicbo* extensions among `extensions`. */
  readonly cacheBlockBytes?: number
}

/** What differs from machine to machine. */
export interface VirtTreeConfig {
  readonly harts: number
  readonly memoryBytes: number
  readonly isa: RiscvIsaDescription
  readonly bootArguments: string
  readonly initrd?: GuestRange
  /** Fresh random bytes for the kernel's generator. */
  readonly rngSeed: Uint8Array
}

const ref = (label: string): FdtReference => ({ phandleOf: label })
const intc = (hart: number): string => `cpu${hart}-intc`

/** The board's device tree, compatible with QEMU's `virt` in names, addresses and interrupts. */
export function virtTree(config: VirtTreeConfig): FdtNode {
  return {
    name: '',
    properties: {
      '#address-cells': cells(2),
      '#size-cells': cells(2),
      compatible: 'riscv-virtio',
      model: 'riscv-virtio,doppel',
    },
    children: [
      { name: 'chosen', properties: chosen(config) },
      {
        name: `memory@${VIRT.ram.base.toString(16)}`,
        properties: { device_type: 'memory', reg: cells(BigInt(VIRT.ram.base), BigInt(config.memoryBytes)) },
      },
      cpus(config),
      power('poweroff', 'syscon-poweroff', 0x5555),
      power('reboot', 'syscon-reboot', 0x7777),
      {
        name: 'soc',
        properties: { '#address-cells': cells(2), '#size-cells': cells(2), compatible: 'simple-bus', ranges: true },
        children: soc(config.harts),
      },
    ],
  }
}

function chosen({ bootArguments, initrd, rngSeed }: VirtTreeConfig): Record<string, FdtValue> {
  return {
    bootargs: bootArguments,
    'stdout-path': `/soc/serial@${VIRT.uart.base.toString(16)}`,
    'rng-seed': rngSeed,
    ...(initrd && {
      'linux,initrd-start': cells(BigInt(initrd.base)),
      'linux,initrd-end': cells(BigInt(initrd.base + initrd.lengthBytes)),
    }),
  }
}

function cpus({ harts, isa }: VirtTreeConfig): FdtNode {
  const ids = Array.from({ length: harts }, (_, id) => id)
  return {
    name: 'cpus',
    properties: {
      '#address-cells': cells(1),
      '#size-cells': cells(0),
      'timebase-frequency': cells(VIRT_TICKS_PER_SECOND),
    },
    children: [
      ...ids.map(id => cpu(id, isa)),
      {
        name: 'cpu-map',
        properties: {},
        children: [
          {
            name: 'cluster0',
            properties: {},
            children: ids.map(id => ({ name: `core${id}`, properties: { cpu: cells(ref(`cpu${id}`)) } })),
          },
        ],
      },
    ],
  }
}

function cpu(id: number, { isa, base, extensions, mmuType, cacheBlockBytes }: RiscvIsaDescription): FdtNode {
  const blockSizes = ['zicbom', 'zicbop', 'zicboz']
    .filter(name => cacheBlockBytes !== undefined && extensions.includes(name))
    .map(name => [`riscv,${name.slice(2)}-block-size`, cells(cacheBlockBytes ?? 0)] as const)
  return {
    name: `cpu@${id.toString(16)}`,
    label: `cpu${id}`,
    properties: {
      device_type: 'cpu',
      reg: cells(id),
      status: 'okay',
      compatible: 'riscv',
      'riscv,isa': isa,
      'riscv,isa-base': base,
      'riscv,isa-extensions': extensions,
      'mmu-type': mmuType,
      ...Object.fromEntries(blockSizes),
    },
    children: [
      {
        name: 'interrupt-controller',
        label: intc(id),
        properties: {
          '#address-cells': cells(0),
          '#interrupt-cells': cells(1),
          'interrupt-controller': true,
          compatible: 'riscv,cpu-intc',
        },
      },
    ],
  }
}

function power(name: string, compatible: string, value: number): FdtNode {
  return { name, properties: { compatible, value: cells(value), offset: cells(0), regmap: cells(ref('finisher')) } }
}

function soc(harts: number): FdtNode[] {
  const slots = Array.from({ length: VIRT_MMIO_SLOTS }, (_, slot) => slot)
  const { rtc, generationId, uart, virtioMmio, finisher, plic, clint } = VIRT
  return [
    device('rtc', rtc, 'google,goldfish-rtc', interrupt(VIRT_IRQ.rtc)),
    device('vmgenid', generationId, 'microsoft,vmgenid', interrupt(VIRT_IRQ.generationId)),
    device('serial', uart, 'ns16550a', { ...interrupt(VIRT_IRQ.uart), 'clock-frequency': cells(UART_CLOCK_HZ) }),
    { ...device('test', finisher, ['sifive,test1', 'sifive,test0', 'syscon'], {}), label: 'finisher' },
    pci(),
    ...slots.map(slot =>
      device(
        'virtio_mmio',
        { base: virtioMmio.base + slot * virtioMmio.lengthBytes, lengthBytes: virtioMmio.lengthBytes },
        'virtio,mmio',
        interrupt(VIRT_IRQ.virtioMmio + slot),
      ),
    ),
    {
      ...device('plic', plic, ['sifive,plic-1.0.0', 'riscv,plic0'], {
        'riscv,ndev': cells(VIRT_PLIC_SOURCES),
        'interrupts-extended': perHart(harts, MACHINE_EXTERNAL, SUPERVISOR_EXTERNAL),
        'interrupt-controller': true,
        '#address-cells': cells(0),
        '#interrupt-cells': cells(1),
      }),
      label: 'plic',
    },
    device('clint', clint, ['sifive,clint0', 'riscv,clint0'], {
      'interrupts-extended': perHart(harts, MACHINE_SOFTWARE, MACHINE_TIMER),
    }),
  ]
}

/** Interrupt numbers at a hart: bits of mip (Priv. §3.1.9). */
const MACHINE_SOFTWARE = 3
const MACHINE_TIMER = 7
const SUPERVISOR_EXTERNAL = 9
const MACHINE_EXTERNAL = 11
/** The 1.8432 MHz crystal of a PC, doubled: what makes divisor arithmetic come out; nothing here runs at it. */
const UART_CLOCK_HZ = 3_686_400

function device(
  name: string,
  { base, lengthBytes }: GuestRange,
  compatible: FdtValue,
  properties: Record<string, FdtValue>,
): FdtNode {
  return {
    name: `${name}@${base.toString(16)}`,
    properties: { compatible, reg: cells(BigInt(base), BigInt(lengthBytes)), ...properties },
  }
}

function interrupt(source: number): Record<string, FdtValue> {
  return { 'interrupt-parent': cells(ref('plic')), interrupts: cells(source) }
}

function perHart(harts: number, ...interrupts: number[]): FdtValue {
  const ids = Array.from({ length: harts }, (_, id) => id)
  return cells(...ids.flatMap(id => interrupts.flatMap(number => [ref(intc(id)), number])))
}

/** Space codes of a PCI address's first cell (IEEE 1275 PCI Bus Binding §2.2.1.1). */
const PCI_SPACE_IO = 0x0100_0000
const PCI_SPACE_MEMORY_32 = 0x0200_0000
/** Prefetchable, as virtio's regions are: Linux warns of a window beyond 32 bits that is not. */
const PCI_SPACE_MEMORY_64 = 0x4300_0000
const PCI_WIRES = 4

function pci(): FdtNode {
  const { pciEcam, pciIo, pciMmio32, pciMmio64 } = VIRT
  const wires = [0, 1, 2, 3]
  // Four slots show the whole pattern: the mask leaves the device number's low two bits and the pin.
  const map = wires.flatMap(slot =>
    wires.flatMap(pin => [slot << 11, 0, 0, pin + 1, ref('plic'), VIRT_IRQ.pci + ((slot + pin) % PCI_WIRES)]),
  )
  const window = (space: number, bus: number, { base, lengthBytes }: GuestRange) =>
    [space, BigInt(bus), BigInt(base), BigInt(lengthBytes)] as const
  return device('pci', pciEcam, 'pci-host-ecam-generic', {
    device_type: 'pci',
    '#address-cells': cells(3),
    '#size-cells': cells(2),
    '#interrupt-cells': cells(1),
    'linux,pci-domain': cells(0),
    'bus-range': cells(0, 0xff),
    'dma-coherent': true,
    ranges: cells(
      ...window(PCI_SPACE_IO, 0, pciIo),
      ...window(PCI_SPACE_MEMORY_32, pciMmio32.base, pciMmio32),
      ...window(PCI_SPACE_MEMORY_64, pciMmio64.base, pciMmio64),
    ),
    'interrupt-map-mask': cells(0x1800, 0, 0, 7),
    'interrupt-map': cells(...map),
  })
}
