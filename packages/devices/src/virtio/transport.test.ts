import { seededEntropy } from '@doppel/base'
import { expect, test } from 'vitest'
import {
  type Driver,
  F_EVENT_IDX,
  F_INDIRECT_DESC,
  F_VERSION_1,
  mmioDriver,
  pciDriver,
  type Transport,
} from '../../test/virtio-driver.ts'
import { NetSwitch } from '../net-switch.ts'
import { defineVirtio } from './device.ts'
import { virtioNet } from './net.ts'
import { virtioRng } from './rng.ts'

/** Answers each request with its bytes reversed; its configuration is a counter that `bump` advances. */
function reverser(): {
  device: ReturnType<ReturnType<typeof defineVirtio<null>>>
  bump: () => void
  resets: () => number
} {
  let count = 0
  let resets = 0
  let changed = (): void => undefined
  const device = defineVirtio<null>({
    id: 63,
    name: 'reverser',
    create: (_, host) => {
      changed = () => host.configChanged()
      return {
        features: 1n << 3n,
        config: () => Uint8Array.of(0x11, 0x22, 0x33, 0x44, count),
        reset: () => void resets++,
        queues: {
          request: chain => {
            chain.writable.write(chain.readable.read(4096).reverse())
            chain.complete()
          },
        },
      }
    },
  })(null)
  const bump = (): void => {
    count++
    changed()
  }
  return { device, bump, resets: () => resets }
}

/** The status that a driver reads back which has asked for features and says so. */
function statusAfter({ transport }: Driver, features: bigint): number {
  transport.setStatus(3)
  transport.accept(features)
  transport.setStatus(11)
  return transport.status()
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

for (const [name, plug] of [
  ['mmio', mmioDriver],
  ['pci', pciDriver],
] as const) {
  test(`${name}: a driver finds the device, negotiates, and has a request answered`, () => {
    const driver = plug(reverser().device).start({ want: F_VERSION_1 | 8n })
    expect(driver.transport.deviceId).toBe(63)
    expect(driver.features).toBe(F_VERSION_1 | 8n)
    const request = driver.post(0, [bytes(1, 2), bytes(3)], [2, 5])
    expect([...request.bytes()]).toEqual([3, 2, 1])
    expect(driver.line.level).toBe(true)
    expect(driver.transport.takeInterrupt()).toBe(1)
    expect(driver.line.level).toBe(false)
  })

  test.each([
    ['indirect descriptors', F_INDIRECT_DESC],
    ['event index', F_EVENT_IDX],
    ['both', F_INDIRECT_DESC | F_EVENT_IDX],
  ])(`${name}: with %s, hundreds of requests go round the ring`, (_, features) => {
    const driver = plug(reverser().device).start({ size: 4, want: F_VERSION_1 | features })
    for (let i = 0; i < 600; i++) {
      const request = driver.post(0, [bytes(i, i >> 8)], [2])
      expect([...request.bytes()]).toEqual([i >> 8, i & 0xff])
      expect(driver.transport.takeInterrupt()).toBe(1)
    }
  })

  test(`${name}: configuration reads at every width, and a change interrupts with a new generation`, () => {
    const { device, bump } = reverser()
    const driver = plug(device).start()
    const { transport } = driver
    expect([transport.config(0, 4), transport.config(2, 2), transport.config(4, 1), transport.config(8, 4)]).toEqual([
      0x4433_2211, 0x4433, 0, 0,
    ])
    const before = transport.configGeneration()
    bump()
    expect([driver.line.level, transport.takeInterrupt(), transport.config(4, 1)]).toEqual([true, 2, 1])
    expect(transport.configGeneration()).not.toBe(before)
  })

  test(`${name}: features that were not offered are refused`, () => {
    expect(statusAfter(plug(reverser().device), F_VERSION_1 | (1n << 4n))).toBe(3)
  })

  test(`${name}: a driver that does not ask for VERSION_1 is served where it makes no difference`, () => {
    expect(statusAfter(plug(reverser().device), 8n)).toBe(11)
    const network = virtioNet({ port: new NetSwitch().port(), mac: '52:54:00:12:34:56' })
    expect(statusAfter(plug(network), 1n << 5n)).toBe(3)
  })

  test(`${name}: a reset ends interrupts and queues; the driver can start again`, () => {
    const { device, resets } = reverser()
    const driver = plug(device).start()
    driver.post(0, [bytes(1)], [1])
    driver.transport.setStatus(0)
    expect([driver.line.level, driver.transport.status(), resets() >= 1]).toEqual([false, 0, true])
    driver.rings.length = 0
    driver.start()
    expect([...driver.post(0, [bytes(5)], [1]).bytes()]).toEqual([5])
  })

  test(`${name}: nothing happens before DRIVER_OK`, () => {
    const driver = plug(reverser().device).start()
    driver.transport.setStatus(0)
    driver.post(0, [bytes(1)], [1])
    expect(driver.line.level).toBe(false)
  })
}

test('interrupts are held back while the driver asks so, by flag or by event index', () => {
  const byFlag = mmioDriver(reverser().device).start()
  byFlag.setU16(ring(byFlag).avail, 1)
  byFlag.post(0, [bytes(1)], [1])
  expect(byFlag.line.level).toBe(false)

  const byIndex = mmioDriver(reverser().device).start({ want: F_VERSION_1 | F_EVENT_IDX })
  byIndex.setU16(ring(byIndex).avail + 4 + 2 * ring(byIndex).size, 1)
  byIndex.post(0, [bytes(1)], [1])
  expect(byIndex.line.level).toBe(false)
  byIndex.setU16(ring(byIndex).avail + 4 + 2 * ring(byIndex).size, 1)
  byIndex.post(0, [bytes(1)], [1])
  expect(byIndex.line.level).toBe(true)
})

test('with event index the device names the next request it wants to hear of', () => {
  const driver = mmioDriver(reverser().device).start({ want: F_VERSION_1 | F_EVENT_IDX })
  for (let i = 1; i <= 3; i++) {
    driver.post(0, [bytes(1)], [1])
    expect(driver.u16(ring(driver).used + 4 + 8 * ring(driver).size)).toBe(i)
  }
})

test('an answer that comes after a reset touches nothing', () => {
  const held: (() => void)[] = []
  const device = defineVirtio<null>({
    id: 63,
    name: 'slow',
    create: () => ({
      queues: {
        request: chain => {
          held.push(() => {
            chain.writable.write(bytes(0xaa))
            chain.complete()
          })
        },
      },
    }),
  })(null)
  const driver = mmioDriver(device).start()
  driver.post(0, [], [1])
  driver.transport.setStatus(0)
  driver.rings.length = 0
  driver.start()
  const before = driver.memory.bytes.slice()
  for (const answer of held) answer()
  expect(driver.memory.bytes.every((byte, i) => byte === before[i])).toBe(true)
  expect(driver.line.level).toBe(false)
})

test('the entropy device fills what was asked for, and differs from request to request', () => {
  const driver = mmioDriver(virtioRng({ entropy: seededEntropy(7n) })).start()
  const [a, b] = [driver.post(0, [], [40, 24]).bytes(), driver.post(0, [], [64]).bytes()]
  expect([a.length, b.length]).toEqual([64, 64])
  expect(a).not.toEqual(b)
  expect(driver.post(0, [], [65_536, 100]).written).toBe(65_536)
})

type Breach = (driver: Driver, r: ReturnType<typeof ring>) => void
const RAM = 0x8000_0000
const breaches: Record<string, Breach> = {
  'a head outside the table': (d, r) => d.setU16(r.avail + 4, r.size),
  'a buffer outside RAM': (d, r) => d.setDescriptor(r.desc, { gpa: 0x1000, length: 4, flags: 0, next: 0 }),
  'a buffer that runs out of RAM': (d, r) =>
    d.setDescriptor(r.desc, { gpa: RAM, length: 0xffff_ffff, flags: 2, next: 0 }),
  'a chain that loops': (d, r) => d.setDescriptor(r.desc, { gpa: RAM, length: 1, flags: 1, next: 0 }),
  'a next outside the table': (d, r) => d.setDescriptor(r.desc, { gpa: RAM, length: 1, flags: 1, next: 999 }),
  'a readable part after a writable one': (d, r) => {
    d.setDescriptor(r.desc, { gpa: RAM, length: 1, flags: 3, next: 1 })
    d.setDescriptor(r.desc + 16, { gpa: RAM, length: 1, flags: 0, next: 0 })
  },
  'an indirect table that was not negotiated': (d, r) =>
    d.setDescriptor(r.desc, { gpa: RAM, length: 16, flags: 4, next: 0 }),
  'more available than the ring holds': (d, r) => d.setU16(r.avail + 2, 500),
}

test.each(Object.keys(breaches))('%s stops the device until it is reset', name => {
  const driver = mmioDriver(reverser().device).start()
  const r = ring(driver)
  driver.setU16(r.avail + 2, 1)
  ;(breaches[name] as Breach)(driver, r)
  driver.transport.notify(0)
  expect(driver.transport.status()).toBe(15 | 64)
  expect(driver.transport.takeInterrupt()).toBe(2)
  driver.transport.notify(0)
  expect(driver.u16(r.used + 2)).toBe(0)
  driver.rings.length = 0
  driver.start()
  expect([...driver.post(0, [bytes(9)], [1]).bytes()]).toEqual([9])
})

test.each([
  ['outside RAM', 8, [0x1000, RAM + 0x2000, RAM + 0x3000]],
  ['beyond every address', 8, [2 ** 60, RAM + 0x2000, RAM + 0x3000]],
  ['unaligned', 8, [RAM + 8, RAM + 0x2000, RAM + 0x3000]],
  ['of no power of two', 7, [RAM, RAM + 0x2000, RAM + 0x3000]],
  ['too large', 1024, [RAM, RAM + 0x4000, RAM + 0x8000]],
] as const)('a ring %s is not accepted', (_, size, areas) => {
  const { transport }: { transport: Transport } = mmioDriver(reverser().device).start({ queues: 0 })
  transport.enableQueue(0, size, areas)
  expect(transport.status() & 64).toBe(64)
})

function ring(driver: Driver): Driver['rings'][number] {
  return driver.rings[0] as Driver['rings'][number]
}
