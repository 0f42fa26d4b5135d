import { FlatMemory, MIB, utf8Bytes } from '@doppel/base'
import { describe, expect, test } from 'vitest'
import { kernelFormat, parseRiscvImage } from './kernel-image.ts'
import { BootLoader } from './load.ts'

const RAM = 0x8000_0000

/** A Linux Image header: `memoryBytes` is what the kernel says it needs. */
function image(memoryBytes: number, fileBytes = 4096): { name: string; bytes: Uint8Array } {
  const bytes = new Uint8Array(fileBytes).fill(0x13)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(8, 0x20_0000n, true)
  view.setBigUint64(16, BigInt(memoryBytes), true)
  view.setBigUint64(24, 0n, true)
  bytes.set(utf8Bytes('RISCV\0\0\0RSC\x05'), 48)
  return { name: 'Image', bytes }
}

const file = (name: string, lengthBytes: number): { name: string; bytes: Uint8Array } => ({
  name,
  bytes: new Uint8Array(lengthBytes).fill(0xa5),
})

describe('a kernel file is told by its first bytes', () => {
  test.each([
    ['riscv-image', image(4096).bytes],
    ['elf', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)],
    ['raw', Uint8Array.of(0x13, 0, 0, 0)],
    ['raw', new Uint8Array(0)],
  ])('%s', (format, bytes) => expect(kernelFormat(bytes, 'k')).toBe(format))

  test.each([
    ['kernel.compressed', Uint8Array.of(0x1f, 0x8b, 8, 0)],
    ['kernel.compressed', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
    ['kernel.compressed', utf8Bytes('MZ\0\0zimg')],
    ['kernel.machine', utf8Bytes(`${'\0'.repeat(56)}ARMd`)],
    ['kernel.machine', utf8Bytes(`${'\0'.repeat(0x202)}HdrS`)],
  ])('%s', (code, bytes) => {
    expect(() => kernelFormat(bytes, 'k')).toThrow(expect.objectContaining({ code }))
  })

  test('an image that claims more than any memory is refused', () => {
    const { bytes } = image(0)
    new DataView(bytes.buffer).setBigUint64(16, 1n << 63n, true)
    expect(() => parseRiscvImage(bytes, 'k')).toThrow(expect.objectContaining({ code: 'kernel.header' }))
  })
})

test('kernel, initrd and device tree lie 2 MiB into RAM, high, and at the top', () => {
  const memory = new FlatMemory(RAM, 16 * MIB)
  const loader = new BootLoader(memory)
  const tree = loader.reserveTree()
  expect(loader.kernel(image(3 * MIB))).toBe(BigInt(RAM + 2 * MIB))
  const initrd = loader.initrd(file('initrd', 10_000))
  expect(tree).toBe(RAM + 16 * MIB - 256 * 1024)
  expect(initrd).toEqual({ base: tree - 3 * 4096, lengthBytes: 10_000 })
  expect(memory.bytes[2 * MIB + 63]).toBe(0x13)
  expect(memory.bytes[initrd.base - RAM]).toBe(0xa5)
})

test('the kernel keeps clear of firmware larger than 2 MiB', () => {
  const loader = new BootLoader(new FlatMemory(RAM, 16 * MIB))
  expect(loader.firmware(file('fw', 2 * MIB + 1))).toBe(BigInt(RAM))
  expect(loader.kernel(image(MIB))).toBe(BigInt(RAM + 4 * MIB))
})

test.each([
  ['load.too-large', (l: BootLoader) => l.kernel(image(32 * MIB))],
  ['load.too-large', (l: BootLoader) => l.kernel(image(15 * MIB))],
  ['load.outside', (l: BootLoader) => l.initrd(file('initrd', 16 * MIB))],
  [
    'load.overlap',
    (l: BootLoader) => {
      l.kernel(image(12 * MIB))
      l.initrd(file('initrd', 4 * MIB))
    },
  ],
  ['load.device-tree', (l: BootLoader) => l.writeTree(RAM, new Uint8Array(MIB))],
  ['elf.truncated', (l: BootLoader) => l.elf({ name: 'x', bytes: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46) })],
])('%s when memory does not suffice or a file is bad', (code, load) => {
  const loader = new BootLoader(new FlatMemory(RAM, 16 * MIB))
  loader.reserveTree()
  expect(() => load(loader)).toThrow(expect.objectContaining({ code }))
})

test.each(['kernel', 'initrd', 'firmware'] as const)('an empty %s is refused', role => {
  const loader = new BootLoader(new FlatMemory(RAM, 16 * MIB))
  expect(() => loader[role](file('nothing', 0))).toThrow(expect.objectContaining({ code: 'load.empty' }))
})
