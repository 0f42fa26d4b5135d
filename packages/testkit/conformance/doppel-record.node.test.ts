import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashWords } from '@doppel/base'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

// What a guest cannot know beforehand: randomness, the time, and what is typed.
const TYPED = 'head -c 6 /dev/urandom | od -An -tx1; cat /proc/uptime\necho some words | md5sum\n'

let folder: string
let tape: string
let recorded: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-record-'))
  tape = join(folder, 'run.tape')
  const { status, stdout, stderr } = await doppel(['record', '-o', tape, 'linux'], { input: TYPED })
  expect([status, stderr.toString()]).toEqual([0, expect.stringContaining('recorded to instruction')])
  recorded = stdout.toString()
}, 120_000)
afterAll(async () => {
  await rm(folder, { recursive: true })
})

test('a recording is small, and its replay is the same run, on either tier, whatever is typed now', async () => {
  expect(recorded).toMatch(/^( [0-9a-f]{2}){6}\n[\d.]+ [\d.]+\n[0-9a-f]{32} +-\n$/)
  expect((await stat(tape)).size).toBeLessThan(4096)
  for (const engine of ['translator', 'interpreter']) {
    const replayed = await doppel(['replay', '--engine', engine, tape], { input: 'reboot -f\n' })
    expect([replayed.status, replayed.stdout.toString()]).toEqual([0, recorded])
    expect(replayed.stderr.toString()).toMatch(/replayed to instruction \d+: the same state, [0-9a-f]{16}/)
  }
})

test('a disk is what it was: a replay leaves it alone, and wants it as it was when the recording began', async () => {
  const [disk, before, taped] = ['disk.img', 'before.img', 'disk.tape'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(disk, new Uint8Array(8 << 20))
  await copyFile(disk, before)
  const script =
    'mke2fs /dev/vda > /dev/null && mount -t ext2 /dev/vda /mnt && head -c 50000 /dev/urandom > /mnt/x && sync && md5sum /mnt/x'
  const run = await doppel(['record', '-o', taped, '--disk', disk, 'linux', '--', 'sh', '-c', script])
  expect([run.status, run.stdout.toString()]).toEqual([0, expect.stringMatching(/^[0-9a-f]{32} /)])
  const written = await readFile(disk)
  expect(written.equals(await readFile(before))).toBe(false)
  expect((await doppel(['replay', taped])).stderr.toString()).toMatch(
    /the disk 1 that .* is another one \[replay\.image\]/,
  )
  // The other tier's run is compared where machines are small: see travel-disk.test.ts.
  const replayed = await doppel(['replay', '--disk', before, taped])
  expect([replayed.status, replayed.stdout.toString()]).toEqual([0, run.stdout.toString()])
  expect(replayed.stderr.toString()).toMatch(/the same state, [0-9a-f]{16}/)
  expect((await readFile(disk)).equals(written)).toBe(true)
  expect((await readFile(before)).every(byte => byte === 0)).toBe(true)
})

test('what a network brings is recorded, and replayed without that network', async () => {
  const content = randomBytes(200_000)
  const server = createServer((_request, response) => void response.end(content))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const taped = join(folder, 'net.tape')
  const flags = ['--network', 'nat', '--allow', `127.0.0.1:${port}`, '--faults', 'packet-late=1/10', '--seed', '3']
  const fetching = `wget -qO- http://10.0.2.2:${port}/ | sha256sum; head -c 4 /dev/urandom | od -An -tx1`
  const run = await doppel(['record', '-o', taped, ...flags, 'linux', '--', 'sh', '-c', fetching])
  server.close()
  expect([run.status, run.stdout.toString()]).toEqual([
    0,
    expect.stringContaining(createHash('sha256').update(content).digest('hex')),
  ])
  const replayed = await doppel(['replay', taped])
  expect([replayed.status, replayed.stdout.toString()]).toEqual([0, run.stdout.toString()])
  expect(replayed.stderr.toString()).toMatch(/the same state, [0-9a-f]{16}/)
})

test('a recording that was cut off is replayed to its last whole event', async () => {
  const bytes = await readFile(tape)
  const cut = join(folder, 'cut.tape')
  await writeFile(cut, bytes.subarray(0, bytes.length - 10))
  const { status, stderr } = await doppel(['replay', cut])
  expect([status, stderr.toString()]).toEqual([0, expect.stringMatching(/was cut off; replayed to instruction \d+/)])
})

test('what is damaged, of another version, or of other files is refused, saying which', async () => {
  const bytes = await readFile(tape)
  const changed = async (find: string, put: string): Promise<string> => {
    const path = join(folder, 'changed.tape')
    const copy = Buffer.from(bytes)
    copy.write(put, copy.indexOf(find), 'latin1')
    // A checksum of our own: damage is told apart from another subject.
    const length = copy.readUInt32LE(19)
    copy.writeInt32LE(hashWords(copy.subarray(27, 27 + length))[0], 23)
    await writeFile(path, copy)
    const { status, stderr } = await doppel(['replay', path])
    expect(status).toBe(1)
    return stderr.toString()
  }
  const digest = /kernel.{1,5}?([0-9a-f]{64})/s.exec(bytes.toString('latin1'))?.[1] ?? ''
  expect(await changed(digest, '0'.repeat(64))).toMatch(/the kernel that .* is another one \[replay\.image\]/)
  const version = /version.([\d.]+)/s.exec(bytes.toString('latin1'))?.[1] ?? ''
  expect(await changed(version, version.replace(/\d/, '9'))).toMatch(
    /another version may run otherwise \[replay\.version\]/,
  )
  const damaged = join(folder, 'damaged.tape')
  const copy = Buffer.from(bytes)
  copy.writeUInt8((copy[200] as number) ^ 1, 200)
  await writeFile(damaged, copy)
  expect((await doppel(['replay', damaged])).stderr.toString()).toMatch(/damaged at byte 19 \[replay\.damaged\]/)
  expect((await doppel(['replay', process.execPath])).stderr.toString()).toMatch(/no recording.*\[replay\.format\]/)
})
