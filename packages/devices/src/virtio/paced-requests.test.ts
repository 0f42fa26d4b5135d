import { FlatMemory } from '@doppel/base'
import { expect, test } from 'vitest'
import { machineTime } from '../../test/machine-time.ts'
import { memoryStore } from '../../test/ports.ts'
import { F_VERSION_1, mmioDriver, turnOfLoop } from '../../test/virtio-driver.ts'
import { virtioBlk } from './blk.ts'
import { VirtioMmio } from './mmio.ts'

const [IN, OUT] = [0, 1]
const SECTOR = 512
const RANDOM_READS = 12

function header(type: number, sector: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setUint32(0, type, true)
  view.setBigUint64(8, BigInt(sector), true)
  return new Uint8Array(view.buffer)
}

function setUp(seed = 0) {
  const store = memoryStore(64 * SECTOR)
  const time = machineTime(seed)
  const driver = mmioDriver(virtioBlk({ store }), time.paced).start({ size: 256, want: F_VERSION_1 })
  return { store, time, driver }
}

test('a request is done when its time has come, whatever the host does meanwhile', async () => {
  const { store, time, driver } = setUp()
  const data = new Uint8Array(SECTOR).fill(7)
  const write = driver.post(0, [header(OUT, 3), data], [1])
  await turnOfLoop()
  expect([driver.collect(0), store.bytes[3 * SECTOR]]).toEqual([[], 0])
  const tookNs = await time.pass()
  expect(driver.collect(0)).toEqual([write])
  expect(store.bytes.slice(3 * SECTOR, 4 * SECTOR)).toEqual(data)
  expect(tookNs).toBeGreaterThan(0)
  expect(time.isIdle()).toBe(true)
})

/** When each of several reads, posted at once, is answered, and in which order. */
async function answers(seed: number): Promise<{ readonly timesNs: number[]; readonly order: number[] }> {
  const { time, driver } = setUp(seed)
  const posted = Array.from({ length: RANDOM_READS }, (_, sector) => driver.post(0, [header(IN, sector)], [SECTOR, 1]))
  const order: number[] = []
  const timesNs: number[] = []
  while (order.length < RANDOM_READS) {
    const nowNs = await time.pass()
    for (const request of driver.collect(0)) {
      order.push(posted.indexOf(request))
      timesNs.push(nowNs)
    }
  }
  return { timesNs, order }
}

test('times are a function of the seed: none makes them equal, another is another order', async () => {
  const equal = await answers(0)
  expect(new Set(equal.timesNs).size).toBe(1)
  expect(equal.order).toEqual(equal.order.toSorted((a, b) => a - b))
  const one = await answers(1)
  expect(await answers(1)).toEqual(one)
  expect(one.order).not.toEqual(equal.order)
  expect((await answers(2)).order).not.toEqual(one.order)
})

test('what a driver takes back by a reset is never done', async () => {
  const { store, time, driver } = setUp()
  driver.post(0, [header(OUT, 0), new Uint8Array(SECTOR).fill(1)], [1])
  driver.transport.setStatus(0)
  expect(time.isIdle()).toBe(true)
  await turnOfLoop()
  expect(store.bytes.every(byte => byte === 0)).toBe(true)
})

test('requests under way are part of the state, and go on from it at the same time', async () => {
  const time = machineTime(5)
  const store = memoryStore(64 * SECTOR)
  store.bytes.fill(9, SECTOR, 2 * SECTOR)
  const memory = new FlatMemory(0x8000_0000, 0x10_0000)
  const line = { set: () => undefined }
  const device = (): VirtioMmio => new VirtioMmio(virtioBlk({ store }), { memory, line, paced: time.paced })
  const first = device()
  postRead(first, memory)
  expect(first.pending()).toBe(0)
  const saved = structuredClone(first.save())
  first.write(0x070, 4, 0)
  expect(time.isIdle()).toBe(true)
  const second = device()
  second.restore(saved)
  expect(second.save()).toEqual(saved)
  await time.pass()
  const sector = new Uint8Array(SECTOR)
  memory.read(0x8000_5000, sector)
  expect(sector.every(byte => byte === 9)).toBe(true)
})

/** Brings a disk up by its registers, and has it read sector 1 to 0x8000_5000. */
function postRead(mmio: VirtioMmio, memory: FlatMemory): void {
  const areas = [0x8000_0000, 0x8000_1000, 0x8000_2000]
  for (const status of [0, 3]) mmio.write(0x070, 4, status)
  mmio.write(0x024, 4, 1)
  mmio.write(0x020, 4, 1)
  mmio.write(0x070, 4, 11)
  mmio.write(0x038, 4, 8)
  for (const [i, register] of [0x080, 0x090, 0x0a0].entries()) mmio.write(register, 4, areas[i] as number)
  mmio.write(0x044, 4, 1)
  mmio.write(0x070, 4, 15)
  const table = new DataView(new ArrayBuffer(48))
  const describe = (index: number, gpa: number, length: number, flags: number): void => {
    table.setBigUint64(16 * index, BigInt(gpa), true)
    table.setUint32(16 * index + 8, length, true)
    table.setUint16(16 * index + 12, flags, true)
    table.setUint16(16 * index + 14, index + 1, true)
  }
  describe(0, 0x8000_4000, 16, 1)
  describe(1, 0x8000_5000, SECTOR, 3)
  describe(2, 0x8000_6000, 1, 2)
  memory.write(areas[0] as number, new Uint8Array(table.buffer))
  memory.write(0x8000_4000, header(IN, 1))
  memory.write(areas[1] as number, Uint8Array.of(0, 0, 1, 0, 0, 0))
  mmio.write(0x050, 4, 0)
}
