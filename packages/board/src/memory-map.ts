import { GIB, MIB } from '@doppel/base'

/** The `virt` board's guest-physical addresses, as QEMU's board of that name has them, so that guests for it run here. */
export const VIRT = {
  resetRom: { base: 0x1000, lengthBytes: 0xf000 },
  finisher: { base: 0x10_0000, lengthBytes: 0x1000 },
  rtc: { base: 0x10_1000, lengthBytes: 0x1000 },
  generationId: { base: 0x10_2000, lengthBytes: 0x1000 },
  clint: { base: 0x200_0000, lengthBytes: 0x1_0000 },
  pciIo: { base: 0x300_0000, lengthBytes: 0x1_0000 },
  plic: { base: 0xc00_0000, lengthBytes: 0x60_0000 },
  uart: { base: 0x1000_0000, lengthBytes: 0x100 },
  virtioMmio: { base: 0x1000_1000, lengthBytes: 0x1000 },
  pciEcam: { base: 0x3000_0000, lengthBytes: 0x1000_0000 },
  pciMmio32: { base: 0x4000_0000, lengthBytes: 0x4000_0000 },
  ram: { base: 0x8000_0000 },
  pciMmio64: { base: 0x4_0000_0000, lengthBytes: 0x4_0000_0000 },
} as const

/** Interrupt sources at the PLIC. virtio-mmio slot n has 1 + n; INTA# to INTD# follow `pci`. */
export const VIRT_IRQ = { virtioMmio: 1, uart: 10, rtc: 11, generationId: 12, pci: 32 } as const

/** Sources the PLIC has. */
export const VIRT_PLIC_SOURCES = 96
/** Transport slots for virtio over MMIO. */
export const VIRT_MMIO_SLOTS = 8
/** Harts the board takes. */
export const VIRT_MAX_HARTS = 8
/** RAM must leave the 64-bit PCI window free and hold a device tree. */
export const VIRT_MIN_MEMORY_BYTES: number = MIB
export const VIRT_MAX_MEMORY_BYTES: number = 8 * GIB
/** Frequency of the time counter, Hz. */
export const VIRT_TICKS_PER_SECOND = 10_000_000
