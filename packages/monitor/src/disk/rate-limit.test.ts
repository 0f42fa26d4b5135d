import { expect, test } from 'vitest'
import { VirtualTime } from '../../test/virtual-time.ts'
import type { MachineDisk } from './machine-disk.ts'
import { type DiskRate, rateLimitedDisk } from './rate-limit.ts'

const disk: MachineDisk = {
  sizeBytes: 1 << 30,
  readOnly: false,
  freeze: () => {
    throw new Error('not frozen here')
  },
  read: () => Promise.resolve(),
  write: () => Promise.resolve(),
  discard: () => Promise.resolve(),
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

/** How many requests of so many bytes are answered within a time, when the next follows at once. */
async function answered(rate: DiskRate, lengthBytes: number, ms: number): Promise<number> {
  const time = new VirtualTime()
  const limited = rateLimitedDisk(disk, () => rate, time.clock, time)
  let count = 0
  const ask = async (): Promise<void> => {
    const bytes = new Uint8Array(lengthBytes)
    for (;;) {
      await (count % 2 === 0 ? limited.read(0, bytes) : limited.write(0, bytes))
      count++
      if (time.clock.monotonicNs() >= ms * 1e6) return
    }
  }
  const asking = ask()
  for (let i = 0; i < ms + 200; i++) {
    time.advance(1)
    for (let k = 0; k < 40; k++) await Promise.resolve()
  }
  await asking
  return count
}

test('so many bytes a second pass, and a tenth of a second’s at the start', async () => {
  const count = await answered({ bytesPerSecond: 1_000_000 }, 10_000, 2000)
  expect(count).toBeGreaterThan(200)
  expect(count).toBeLessThan(215)
})

test('so many requests a second are answered, however small', async () => {
  const count = await answered({ operationsPerSecond: 100 }, 512, 2000)
  expect(count).toBeGreaterThan(200)
  expect(count).toBeLessThan(215)
})

test('the slower of both holds', async () => {
  expect(await answered({ bytesPerSecond: 1_000_000, operationsPerSecond: 10 }, 1000, 2000)).toBeLessThan(25)
})
