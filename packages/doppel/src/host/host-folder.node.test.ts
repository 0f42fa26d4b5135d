import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSaved, encodeSaved } from '@doppel/base'
import { Errno, ROOT_NODE, virtioFs } from '@doppel/devices'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FuseClient, Op } from '../../../devices/test/fuse-client.ts'
import { F_INDIRECT_DESC, F_VERSION_1, mmioDriver } from '../../../devices/test/virtio-driver.ts'
import { HostFolder } from './host-folder.ts'

const ROOT = ROOT_NODE
const SECRET = 'not for guests'
let base: string
let shared: string
let outside: string
let folder: HostFolder
let guest: FuseClient
const faults: unknown[] = []

beforeEach(async () => {
  base = fs.mkdtempSync(join(tmpdir(), 'doppel-folder-'))
  shared = join(base, 'shared')
  outside = join(base, 'outside')
  for (const path of [shared, outside, join(shared, 'sub')]) fs.mkdirSync(path)
  fs.writeFileSync(join(outside, 'secret'), SECRET)
  fs.writeFileSync(join(shared, 'hello'), 'hello, guest')
  fs.writeFileSync(join(shared, 'sub', 'inner'), 'inside')
  await mount()
})

afterEach(() => {
  folder.close()
  fs.rmSync(base, { recursive: true })
  expect(faults.splice(0)).toEqual([])
  expect(fs.existsSync(outside)).toBe(false)
})

async function mount(readOnly = false): Promise<void> {
  folder = await HostFolder.open(shared, { readOnly })
  const device = virtioFs({ store: folder, tag: 'share', onError: error => faults.push(error) })
  guest = new FuseClient(mmioDriver(device).start({ queues: 2, size: 32, want: F_VERSION_1 | F_INDIRECT_DESC }))
  await guest.init()
}

const descriptors = (): number => fs.readdirSync('/proc/self/fd').length
const outsideIsUntouched = (): void => {
  expect(fs.readdirSync(outside)).toEqual(['secret'])
  expect(fs.readFileSync(join(outside, 'secret'), 'utf8')).toBe(SECRET)
}

test('a guest reads what is there and lists it', async () => {
  const file = await guest.walk('sub/inner')
  const { handle } = await guest.open(file.node)
  expect(await guest.read(file.node, handle, 0, 100)).toBe('inside')
  expect((await guest.list(ROOT)).sort()).toEqual(['.', '..', 'hello', 'sub'])
})

test('a guest creates, writes, renames, links and removes; the host sees each', async () => {
  const file = await guest.create(ROOT, 'new', 0o1102, 0o640)
  expect(await guest.write(file.node, file.handle, 0, 'written')).toBe(7)
  expect((await guest.send(Op.FSYNC, file.node, [file.handle, 0, 0])).errno).toBe(0)
  expect(fs.readFileSync(join(shared, 'new'), 'utf8')).toBe('written')
  expect(fs.statSync(join(shared, 'new')).mode & 0o777).toBe(0o640)
  const sub = await guest.lookup(ROOT, 'sub')
  expect((await guest.send(Op.RENAME, ROOT, [BigInt(sub.node), 'new', 'moved'])).errno).toBe(0)
  expect((await guest.entry(Op.LINK, ROOT, [BigInt(file.node), 'again'])).node).toBe(file.node)
  expect(fs.readFileSync(join(shared, 'again'), 'utf8')).toBe('written')
  expect((await guest.send(Op.RENAME2, ROOT, [1n, 1, 0, 'again', 'hello'])).errno).toBe(Errno.EEXIST)
  expect((await guest.send(Op.UNLINK, sub.node, ['moved'])).errno).toBe(0)
  expect((await guest.send(Op.RMDIR, ROOT, ['sub'])).errno).toBe(Errno.ENOTEMPTY)
  expect((await guest.entry(Op.MKDIR, ROOT, [0o770, 0, 'dir'])).mode).toBe(0o40770)
  expect((await guest.send(Op.RMDIR, ROOT, ['dir'])).errno).toBe(0)
  expect(fs.readdirSync(shared).sort()).toEqual(['again', 'hello', 'sub'])
})

test('mode, size and times change on the host; set-user-ID does not', async () => {
  const { node } = await guest.lookup(ROOT, 'hello')
  const valid = 1 | 8 | 16 | 32
  const parts = [valid, 0, 0n, 5n, 0n, 1_000_000n, 1_600_000_000n, 0n, 0, 500_000_000, 0, 0o104755, 0, 0, 0, 0]
  expect((await guest.send(Op.SETATTR, node, parts)).errno).toBe(0)
  const stats = fs.statSync(join(shared, 'hello'))
  expect([stats.mode & 0o7777, stats.size, stats.mtimeMs, stats.atimeMs]).toEqual([0o755, 5, 1_600_000_000_500, 1e9])
  expect((await guest.create(ROOT, 'suid', 0o1102, 0o104755)).mode).toBe(0o100755)
})

test('a read-only folder stays as it is', async () => {
  folder.close()
  await mount(true)
  expect((await guest.create(ROOT, 'new')).errno).toBe(Errno.EROFS)
  const { node } = await guest.lookup(ROOT, 'hello')
  expect((await guest.open(node, 2)).errno).toBe(Errno.EROFS)
  expect((await guest.open(node, 0o1000)).errno).toBe(Errno.EROFS)
  expect((await guest.send(Op.UNLINK, ROOT, ['hello'])).errno).toBe(Errno.EROFS)
  expect(fs.readFileSync(join(shared, 'hello'), 'utf8')).toBe('hello, guest')
})

test.each(['..', '../outside', 'sub/../../outside', '/', '.', ''])(
  'the name %o is refused, by the folder itself too',
  async name => {
    expect((await guest.lookup(ROOT, name)).errno).toBe(Errno.EINVAL)
    expect(await folder.lookup(ROOT, name)).toBe(Errno.EINVAL)
    expect(await folder.makeDirectory(ROOT, name, 0o755)).toBe(Errno.EINVAL)
    expect(await folder.rename(ROOT, 'hello', ROOT, name, false)).toBe(Errno.EINVAL)
    outsideIsUntouched()
  },
)

test.each([
  ['absolute', () => outside],
  ['relative', () => '../outside'],
])('an %s symbolic link out of the folder is a link and nothing more', async (_, target) => {
  fs.symlinkSync(target(), join(shared, 'door'))
  fs.symlinkSync(join(target(), 'secret'), join(shared, 'window'))
  fs.symlinkSync(join(target(), 'made'), join(shared, 'dangling'))
  const door = await guest.lookup(ROOT, 'door')
  expect([door.mode & 0o170000, await guest.readLink(door.node)]).toEqual([0o120000, target()])
  expect((await guest.lookup(door.node, 'secret')).errno).toBe(Errno.ENOTDIR)
  expect((await guest.create(door.node, 'made')).errno).toBe(Errno.ENOTDIR)
  expect((await guest.entry(Op.MKDIR, door.node, [0o755, 0, 'made'])).errno).toBe(Errno.ENOTDIR)
  expect((await guest.send(Op.UNLINK, door.node, ['secret'])).errno).toBe(Errno.ENOTDIR)
  expect((await guest.send(Op.RENAME, ROOT, [BigInt(door.node), 'hello', 'made'])).errno).toBe(Errno.ENOTDIR)
  expect((await guest.send(Op.OPENDIR, door.node, [0, 0])).errno).not.toBe(0)
  const window = await guest.lookup(ROOT, 'window')
  for (const flags of [0, 2, 0o1002]) expect((await guest.open(window.node, flags)).errno).toBe(Errno.ELOOP)
  const resize = [8, 0, 0n, 0n, 0n, 0n, 0n, 0n, 0, 0, 0, 0, 0, 0, 0, 0]
  expect((await guest.send(Op.SETATTR, window.node, resize)).errno).not.toBe(0)
  const chmod = [1, 0, 0n, 0n, 0n, 0n, 0n, 0n, 0, 0, 0, 0o777, 0, 0, 0, 0]
  expect((await guest.send(Op.SETATTR, window.node, chmod)).errno).not.toBe(0)
  for (const name of ['window', 'dangling']) {
    expect((await guest.create(ROOT, name, 0o1102)).errno).toBe(Errno.ELOOP)
    expect((await guest.create(ROOT, name, 0o302)).errno).toBe(Errno.EEXIST)
  }
  outsideIsUntouched()
})

test('a link that the guest itself makes leads it nowhere either', async () => {
  const link = await guest.entry(Op.SYMLINK, ROOT, ['exit', outside])
  expect((await guest.lookup(link.node, 'secret')).errno).toBe(Errno.ENOTDIR)
  expect((await guest.entry(Op.LINK, ROOT, [BigInt(link.node), 'exit2'])).mode & 0o170000).toBe(0o120000)
  outsideIsUntouched()
})

test('a directory swapped for a link out, again and again, lets nothing through', async () => {
  const [sub, spare, link] = [join(shared, 'sub'), join(shared, 'spare'), join(shared, 'link')]
  fs.writeFileSync(join(sub, 'secret'), 'harmless')
  fs.symlinkSync(outside, link)
  let racing = true
  const race = (async () => {
    while (racing) {
      await fs.promises.rename(sub, spare)
      await fs.promises.rename(link, sub)
      await fs.promises.rename(sub, link)
      await fs.promises.rename(spare, sub)
    }
  })()
  let seen = 0
  for (let round = 0; round < 150; round++) {
    const file = await guest.walk('sub/secret')
    if (file.errno === 0) {
      seen++
      const { errno, handle } = await guest.open(file.node, 2)
      if (errno === 0) {
        expect(await guest.read(file.node, handle, 0, 100)).toBe('harmless')
        await guest.send(Op.RELEASE, file.node, [handle, 0, 0, 0n])
      }
    }
    const sub = await guest.lookup(ROOT, 'sub')
    if (sub.errno === 0) await guest.create(sub.node, `made-${round}`)
    if (file.node) await guest.tell(Op.FORGET, file.node, [1n])
    if (sub.node) await guest.tell(Op.FORGET, sub.node, [1n])
  }
  racing = false
  await race
  expect(seen).toBeGreaterThan(0)
  outsideIsUntouched()
})

test('a pipe on the host is shown and cannot be opened, so nothing waits on it', async () => {
  execFileSync('/usr/bin/env', ['mkfifo', join(shared, 'pipe')])
  const pipe = await guest.lookup(ROOT, 'pipe')
  expect(pipe.mode & 0o170000).toBe(0o010000)
  expect((await guest.open(pipe.node)).errno).toBe(Errno.ENXIO)
})

test('a file keeps its identity when host or guest renames around it', async () => {
  const inner = await guest.walk('sub/inner')
  const { handle } = await guest.open(inner.node)
  fs.renameSync(join(shared, 'sub'), join(shared, 'renamed'))
  expect(await guest.read(inner.node, handle, 0, 100)).toBe('inside')
  expect((await guest.walk('renamed/inner')).node).toBe(inner.node)
})

test('thousands of nodes take a bounded number of descriptors, and each is still reached', async () => {
  const names = Array.from({ length: 1500 }, (_, i) => `f${i}`)
  for (const name of names) fs.writeFileSync(join(shared, 'sub', name), name)
  const before = descriptors()
  const sub = await guest.lookup(ROOT, 'sub')
  const nodes = new Map<string, number>()
  for (const name of names) nodes.set(name, (await guest.lookup(sub.node, name)).node)
  expect(descriptors() - before).toBeLessThan(1100)
  for (const name of ['f0', 'f700', 'f1499']) {
    const { handle } = await guest.open(nodes.get(name) ?? 0)
    expect(await guest.read(nodes.get(name) ?? 0, handle, 0, 100)).toBe(name)
  }
})

test('forgetting, releasing and closing give every descriptor back', async () => {
  folder.close()
  const before = descriptors()
  await mount()
  const file = await guest.walk('sub/inner')
  await guest.open(file.node)
  expect(descriptors()).toBeGreaterThan(before)
  await guest.send(Op.DESTROY, 0)
  folder.close()
  expect(descriptors()).toBe(before)
  await mount()
})

test('what is no folder cannot be shared', async () => {
  for (const path of [join(shared, 'hello'), join(shared, 'missing')]) {
    await expect(HostFolder.open(path)).rejects.toMatchObject({ code: 'folder.open' })
  }
})

test('a saved folder goes on in another process: what is still there is known, what was replaced is stale', async () => {
  const inner = await guest.walk('sub/inner')
  const hello = await guest.walk('hello')
  const again = await HostFolder.open(shared)
  again.restore(decodeSaved(encodeSaved(folder.save())))
  fs.rmSync(join(shared, 'hello'))
  fs.writeFileSync(join(shared, 'hello'), 'another')
  expect(await again.attributes(inner.node)).toMatchObject({ sizeBytes: 6 })
  expect(await again.attributes(hello.node)).toBe(Errno.ESTALE)
  // Numbers go on where they were.
  const found = await again.lookup(ROOT, 'hello')
  expect(typeof found === 'number' ? found : found.id).toBeGreaterThan(hello.node)
  again.close()
})
