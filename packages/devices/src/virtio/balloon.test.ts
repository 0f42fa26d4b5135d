import { expect, test } from 'vitest'
import { type Driver, F_VERSION_1, mmioDriver, pciDriver, turnOfLoop } from '../../test/virtio-driver.ts'
import { Balloon, virtioBalloon } from './balloon.ts'

const [INFLATE, DEFLATE, STATISTICS, REPORTING] = [0, 1, 2, 3]
const F_STATS_VQ = 2n
const F_PAGE_REPORTING = 32n
const WANT = F_VERSION_1 | F_STATS_VQ | F_PAGE_REPORTING
const MIB = 1 << 20

/** A balloon over memory that notes what it is given back. */
function setUp(plug: typeof mmioDriver = mmioDriver) {
  const released: (readonly [gpa: number, lengthBytes: number])[] = []
  const balloon = new Balloon({ release: (gpa, lengthBytes) => void released.push([gpa, lengthBytes]) })
  const driver = plug(virtioBalloon({ balloon })).start({ queues: 4, size: 16, want: WANT })
  return { balloon, driver, released }
}
const numbers = (...pages: number[]): Uint8Array => new Uint8Array(new Uint32Array(pages).buffer)
const wanted = (driver: Driver): number => driver.transport.config(0, 4)

test.each([
  ['mmio', mmioDriver],
  ['pci', pciDriver],
])('%s: a new size interrupts the driver, which reads it and tells what it has given', (_, plug) => {
  const { balloon, driver } = setUp(plug)
  expect(wanted(driver)).toBe(0)
  balloon.resize(3 * MIB)
  expect([driver.transport.takeInterrupt(), wanted(driver), balloon.lengthBytes]).toEqual([2, 768, 0])
  driver.transport.setConfig(4, 4, 700)
  expect([driver.transport.config(4, 4), balloon.lengthBytes, balloon.targetBytes]).toEqual([700, 700 * 4096, 3 * MIB])
  // Only that field is the driver's.
  driver.transport.setConfig(0, 4, 1)
  expect(wanted(driver)).toBe(768)
})

test('pages in the balloon are given back, after the slice that named them', async () => {
  const { driver, released } = setUp()
  const request = driver.post(INFLATE, [numbers(0x80100, 0x80200)], [])
  expect([released.length, request.written]).toEqual([0, undefined])
  await turnOfLoop()
  driver.collect(INFLATE)
  expect(released).toEqual([
    [0x8010_0000, 4096],
    [0x8020_0000, 4096],
  ])
  expect(request.written).toBe(0)
  expect(driver.post(DEFLATE, [numbers(0x80100)], []).written).toBe(0)
  expect(released.length).toBe(2)
})

test('free pages that the driver reports are given back, whole pages only, before it may use them again', async () => {
  const { driver, released } = setUp()
  driver.allocate(0, 4096)
  const request = driver.post(REPORTING, [], [3 * 4096])
  const odd = driver.post(REPORTING, [], [100])
  expect(request.written).toBeUndefined()
  await turnOfLoop()
  driver.collect(REPORTING)
  expect(released.map(([gpa, lengthBytes]) => [gpa % 4096, lengthBytes])).toEqual([[0, 3 * 4096]])
  expect([request.written, odd.written]).toEqual([0, 0])
})

test('statistics wait with us until they are asked for', () => {
  const { balloon, driver } = setUp()
  const entry = new Uint8Array(20)
  const view = new DataView(entry.buffer)
  view.setUint16(0, 4, true)
  view.setUint16(10, 6, true)
  view.setBigUint64(12, 123_456n, true)
  expect(balloon.availableBytes).toBeUndefined()
  const posted = driver.post(STATISTICS, [entry], [])
  expect([balloon.availableBytes, posted.written]).toEqual([123_456, undefined])
  balloon.askAvailable()
  driver.collect(STATISTICS)
  expect(posted.written).toBe(0)
  // A driver that tells something else, or half of it, changes nothing.
  driver.post(STATISTICS, [entry.subarray(0, 15)], [])
  expect(balloon.availableBytes).toBe(123_456)
})
