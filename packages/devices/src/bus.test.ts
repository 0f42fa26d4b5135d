import { expect, test } from 'vitest'
import { Bus, type MmioDevice } from './bus.ts'

/** A device of plain memory that records its accesses. */
function scratch(name: string, lengthBytes: number): MmioDevice & { readonly log: string[] } {
  const bytes = new DataView(new ArrayBuffer(lengthBytes))
  const log: string[] = []
  return {
    name,
    lengthBytes,
    log,
    read(offset, width) {
      log.push(`r${width}@${offset}`)
      return width === 4
        ? bytes.getUint32(offset, true)
        : width === 2
          ? bytes.getUint16(offset, true)
          : bytes.getUint8(offset)
    },
    write(offset, width, value) {
      log.push(`w${width}@${offset}`)
      if (width === 4) bytes.setUint32(offset, value, true)
      else if (width === 2) bytes.setUint16(offset, value, true)
      else bytes.setUint8(offset, value)
    },
  }
}

test('an access goes to the device that holds its address, at the offset from its base', () => {
  const bus = new Bus()
  const [a, b] = [scratch('a', 0x10), scratch('b', 0x10)]
  bus.map(0x2000, b)
  bus.map(0x1000, a)
  expect(bus.write(0x2004, 4, 0x1_8899_aabbn)).toBe(true)
  expect(bus.read(0x2004, 4)).toBe(0x8899_aabbn)
  expect(bus.read(0x2006, 2)).toBe(0x8899n)
  expect(bus.read(0x1004, 1)).toBe(0n)
  expect([a.log, b.log]).toEqual([['r1@4'], ['w4@4', 'r4@4', 'r2@6']])
  expect(bus.mappings.map(m => m.base)).toEqual([0x1000, 0x2000])
})

test('an 8-byte access is two 4-byte ones, low half first', () => {
  const bus = new Bus()
  const a = scratch('a', 0x10)
  bus.map(0x1000, a)
  expect(bus.write(0x1008, 8, 0x1122_3344_5566_7788n)).toBe(true)
  expect(bus.read(0x1008, 8)).toBe(0x1122_3344_5566_7788n)
  expect(a.log).toEqual(['w4@8', 'w4@12', 'r4@8', 'r4@12'])
})

test.each([
  ['below every device', 0xff8, 4],
  ['between devices', 0x1010, 4],
  ['above every device', 0x9000, 1],
  ['across a device’s end', 0x100c, 8],
  ['unaligned', 0x1002, 4],
] as const)('an access %s is a miss', (_where, gpa, width) => {
  const bus = new Bus()
  bus.map(0x1000, scratch('a', 0x10))
  bus.map(0x2000, scratch('b', 0x10))
  expect(bus.read(gpa, width)).toBeUndefined()
  expect(bus.write(gpa, width, 0n)).toBe(false)
})

test('a device that would cover another is refused', () => {
  const bus = new Bus()
  bus.map(0x1000, scratch('a', 0x100))
  expect(() => bus.map(0x10f8, scratch('b', 0x10))).toThrow(expect.objectContaining({ code: 'bus.overlap' }))
  expect(() => bus.map(0x2001, scratch('b', 0x10))).toThrow(expect.objectContaining({ code: 'bus.alignment' }))
  bus.map(0x1100, scratch('c', 0x10))
})

test('an access has the names that its device knows, and offsets where it knows none', () => {
  const bus = new Bus()
  bus.map(0x1000, scratch('plain', 16))
  bus.map(0x2000, {
    ...scratch('named', 16),
    describe: (offset, isWrite) => ({ register: isWrite ? 'thr' : `r${offset}` }),
  })
  bus.map(0x3000, { ...scratch('bridge', 16), describe: () => ({ device: 'behind', register: 'status' }) })
  const at = (gpa: number, isWrite = false): unknown => Object.values(bus.describe(gpa, isWrite) ?? {})
  expect(at(0x100c)).toEqual(['plain', '+0xc'])
  expect([at(0x2004), at(0x2004, true)]).toEqual([
    ['named', 'r4'],
    ['named', 'thr'],
  ])
  expect(at(0x3000)).toEqual(['behind', 'status'])
  expect(bus.describe(0x1010, false)).toBeUndefined()
})
