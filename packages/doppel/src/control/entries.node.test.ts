import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Entries, type MachineSpec, stateOf } from './entries.ts'
import { startOf } from '../host/process-start.ts'

let folder: string
let entries: Entries
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-entries-'))
  entries = new Entries(join(folder, 'doppel'))
})
afterEach(() => rm(folder, { recursive: true }))

const SPEC: MachineSpec = {
  options: {
    memoryBytes: 1,
    cpus: 1,
    disks: [],
    volumes: [],
    network: { mode: 'nat', publish: [], policy: {} },
    engine: 'translator',
    stats: false,
    verbose: false,
  },
  remove: false,
}

test('a record is found by name, id, and the beginning of an id', async () => {
  const { id } = await entries.create(SPEC, 'linux', 1, 'web')
  for (const which of ['web', id, id.slice(0, 5)]) expect((await entries.find(which)).id).toBe(id)
  for (const which of ['', 'we', 'zzz']) await expect(entries.find(which)).rejects.toThrow('no machine here')
  await entries.remove(id)
  expect(await entries.all()).toEqual([])
})

test('a name is taken once, and has no path in it', async () => {
  await entries.create(SPEC, 'linux', 1, 'web')
  await expect(entries.create(SPEC, 'linux', 1, 'web')).rejects.toThrow('already')
  for (const name of ['', '../x', 'a b', '-x'])
    await expect(entries.create(SPEC, 'linux', 1, name)).rejects.toThrow('no name')
})

test('half a record is none', async () => {
  const { id } = await entries.create(SPEC, 'linux', 1)
  await writeFile(entries.pathOf(id, 'machine.json'), '{"id":')
  expect(await entries.all()).toEqual([])
})

test('a process number that is used again is not the machine’s', async () => {
  const entry = await entries.create(SPEC, 'linux', 1)
  const started = startOf(process.pid)
  const at = (pid: number, pidStarted: string | undefined): string => stateOf({ ...entry, pid, pidStarted })
  expect(stateOf(entry)).toBe('created')
  expect(at(process.pid, started)).toBe('running')
  expect(at(process.pid, '1')).toBe('dead')
  expect(at(4_000_000, started)).toBe('dead')
  expect(
    stateOf({ ...entry, pid: process.pid, pidStarted: started, ended: { kind: 'poweroff', exitCode: 0, atMs: 1 } }),
  ).toBe('exited')
})
