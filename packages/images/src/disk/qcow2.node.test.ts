import { execFileSync, spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlockStore, DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDisk } from './open.ts'
import { createQcow2, createQcow2Overlay, openQcow2 } from './qcow2.ts'

const MIB = 1 << 20
// The judge: QEMU's own tool (package qemu-utils). Without it these tests say that they are skipped.
const hasQemuImg = spawnSync('qemu-img', ['--version']).status === 0
const judged = describe.skipIf(!hasQemuImg)
const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' })

let folder: string
const at = (name: string): string => join(folder, name)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-qcow2-'))
})
afterEach(() => rm(folder, { recursive: true }))

const read = async (store: BlockStore, offset: number, length: number): Promise<Uint8Array> => {
  const into = new Uint8Array(length)
  await store.read(offset, into)
  return into
}
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7) >> 5)

/** Random changes through us and on an array. */
async function change(store: BlockStore, model: Uint8Array, seed: number): Promise<void> {
  const spans = fc.sample(
    fc.tuple(fc.nat(model.length - 1), fc.integer({ min: 1, max: 200_000 }), fc.nat(255), fc.boolean()),
    { numRuns: 25, seed },
  )
  for (const [offset, wanted, value, discard] of spans) {
    const length = Math.min(wanted, model.length - offset)
    if (discard) await store.discard(offset, length)
    else await store.write(offset, new Uint8Array(length).fill(value))
    model.fill(discard ? 0 : value, offset, offset + length)
  }
}

judged('judged by qemu-img', () => {
  test.each([
    ['version 2', ['-o', 'compat=0.10']],
    ['version 3', ['-o', 'compat=1.1']],
    ['small clusters', ['-o', 'cluster_size=512']],
    ['large clusters', ['-o', 'cluster_size=2M']],
    ['1-bit counts', ['-o', 'refcount_bits=1']],
    ['64-bit counts', ['-o', 'refcount_bits=64']],
    ['compressed clusters', ['-c']],
  ])('%s: read, changed, and sound afterwards', async (_, flags) => {
    const model = pattern(4 * MIB + 512)
    await writeFile(at('raw'), model)
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...flags, at('raw'), at('disk'))
    const store = await openQcow2(at('disk'))
    expect(Buffer.compare(await read(store, 0, model.length), model)).toBe(0)
    await change(store, model, 7)
    expect(Buffer.compare(await read(store, 0, model.length), model)).toBe(0)
    await store.close()
    // Leaked space is allowed (status 3); an error in the tables is not (status 2).
    expect([0, 3]).toContain(spawnSync('qemu-img', ['check', at('disk')]).status)
    qemuImg('convert', '-f', 'qcow2', '-O', 'raw', at('disk'), at('back'))
    expect(Buffer.compare(await readFile(at('back')), model)).toBe(0)
  })

  test('an overlay of ours on its image, and its image unchanged', async () => {
    const model = pattern(3 * MIB)
    await writeFile(at('raw'), model)
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', at('raw'), at('base'))
    const before = await readFile(at('base'))
    await createQcow2Overlay(at('top'), at('base'), 'qcow2')
    const store = await openQcow2(at('top'))
    await change(store, model, 3)
    await store.close()
    expect(qemuImg('check', at('top'))).toContain('No errors')
    qemuImg('convert', '-f', 'qcow2', '-O', 'raw', at('top'), at('back'))
    expect(Buffer.compare(await readFile(at('back')), model)).toBe(0)
    expect(await readFile(at('base'))).toEqual(before)
  })

  test('an image whose reference-count table has to grow', async () => {
    qemuImg('create', '-f', 'qcow2', '-o', 'cluster_size=512,refcount_bits=64', at('disk'), '3M')
    const store = await openQcow2(at('disk'))
    const model = pattern(3 * MIB)
    await store.write(0, model)
    await store.close()
    expect(qemuImg('check', at('disk'))).toContain('No errors')
    qemuImg('convert', '-f', 'qcow2', '-O', 'raw', at('disk'), at('back'))
    expect(Buffer.compare(await readFile(at('back')), model)).toBe(0)
  })

  test('encryption, external data and snapshots are refused by name', async () => {
    qemuImg('create', '-f', 'qcow2', '-o', `data_file=${at('data')}`, at('external'), '1M')
    await expect(openQcow2(at('external'))).rejects.toThrow(expect.objectContaining({ code: 'disk.qcow2-feature' }))
    qemuImg('create', '-f', 'qcow2', at('disk'), '1M')
    qemuImg('snapshot', '-c', 'one', at('disk'))
    await expect(openQcow2(at('disk'))).rejects.toThrow(expect.objectContaining({ code: 'disk.qcow2-snapshots' }))
    await (await openQcow2(at('disk'), { readOnly: true })).close()
  })

  test('a compressed, overlaid image altered anywhere is read or refused with a code', async () => {
    await writeFile(at('raw'), pattern(MIB))
    qemuImg('convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=4k', at('raw'), at('sound'))
    const { length } = await readFile(at('sound'))
    const place = fc.oneof(fc.nat(120), fc.nat(Math.min(length, 40_000) - 1))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }), async edits => {
        await copyFile(at('sound'), at('fuzzed'))
        const file = await open(at('fuzzed'), 'r+')
        for (const [offset, value] of edits) await file.write(Uint8Array.of(value), 0, 1, offset)
        await file.close()
        try {
          const store = await openQcow2(at('fuzzed'))
          try {
            const bytes = Math.min(store.sizeBytes, MIB)
            await read(store, 0, bytes)
            if (bytes > 0) await store.write(0, new Uint8Array(Math.min(bytes, 9000)))
          } finally {
            await store.close()
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
      { numRuns: 150 },
    )
  })
})

test('a new image is zeros and keeps what is written', async () => {
  await createQcow2(at('disk'), MIB)
  const first = await openQcow2(at('disk'))
  expect(await read(first, 0, 1024)).toEqual(new Uint8Array(1024))
  await first.write(70_000, Uint8Array.of(1, 2, 3))
  await first.close()
  const second = await openQcow2(at('disk'), { readOnly: true })
  expect(await read(second, 69_999, 5)).toEqual(Uint8Array.of(0, 1, 2, 3, 0))
  await second.close()
})

test('a disk is opened as what it is', async () => {
  await createQcow2(at('disk'), MIB)
  await writeFile(at('raw'), new Uint8Array(1024))
  const [qcow2, raw] = [await openDisk(at('disk')), await openDisk(at('raw'), { readOnly: true })]
  expect([qcow2.sizeBytes, raw.sizeBytes, raw.readOnly]).toEqual([MIB, 1024, true])
  await qcow2.close()
  await raw.close()
})

describe('a backing file', () => {
  /** An overlay whose header names `name`, in place of a name as long. */
  const naming = async (name: string): Promise<void> => {
    const base = 'b'.repeat(name.length)
    await writeFile(at(base), new Uint8Array(512))
    await createQcow2Overlay(at('top'), at(base), 'raw')
    const bytes = await readFile(at('top'))
    bytes.write(name, bytes.indexOf(base))
    await writeFile(at('top'), bytes)
  }

  test.each([
    ['outside the image’s folder', '/etc/hostname', /outside/],
    ['above it', '../../etc/hostname', /outside/],
    ['on the network', 'nbd://host/disk', /only files/],
    ['that is not there', 'nothing.img', /not there/],
  ])('%s is refused', async (_, name, reason) => {
    await naming(name)
    const error: unknown = await openQcow2(at('top')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'disk.backing', message: expect.stringMatching(reason) as string })
  })

  test('that is the image itself ends at the depth limit', async () => {
    await createQcow2(at('aaa'), MIB)
    await createQcow2Overlay(at('top'), at('aaa'), 'qcow2')
    const bytes = await readFile(at('top'))
    bytes.write('top', bytes.indexOf('aaa'))
    await writeFile(at('top'), bytes)
    await expect(openQcow2(at('top'))).rejects.toThrow(expect.objectContaining({ code: 'disk.backing' }))
  })
})
