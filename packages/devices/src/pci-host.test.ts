import { FlatMemory, seededEntropy } from '@doppel/base'
import { expect, test } from 'vitest'
import type { MmioDevice } from './bus.ts'
import type { PciFunction } from './pci-config.ts'
import { intxWire, PciHost } from './pci-host.ts'
import { virtioPci } from './virtio/pci.ts'
import { virtioRng } from './virtio/rng.ts'

const WINDOW_32 = { base: 0x4000_0000, lengthBytes: 0x4000_0000 }
const WINDOW_64 = { base: 0x4_0000_0000, lengthBytes: 0x4_0000_0000 }

function setUp(): {
  host: PciHost
  wires: boolean[]
  header: (slot: number, register: number, width?: 1 | 2 | 4) => number
} {
  const wires = [false, false, false, false]
  const wire = (i: number) => ({ set: (level: boolean) => void (wires[i] = level) })
  const host = new PciHost({ intx: [wire(0), wire(1), wire(2), wire(3)], windows: [WINDOW_32, WINDOW_64] })
  return { host, wires, header: (slot, register, width = 4) => host.ecam.read((slot << 15) + register, width) }
}

/** A function whose registers read as their own offset and keep the last write. */
function card(
  options: Partial<PciFunction> & { is64Bit?: boolean } = {},
): PciFunction & { last: () => string; irq: (level: boolean) => void } {
  let last = ''
  let irq: (level: boolean) => void = () => undefined
  const region: MmioDevice = {
    name: 'card',
    lengthBytes: 0x1000,
    read: offset => offset,
    write: (offset, width, value) => void (last = `${offset}/${width}=${value}`),
  }
  return {
    name: 'card',
    vendorId: 0x1234,
    deviceId: 0x5678,
    revision: 2,
    classCode: 0x02_00_00,
    subsystemVendorId: 1,
    subsystemId: 2,
    bars: [{ index: 0, region, is64Bit: options.is64Bit ?? false, isPrefetchable: false }],
    capabilities: [],
    interruptPin: 1,
    connect: line => void (irq = level => line.set(level)),
    ...options,
    last: () => last,
    irq: level => irq(level),
  }
}

test('scanning bus 0 finds the bridge, then the plugged functions; elsewhere all ones', () => {
  const { host, header } = setUp()
  expect(host.plug(card())).toBe(1)
  expect(header(0, 8) >>> 16).toBe(0x0600)
  expect([header(1, 0), header(1, 8), header(1, 0x2c)]).toEqual([0x5678_1234, 0x0200_0002, 0x0002_0001])
  expect([header(2, 0), header(2, 0, 2), header(2, 0, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff])
  expect(host.ecam.read((1 << 15) + (1 << 12), 4)).toBe(0xffff_ffff)
  expect(host.ecam.read(1 << 20, 4)).toBe(0xffff_ffff)
  expect(header(1, 0x100)).toBe(0)
})

test('a 32-bit BAR shows its size and is decoded where it is put, once memory space is on', () => {
  const { host, header } = setUp()
  const device = card()
  host.plug(device)
  host.ecam.write((1 << 15) + 0x10, 4, 0xffff_ffff)
  expect(header(1, 0x10)).toBe(0xffff_f000)
  expect(header(1, 0x14)).toBe(0)
  host.ecam.write((1 << 15) + 0x10, 4, 0x4000_2000)
  const window = host.windows[0]?.device as MmioDevice
  expect(window.read(0x2010, 4)).toBe(0xffff_ffff)
  host.ecam.write((1 << 15) + 4, 2, 2)
  expect([window.read(0x2010, 4), window.read(0x3000, 2)]).toEqual([0x10, 0xffff])
  window.write(0x2fff, 1, 7)
  expect(device.last()).toBe('4095/1=7')
})

test('a 64-bit BAR takes two registers and may lie above 4 GiB', () => {
  const { host, header } = setUp()
  host.plug(card({ is64Bit: true }))
  host.ecam.write((1 << 15) + 0x10, 4, 0xffff_ffff)
  host.ecam.write((1 << 15) + 0x14, 4, 0xffff_ffff)
  expect([header(1, 0x10), header(1, 0x14)]).toEqual([0xffff_f004, 0xffff_ffff])
  host.ecam.write((1 << 15) + 0x10, 4, 0x8000_0000)
  host.ecam.write((1 << 15) + 0x14, 4, 5)
  host.ecam.write((1 << 15) + 4, 2, 2)
  expect(host.windows[1]?.device.read(0x1_8000_0008, 4)).toBe(8)
})

test('each slot’s INTA# goes to the next wire, and slots four apart share one', () => {
  const { host, wires } = setUp()
  const cards = [1, 2, 3, 4, 5].map(() => card())
  for (const c of cards) host.plug(c)
  cards[0]?.irq(true)
  cards[4]?.irq(true)
  expect(wires).toEqual([false, true, false, false])
  cards[0]?.irq(false)
  expect(wires[1]).toBe(true)
  cards[4]?.irq(false)
  expect(wires[1]).toBe(false)
  expect([intxWire(0, 1), intxWire(3, 2)]).toEqual([0, 0])
})

test('the interrupt is shown in the status register, and Interrupt Disable holds its wire', () => {
  const { host, wires, header } = setUp()
  const device = card()
  host.plug(device)
  device.irq(true)
  expect([header(1, 6, 2) & 8, wires[1]]).toEqual([8, true])
  host.ecam.write((1 << 15) + 4, 2, 0x400)
  expect([header(1, 6, 2) & 8, wires[1]]).toEqual([8, false])
})

test('a bus with every slot taken refuses one more', () => {
  const { host } = setUp()
  for (let i = 1; i < 32; i++) expect(host.plug(card())).toBe(i)
  expect(() => host.plug(card())).toThrow(expect.objectContaining({ code: 'pci.full' }))
})

test('a virtio function can be driven through configuration space alone', () => {
  const { host, header } = setUp()
  host.plug(virtioPci(virtioRng({ entropy: seededEntropy(1n) }), new FlatMemory(0, 4096)))
  let at = header(1, 0x34, 1)
  while (header(1, at + 3, 1) !== 5) at = header(1, at + 1, 1)
  const through = (offset: number, width: number): number => {
    host.ecam.write((1 << 15) + at + 4, 1, 4)
    host.ecam.write((1 << 15) + at + 8, 4, offset)
    host.ecam.write((1 << 15) + at + 12, 4, width)
    return header(1, at + 16)
  }
  expect(through(0x12, 2)).toBe(1)
  through(0x14, 1)
  host.ecam.write((1 << 15) + at + 16, 4, 3)
  expect(through(0x14, 1)).toBe(3)
  expect(through(0x12, 3)).toBe(0)
  expect(through(0xffff_fffc, 4)).toBe(0)
})
