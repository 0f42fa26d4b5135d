import { DoppelError } from '@doppel/base'
import { expect, test } from 'vitest'
import { memoryStore } from '../../test/ports.ts'
import { type Driver, F_VERSION_1, mmioDriver, turnOfLoop } from '../../test/virtio-driver.ts'
import { type VirtioBlkOptions, virtioBlk } from './blk.ts'

const [IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES] = [0, 1, 4, 8, 11, 13]
const [OK, IOERR, UNSUPP] = [0, 1, 2]
const SECTOR = 512

function header(type: number, sector: number | bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setUint32(0, type, true)
  view.setBigUint64(8, BigInt(sector), true)
  return new Uint8Array(view.buffer)
}
function range(sector: number | bigint, sectors: number, flags = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setBigUint64(0, BigInt(sector), true)
  view.setUint32(8, sectors, true)
  view.setUint32(12, flags, true)
  return new Uint8Array(view.buffer)
}
function setUp(options: Partial<VirtioBlkOptions> & { readOnly?: boolean } = {}): {
  store: ReturnType<typeof memoryStore>
  driver: Driver
} {
  const store = memoryStore(64 * SECTOR, options.readOnly)
  const driver = mmioDriver(virtioBlk({ store, ...options })).start({ size: 16, want: F_VERSION_1 | 0xffffffn })
  return { store, driver }
}
const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff)
const request = (driver: Driver, readable: Uint8Array[], writable: number[]): Promise<Uint8Array> =>
  driver.request(0, readable, writable)

test('configuration tells capacity and what is supported', () => {
  const { driver } = setUp()
  expect([driver.transport.config(0, 4), driver.transport.config(12, 4), driver.transport.config(20, 4)]).toEqual([
    64, 254, 512,
  ])
  const bits = [2n, 6n, 9n, 13n, 14n].reduce((all, bit) => all | (1n << bit), 0n)
  expect(driver.features & 0xffffffn).toBe(bits)
})

test('sectors written are read back, across segments', async () => {
  const { driver, store } = setUp()
  const data = pattern(3 * SECTOR, 1)
  expect([...(await request(driver, [header(OUT, 5), data.slice(0, 100), data.slice(100)], [1]))]).toEqual([OK])
  expect(store.bytes.slice(5 * SECTOR, 8 * SECTOR)).toEqual(data)
  const answer = await request(driver, [header(IN, 5)], [SECTOR, 2 * SECTOR - 1, 2])
  expect(answer.slice(0, -1)).toEqual(data)
  expect(answer.at(-1)).toBe(OK)
})

test('several requests are in flight at once, and each gets its own answer', async () => {
  const { driver, store } = setUp()
  store.bytes.set(pattern(8 * SECTOR, 3))
  const requests = [0, 1, 2, 3, 4].map(sector => driver.post(0, [header(IN, sector)], [SECTOR, 1]))
  expect(requests.every(r => r.written === undefined)).toBe(true)
  for (const [sector, r] of requests.entries()) {
    await driver.finished(0, r)
    expect(r.bytes().slice(0, SECTOR)).toEqual(store.bytes.slice(sector * SECTOR, (sector + 1) * SECTOR))
  }
})

test('flush reaches the store', async () => {
  const { driver, store } = setUp()
  expect([...(await request(driver, [header(FLUSH, 0)], [1]))]).toEqual([OK])
  expect(store.flushes).toBe(1)
})

test('the serial number is padded with zeros', async () => {
  const { driver } = setUp({ serial: 'root' })
  const answer = await request(driver, [header(GET_ID, 0)], [20, 1])
  expect(new TextDecoder().decode(answer.subarray(0, 6))).toBe('root\0\0')
  expect([answer.length, answer.at(-1)]).toEqual([21, OK])
})

test('discard and write-zeroes clear whole ranges', async () => {
  const { driver, store } = setUp()
  store.bytes.fill(0xff)
  expect([...(await request(driver, [header(DISCARD, 0), range(1, 2), range(10, 1)], [1]))]).toEqual([OK])
  expect([...(await request(driver, [header(WRITE_ZEROES, 0), range(63, 1, 1)], [1]))]).toEqual([OK])
  const cleared = [...Array(64).keys()].filter(sector => store.bytes[sector * SECTOR] === 0)
  expect(cleared).toEqual([1, 2, 10, 63])
})

test.each([
  ['a read past the end', [header(IN, 63)], [2 * SECTOR, 1], IOERR],
  ['a sector number beyond every disk', [header(IN, 2n ** 64n - 1n)], [SECTOR, 1], IOERR],
  ['a read of half a sector', [header(IN, 0)], [256, 1], IOERR],
  ['a write past the end', [header(OUT, 64), new Uint8Array(SECTOR)], [1], IOERR],
  ['a short header', [new Uint8Array(8)], [1], IOERR],
  ['a discard past the end', [header(DISCARD, 0), range(60, 5)], [1], IOERR],
  ['a discard of half a range', [header(DISCARD, 0), new Uint8Array(8)], [1], IOERR],
  ['a discard with a flag', [header(DISCARD, 0), range(0, 1, 1)], [1], UNSUPP],
  ['an unknown request', [header(99, 0)], [1], UNSUPP],
])('%s fails with a status', async (_, readable, writable, status) => {
  const { driver, store } = setUp()
  const answer = await request(driver, readable, writable)
  expect(answer.at(-1)).toBe(status)
  expect(answer.length).toBe(writable.reduce((sum, n) => sum + n, 0))
  expect(store.bytes.every(byte => byte === 0)).toBe(true)
})

test('a request with nowhere to put its status is given back', async () => {
  const { driver } = setUp()
  expect((await request(driver, [header(FLUSH, 0)], [])).length).toBe(0)
})

test('a read-only disk says so and refuses writes', async () => {
  const { driver, store } = setUp({ readOnly: true })
  expect(driver.features & (1n << 5n)).toBe(1n << 5n)
  expect(driver.features & (1n << 13n)).toBe(0n)
  for (const readable of [
    [header(OUT, 0), pattern(SECTOR, 1)],
    [header(WRITE_ZEROES, 0), range(0, 1)],
  ]) {
    expect([...(await request(driver, readable, [1]))]).toEqual([IOERR])
  }
  expect(store.bytes.every(byte => byte === 0)).toBe(true)
})

test('a store that fails gives an I/O error, and the host is told why', async () => {
  const broken = {
    ...memoryStore(64 * SECTOR),
    read: () => Promise.reject(new DoppelError('test.medium', 'bad sector')),
  }
  const told: unknown[] = []
  const driver = mmioDriver(virtioBlk({ store: broken, onError: error => told.push(error) })).start()
  expect((await request(driver, [header(IN, 0)], [SECTOR, 1])).at(-1)).toBe(IOERR)
  expect(told).toEqual([expect.objectContaining({ code: 'test.medium' })])
})

test('a reset while a read is under way leaves guest memory alone', async () => {
  const { driver, store } = setUp()
  store.bytes.fill(0x5a)
  driver.post(0, [header(IN, 0)], [SECTOR, 1])
  driver.transport.setStatus(0)
  const before = driver.memory.bytes.slice()
  for (let i = 0; i < 5; i++) await turnOfLoop()
  expect(driver.memory.bytes.every((byte, i) => byte === before[i])).toBe(true)
})
