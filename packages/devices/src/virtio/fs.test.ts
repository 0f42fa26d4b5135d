import { VirtualClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { FuseClient, Op, text } from '../../test/fuse-client.ts'
import { type Driver, F_INDIRECT_DESC, F_VERSION_1, mmioDriver } from '../../test/virtio-driver.ts'
import { Errno } from '../errno.ts'
import { MemoryFolder, type MemoryFolderOptions } from '../memory-folder.ts'
import { virtioFs } from './fs.ts'

const ROOT = 1
const BOOT_NS = 1_700_000_000_000_000_000n
const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s)

async function mount(options: Partial<MemoryFolderOptions> = {}): Promise<{
  folder: MemoryFolder
  guest: FuseClient
  driver: Driver
}> {
  const folder = new MemoryFolder({ clock: new VirtualClock(BOOT_NS), ...options })
  folder.writeFile('hello.txt', utf8('hello, guest\n'))
  folder.writeFile('sub/inner.txt', utf8('inside'))
  const driver = mmioDriver(virtioFs({ store: folder, tag: 'share' }))
  driver.start({ queues: 2, size: 32, want: F_VERSION_1 | F_INDIRECT_DESC })
  const guest = new FuseClient(driver)
  expect((await guest.init()).errno).toBe(0)
  return { folder, guest, driver }
}

test('configuration tells the tag and one request queue', async () => {
  const { driver } = await mount()
  expect(String.fromCharCode(...[0, 1, 2, 3, 4, 5].map(i => driver.transport.config(i, 1)))).toBe('share\0')
  expect(driver.transport.config(36, 4)).toBe(1)
})

test('a tag is 1 to 36 bytes', () => {
  const store = new MemoryFolder({ clock: new VirtualClock() })
  for (const tag of ['', 'x'.repeat(37)]) {
    expect(() => mmioDriver(virtioFs({ store, tag }))).toThrow(expect.objectContaining({ code: 'fs.tag' }))
  }
})

test('INIT agrees on 7.31 and only on flags that both have', async () => {
  const { guest } = await mount()
  const { body } = await guest.init()
  expect([body.byteLength, body.getUint32(0, true), body.getUint32(4, true)]).toEqual([64, 7, 31])
  const { body: none } = await guest.send(Op.INIT, 0, [7, 31, 0, 0])
  expect(none.getUint32(12, true)).toBe(0)
  const { body: newer } = await guest.send(Op.INIT, 0, [8, 0, 0, 0])
  expect(newer.getUint32(0, true)).toBe(7)
  expect((await guest.send(Op.INIT, 0, [7, 20, 0, 0])).errno).toBe(Errno.EINVAL)
})

test('a guest looks up, opens and reads', async () => {
  const { guest } = await mount()
  const file = await guest.lookup(ROOT, 'hello.txt')
  expect(file).toMatchObject({ errno: 0, size: 13, mode: 0o100644 })
  const { handle } = await guest.open(file.node)
  expect(await guest.read(file.node, handle, 0, 4096)).toBe('hello, guest\n')
  expect(await guest.read(file.node, handle, 7, 5)).toBe('guest')
  expect(await guest.read(file.node, handle, 99, 5)).toBe('')
  expect((await guest.send(Op.FLUSH, file.node, [handle, 0, 0, 0n])).errno).toBe(0)
  expect((await guest.send(Op.RELEASE, file.node, [handle, 0, 0, 0n])).errno).toBe(0)
  expect(await guest.read(file.node, handle, 0, 1)).toBe(Errno.EBADF)
  expect((await guest.walk('sub/nothing')).errno).toBe(Errno.ENOENT)
})

test('a guest creates, writes, truncates and syncs; the host sees it', async () => {
  const { guest, folder } = await mount()
  const file = await guest.create(ROOT, 'new')
  expect(await guest.write(file.node, file.handle, 0, 'one two')).toBe(7)
  expect(await guest.write(file.node, file.handle, 4, 'TWO!')).toBe(4)
  expect((await guest.send(Op.FSYNC, file.node, [file.handle, 0, 0])).errno).toBe(0)
  expect(text(new DataView((folder.readFile('new') ?? utf8('')).buffer))).toBe('one TWO!')
  const size = [1 << 3, 0, 0n, 3n, 0n, 0n, 0n, 0n, 0, 0, 0, 0, 0, 0, 0, 0]
  expect((await guest.send(Op.SETATTR, file.node, size)).body.getBigUint64(24, true)).toBe(3n)
  expect(folder.readFile('new')).toEqual(utf8('one'))
  expect((await guest.create(ROOT, 'new', 0o302)).errno).toBe(Errno.EEXIST)
  const again = await guest.create(ROOT, 'new', 0o1102)
  expect([again.node, again.size]).toEqual([file.node, 3])
  expect(folder.readFile('new')).toEqual(utf8(''))
})

test('attributes change and are told: mode, owner, times with nanoseconds, also before 1970', async () => {
  const { guest } = await mount()
  const { node } = await guest.lookup(ROOT, 'hello.txt')
  const before = BigInt.asUintN(64, -2n)
  const valid = 1 | 2 | 4 | 16 | 32
  const parts = [valid, 0, 0n, 0n, 0n, before, 5n, 0n, 999_999_999, 7, 0, 0o100600, 0, 1000, 1001, 0]
  expect((await guest.send(Op.SETATTR, node, parts)).errno).toBe(0)
  const { body } = await guest.send(Op.GETATTR, node, [0, 0, 0n])
  const at = 16
  expect([body.getBigInt64(at + 24, true), body.getUint32(at + 48, true)]).toEqual([-2n, 999_999_999])
  expect([body.getBigInt64(at + 32, true), body.getUint32(at + 52, true)]).toEqual([5n, 7])
  expect([60, 68, 72].map(o => body.getUint32(at + o, true))).toEqual([0o100600, 1000, 1001])
})

test('directories are made, listed in pieces, and removed when empty', async () => {
  const { guest } = await mount()
  const dir = await guest.entry(Op.MKDIR, ROOT, [0o755, 0o22, 'many'])
  expect(dir.mode).toBe(0o40755)
  const names = Array.from({ length: 40 }, (_, i) => `file-${i}`)
  for (const name of names) expect((await guest.entry(Op.MKNOD, dir.node, [0o100644, 0, 0, 0, name])).errno).toBe(0)
  expect(await guest.list(dir.node)).toEqual(['.', '..', ...names])
  expect((await guest.send(Op.RMDIR, ROOT, ['many'])).errno).toBe(Errno.ENOTEMPTY)
  for (const name of names) expect((await guest.send(Op.UNLINK, dir.node, [name])).errno).toBe(0)
  expect((await guest.send(Op.UNLINK, ROOT, ['many'])).errno).toBe(Errno.EISDIR)
  expect((await guest.send(Op.RMDIR, ROOT, ['many'])).errno).toBe(0)
  expect((await guest.lookup(ROOT, 'many')).errno).toBe(Errno.ENOENT)
})

test('READDIRPLUS gives each entry with its attributes, and a reference to it', async () => {
  const { guest } = await mount()
  const { body: opened } = await guest.send(Op.OPENDIR, ROOT, [0, 0])
  const { body } = await guest.send(Op.READDIRPLUS, ROOT, [opened.getBigUint64(0, true), 2n, 4096, 0, 0n, 0, 0])
  const nodes = new Map<string, number>()
  for (let at = 0; at < body.byteLength; ) {
    const length = body.getUint32(at + 128 + 16, true)
    nodes.set(text(new DataView(body.buffer, body.byteOffset + at + 152, length)), Number(body.getBigUint64(at, true)))
    at += 128 + ((24 + length + 7) & ~7)
  }
  expect([...nodes.keys()]).toEqual(['hello.txt', 'sub'])
  expect((await guest.lookup(nodes.get('sub') ?? 0, 'inner.txt')).size).toBe(6)
})

test('names move: over nothing, over a file, into another directory, and never into themselves', async () => {
  const { guest, folder } = await mount()
  const sub = await guest.lookup(ROOT, 'sub')
  expect((await guest.send(Op.RENAME, ROOT, [BigInt(sub.node), 'hello.txt', 'moved'])).errno).toBe(0)
  expect(folder.readFile('sub/moved')).toEqual(utf8('hello, guest\n'))
  const rename2 = (flags: number) => [BigInt(sub.node), flags, 0, 'moved', 'inner.txt']
  expect((await guest.send(Op.RENAME2, sub.node, rename2(1))).errno).toBe(Errno.EEXIST)
  expect((await guest.send(Op.RENAME2, sub.node, rename2(2))).errno).toBe(Errno.EINVAL)
  expect((await guest.send(Op.RENAME2, sub.node, rename2(0))).errno).toBe(0)
  expect(folder.readFile('sub/inner.txt')).toEqual(utf8('hello, guest\n'))
  expect((await guest.send(Op.RENAME, ROOT, [BigInt(sub.node), 'sub', 'loop'])).errno).toBe(Errno.EINVAL)
})

test('links: a hard link is the same node, a symbolic one is read and never followed', async () => {
  const { guest } = await mount()
  const file = await guest.lookup(ROOT, 'hello.txt')
  expect((await guest.entry(Op.LINK, ROOT, [BigInt(file.node), 'again'])).node).toBe(file.node)
  const link = await guest.entry(Op.SYMLINK, ROOT, ['up', '../../etc/passwd'])
  expect(link.mode).toBe(0o120777)
  expect(await guest.readLink(link.node)).toBe('../../etc/passwd')
  expect((await guest.lookup(link.node, 'x')).errno).toBe(Errno.ENOTDIR)
  expect((await guest.open(link.node)).errno).toBe(Errno.ELOOP)
})

test('a file unlinked while open is still there for its opener, and its space comes back', async () => {
  const { guest, folder } = await mount({ limitBytes: 100_000 })
  const file = await guest.create(ROOT, 'temp')
  await guest.write(file.node, file.handle, 0, 'x'.repeat(50_000))
  expect(await guest.write(file.node, file.handle, 0, 'x'.repeat(90_000))).toBe(-Errno.ENOSPC)
  await guest.send(Op.UNLINK, ROOT, ['temp'])
  expect(await guest.read(file.node, file.handle, 49_990, 100)).toBe('x'.repeat(10))
  await guest.send(Op.RELEASE, file.node, [file.handle, 0, 0, 0n])
  await guest.tell(Op.FORGET, file.node, [1n])
  const next = await guest.create(ROOT, 'next')
  expect(await guest.write(next.node, next.handle, 0, 'y'.repeat(50_000))).toBe(50_000)
  expect(folder.readFile('next')?.length).toBe(50_000)
})

test('a node is gone for the guest once every reference is forgotten', async () => {
  const { guest } = await mount()
  const { node } = await guest.lookup(ROOT, 'sub')
  await guest.lookup(ROOT, 'sub')
  await guest.tell(Op.FORGET, node, [1n])
  expect((await guest.lookup(node, 'inner.txt')).errno).toBe(0)
  await guest.tell(Op.BATCH_FORGET, 0, [1, 0, BigInt(node), 1n])
  expect((await guest.lookup(node, 'inner.txt')).errno).toBe(Errno.ESTALE)
})

test.each(['', '.', '..', 'a/b', '/etc', '../x', 'x'.repeat(256)])(
  'the name %o from a guest is refused',
  async name => {
    const { guest } = await mount()
    const expected = name.length > 255 ? Errno.ENAMETOOLONG : Errno.EINVAL
    expect((await guest.lookup(ROOT, name)).errno).toBe(expected)
    expect((await guest.create(ROOT, name)).errno).toBe(expected)
    expect((await guest.entry(Op.MKDIR, ROOT, [0o755, 0, name])).errno).toBe(expected)
    expect((await guest.entry(Op.SYMLINK, ROOT, [name, 'target'])).errno).toBe(expected)
    expect((await guest.send(Op.UNLINK, ROOT, [name])).errno).toBe(expected)
    expect((await guest.send(Op.RENAME, ROOT, [1n, 'hello.txt', name])).errno).toBe(expected)
  },
)

test('a read-only folder refuses every change, and reads', async () => {
  const { guest, folder } = await mount({ readOnly: true })
  const { node } = await guest.lookup(ROOT, 'hello.txt')
  const changes: [number, (number | bigint | string)[]][] = [
    [Op.MKDIR, [0o755, 0, 'd']],
    [Op.MKNOD, [0o100644, 0, 0, 0, 'f']],
    [Op.SYMLINK, ['s', 't']],
    [Op.LINK, [BigInt(node), 'l']],
    [Op.UNLINK, ['hello.txt']],
    [Op.RMDIR, ['sub']],
    [Op.RENAME, [1n, 'hello.txt', 'x']],
    [Op.RENAME2, [1n, 0, 0, 'hello.txt', 'x']],
    [Op.CREATE, [2, 0o644, 0, 0, 'f']],
    [Op.SETATTR, [1, 0, 0n, 0n, 0n, 0n, 0n, 0n, 0, 0, 0, 0, 0, 0, 0, 0]],
  ]
  for (const [opcode, parts] of changes) expect((await guest.send(opcode, ROOT, parts)).errno).toBe(Errno.EROFS)
  for (const flags of [1, 2, 0o1000]) expect((await guest.open(node, flags)).errno).toBe(Errno.EROFS)
  const { handle } = await guest.open(node)
  expect(await guest.read(node, handle, 0, 5)).toBe('hello')
  expect(await guest.write(node, handle, 0, 'x')).toBe(-Errno.EROFS)
  expect(folder.readFile('hello.txt')).toEqual(utf8('hello, guest\n'))
})

test('what is not spoken is ENOSYS; devices are EPERM; a writer through a reader’s handle is EBADF', async () => {
  const { guest } = await mount()
  const { node } = await guest.lookup(ROOT, 'hello.txt')
  expect((await guest.send(Op.GETXATTR, node, [16, 0, 'user.x'])).errno).toBe(Errno.ENOSYS)
  expect((await guest.send(Op.MKNOD, ROOT, [0o020600, 0x501, 0, 0, 'tty'])).errno).toBe(Errno.EPERM)
  const { handle } = await guest.open(node, 0)
  expect(await guest.write(node, handle, 0, 'x')).toBe(-Errno.EBADF)
  expect((await guest.send(Op.ACCESS, node, [4, 0])).errno).toBe(0)
  expect((await guest.send(Op.STATFS, ROOT)).body.getUint32(44, true)).toBe(255)
})

test('nothing is answered before INIT, and a reset forgets everything', async () => {
  const { guest, driver } = await mount()
  const { node } = await guest.lookup(ROOT, 'sub')
  driver.rings.length = 0
  driver.start({ queues: 2, size: 32, want: F_VERSION_1 | F_INDIRECT_DESC })
  expect((await guest.lookup(ROOT, 'sub')).errno).toBe(Errno.EIO)
  await guest.init()
  expect((await guest.lookup(node, 'inner.txt')).errno).toBe(Errno.ESTALE)
})
