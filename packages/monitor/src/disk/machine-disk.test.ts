import type { BlockStore } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FrozenDisk, Holders } from './frozen-disk.ts'
import { frozenStore, type MachineDisk, ReadOnlyDisk } from './machine-disk.ts'
import { OverlayDisk } from './overlay-disk.ts'
import { ThroughDisk } from './through-disk.ts'

const SIZE = 10 * 4096 + 512

/** A disk in memory that takes a turn of the event loop for each call, and knows whether it is open. */
class SlowStore implements BlockStore {
  readonly sizeBytes = SIZE
  readonly readOnly = false
  readonly bytes: Uint8Array = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31) >> 4)
  isOpen = true
  async read(offset: number, into: Uint8Array): Promise<void> {
    // Half of it early and half of it late, as a device may.
    const half = into.length >> 1
    into.set(this.bytes.subarray(offset, offset + half))
    await turn()
    into.set(this.bytes.subarray(offset + half, offset + into.length), half)
  }
  async write(offset: number, from: Uint8Array): Promise<void> {
    await turn()
    this.bytes.set(from, offset)
  }
  async discard(offset: number, lengthBytes: number): Promise<void> {
    await turn()
    this.bytes.fill(0, offset, offset + lengthBytes)
  }
  async flush(): Promise<void> {
    await turn()
  }
  async close(): Promise<void> {
    await turn()
    this.isOpen = false
  }
}
const turn = async (): Promise<void> => await new Promise(done => setTimeout(done))
const FILE = { path: '/disk', sizeBytes: SIZE, modifiedNs: 1n }

const whole = async (disk: Pick<FrozenDisk, 'read'>): Promise<Uint8Array> => {
  const all = new Uint8Array(SIZE)
  await disk.read(0, all)
  return all
}
const over = (): OverlayDisk => new OverlayDisk(frozenStore(new SlowStore(), FILE))

const span = fc.tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: 9000 }), fc.nat(255))
const step = fc.tuple(fc.constantFrom('write', 'discard', 'freeze', 'clone', 'release'), span)

/** Whatever happens to a disk and its clones, each holds what an array would, and so does each moment that was kept. */
async function agrees(make: () => MachineDisk): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      const disks = [{ disk: make(), model: new SlowStore().bytes }]
      let kept: { frozen: FrozenDisk; model: Uint8Array }[] = []
      for (const [what, [offset, wanted, value]] of steps) {
        const length = Math.min(wanted, SIZE - offset)
        const { disk, model } = disks[value % disks.length] as (typeof disks)[0]
        if (what === 'write') {
          // A moment is read while its disk is written.
          const [moment] = kept
          const read = moment && whole(moment.frozen)
          await Promise.all([disk.write(offset, new Uint8Array(length).fill(value)), disk.read(0, new Uint8Array(512))])
          model.fill(value, offset, offset + length)
          if (moment) expect(await read).toEqual(moment.model)
        } else if (what === 'discard') {
          await disk.discard(offset, length)
          model.fill(0, offset, offset + length)
        } else if (what === 'freeze') kept.push({ frozen: disk.freeze(), model: model.slice() })
        else if (what === 'clone' && kept[0]) {
          const { frozen, model: then } = kept[value % kept.length] as (typeof kept)[0]
          disks.push({ disk: new OverlayDisk(frozen), model: then.slice() })
        } else if (what === 'release') {
          await kept[value % (kept.length || 1)]?.frozen.release()
          kept = kept.filter((_, i) => i !== value % kept.length)
        }
      }
      for (const { disk, model } of disks) expect(await whole(disk)).toEqual(model)
      for (const { frozen, model } of kept) expect(await whole(frozen)).toEqual(model)
    }),
    { numRuns: 60 },
  )
}

test('an overlay, its moments and its clones behave as arrays', () => agrees(over))
test('an image that is written, its moments and its clones behave as arrays', () =>
  agrees(() => new ThroughDisk(new SlowStore())))

test('a moment of an overlay is its file and what was changed', async () => {
  const disk = over()
  await disk.write(5000, new Uint8Array(10).fill(1))
  const clone = new OverlayDisk(disk.freeze())
  await clone.discard(40_000, 100)
  const frozen = clone.freeze()
  expect([frozen.file, [...frozen.ownChunks()]]).toEqual([FILE, [1, 9]])
  expect(clone.changedBytes).toBe(0)
})

test('an image stays open until its machine and all that hold a moment of it are done', async () => {
  const store = new SlowStore()
  const disk = new ThroughDisk(store)
  const moment = disk.freeze()
  const clone = new OverlayDisk(moment)
  await disk.close()
  await moment.release()
  expect(store.isOpen).toBe(true)
  await clone.close()
  expect(store.isOpen).toBe(false)
})

test('writes to one chunk at the same time all count, for the disk and for a moment of it', async () => {
  for (const disk of [over(), new ThroughDisk(new SlowStore())]) {
    const moment = disk.freeze()
    const before = await whole(moment)
    await Promise.all([0, 1, 2, 3].map(i => disk.write(i * 512, new Uint8Array(512).fill(i + 1))))
    const now = await whole(disk)
    expect([0, 512, 1024, 1536].map(at => now[at])).toEqual([1, 2, 3, 4])
    expect(await whole(moment)).toEqual(before)
  }
})

test('a read-only disk is shared as it is', async () => {
  const store = new SlowStore()
  const base = frozenStore(store, FILE)
  const disk = new ReadOnlyDisk(base)
  const again = new ReadOnlyDisk(disk.freeze())
  await base.release()
  await base.release()
  await disk.close()
  expect(await whole(again)).toEqual(store.bytes)
  expect(store.isOpen).toBe(true)
  await again.close()
  expect(store.isOpen).toBe(false)
})

test('the last holder gives back', async () => {
  let given = 0
  const holders = new Holders(() => {
    given++
    return Promise.resolve()
  })
  holders.retain()
  await holders.release()
  expect(given).toBe(0)
  await holders.release()
  expect(given).toBe(1)
})
