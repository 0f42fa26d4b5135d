import { FlatMemory, seededEntropy, VirtualClock } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { turnOfLoop } from '../../test/virtio-driver.ts'
import { unwiredLine } from '../irq.ts'
import type { VirtioDevice } from './device.ts'
import { VirtioMmio } from './mmio.ts'
import { Balloon, virtioBalloon } from './balloon.ts'
import { virtioRng } from './rng.ts'
import { virtioBlk } from './blk.ts'
import { virtioChannels } from './channels.ts'
import { virtioConsole } from './console.ts'
import { MemoryFolder } from '../memory-folder.ts'
import { virtioFs } from './fs.ts'
import { virtioNet } from './net.ts'
import { machineTime } from '../../test/machine-time.ts'
import { chattyPort, memoryStore } from '../../test/ports.ts'

const RAM = 0x8000_0000
const RAM_BYTES = 0x8000
const SIZE = 8
const RING_STRIDE = 0x1000

/** Every device, as plain as it can be made. */
const devices: Record<string, () => VirtioDevice> = {
  balloon: () => virtioBalloon({ balloon: new Balloon({ release: () => undefined }) }),
  rng: () => virtioRng({ entropy: seededEntropy(1n) }),
  console: () => virtioConsole({ port: { write: () => undefined, onInput: receive => receive(new Uint8Array(500)) } }),
  channels: () =>
    virtioChannels({
      ports: [
        {
          name: 'x',
          connect: end => {
            end.setOpen(true)
            end.send(new Uint8Array(500))
          },
          write: () => undefined,
          wantsMore: () => true,
          guestOpen: () => undefined,
          drained: () => undefined,
        },
      ],
    }),
  blk: () => virtioBlk({ store: memoryStore(64 * 512) }),
  'paced blk': () => virtioBlk({ store: memoryStore(64 * 512) }),
  fs: () => virtioFs({ tag: 'x', store: new MemoryFolder({ clock: new VirtualClock() }) }),
  'paced net': () => virtioNet({ mac: '52:54:00:12:34:56', port: chattyPort() }),
  net: () => virtioNet({ mac: '52:54:00:12:34:56', port: chattyPort() }),
}

const descriptor = fc.record({
  gpa: fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: RAM_BYTES - 1 }).map(at => BigInt(RAM + at)) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  ),
  length: fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 200 }) },
    { weight: 1, arbitrary: fc.nat({ max: 0xffff_ffff }) },
  ),
  flags: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3) }, { weight: 1, arbitrary: fc.nat({ max: 7 }) }),
  next: fc.nat({ max: SIZE }),
})

const round = fc.record({
  table: fc.array(descriptor, { minLength: SIZE, maxLength: SIZE }),
  heads: fc.array(fc.nat({ max: SIZE }), { minLength: 1, maxLength: SIZE }),
  noise: fc.uint8Array({ minLength: 64, maxLength: 256 }),
  queue: fc.nat({ max: 3 }),
  /** Otherwise a hostile driver makes up its index. */
  advance: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.nat({ max: 65_535 }) },
  ),
  register: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({ offset: fc.nat({ max: 0x120 }).map(o => o & ~3), value: fc.nat({ max: 0xffff_ffff }) }),
    },
  ),
})

test.each(Object.keys(devices))('%s: whatever is in the rings and registers, the device lives', async name => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), fc.boolean(), async (rounds, rich) => {
      const memory = new FlatMemory(RAM, RAM_BYTES)
      const time = name.startsWith('paced') ? machineTime(1) : undefined
      const mmio = new VirtioMmio((devices[name] as () => VirtioDevice)(), {
        memory,
        line: unwiredLine,
        paced: time?.paced,
      })
      start(mmio, rich)
      const indices = [0, 0, 0, 0]
      for (const { table, heads, noise, queue, advance, register } of rounds) {
        const ring = RAM + queue * RING_STRIDE
        memory.write(RAM + 4 * RING_STRIDE, noise)
        memory.write(ring, describe(table))
        const index = indices[queue] ?? 0
        heads.forEach((head, i) => memory.write(ring + 0x404 + 2 * ((index + i) % SIZE), Uint8Array.of(head, 0)))
        const next = advance ?? (index + heads.length) & 0xffff
        indices[queue] = next
        memory.write(ring + 0x402, Uint8Array.of(next, next >> 8))
        if (register) mmio.write(register.offset, 4, register.value)
        mmio.write(0x050, 4, queue)
        await turnOfLoop()
        if (time) {
          // As who goes back in a run does, with requests under way.
          mmio.restore(structuredClone(mmio.save()))
          for (let answers = 0; answers < SIZE && !time.isIdle(); answers++) await time.pass()
        }
        if (mmio.read(0x070, 4) !== 15) {
          indices.fill(0)
          memory.bytes.fill(0)
          start(mmio, rich)
        }
      }
      mmio.write(0x070, 4, 0)
      expect(mmio.read(0x070, 4)).toBe(0)
    }),
    { numRuns: 60 },
  )
})

function start(mmio: VirtioMmio, rich: boolean): void {
  for (const status of [0, 3]) mmio.write(0x070, 4, status)
  for (const word of [0, 1]) {
    mmio.write(0x014, 4, word)
    mmio.write(0x024, 4, word)
    const offered = mmio.read(0x010, 4)
    mmio.write(0x020, 4, rich || word === 1 ? offered : 0)
  }
  mmio.write(0x070, 4, 11)
  for (let queue = 0; queue < 4; queue++) {
    mmio.write(0x030, 4, queue)
    mmio.write(0x038, 4, SIZE)
    for (const [register, at] of [
      [0x080, 0],
      [0x090, 0x400],
      [0x0a0, 0x800],
    ] as const) {
      mmio.write(register, 4, RAM + queue * RING_STRIDE + at)
    }
    mmio.write(0x044, 4, 1)
  }
  mmio.write(0x070, 4, 15)
}

function describe(table: readonly { gpa: bigint; length: number; flags: number; next: number }[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16 * table.length))
  table.forEach(({ gpa, length, flags, next }, i) => {
    view.setBigUint64(16 * i, gpa, true)
    view.setUint32(16 * i + 8, length, true)
    view.setUint16(16 * i + 12, flags, true)
    view.setUint16(16 * i + 14, next, true)
  })
  return new Uint8Array(view.buffer)
}
