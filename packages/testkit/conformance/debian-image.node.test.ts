import { cacheFolder, findRootImage, ImageCache } from '@doppel/images'
import { execFileSync } from 'node:child_process'
import { Machine } from 'doppel'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BUILD_TIMEOUT_MS = 600_000

let vm: Machine
beforeAll(async () => {
  vm = await Machine.create('debian', { memory: '512M' })
}, BUILD_TIMEOUT_MS)
afterAll(async () => {
  await vm?.kill()
})

const out = async (command: string): Promise<string> => (await vm.commands.run(command)).stdout

test('it is a Debian whose packages are all configured', async () => {
  expect(await out('cat /etc/debian_version')).toMatch(/^13\.\d+\n$/)
  expect(await out('dpkg --audit; dpkg-query -W -f "\\${db:Status-Status}\\n" | sort -u')).toBe('installed\n')
  expect(await out('dpkg --verify; echo verified')).toBe('verified\n')
  expect(Number(await out('dpkg-query -W | wc -l'))).toBeGreaterThan(60)
})

test('its users, links and name are as Debian has them', async () => {
  expect(await out('id -un; getent passwd nobody | cut -d: -f1,3; readlink /bin; hostname')).toBe(
    'root\nnobody:65534\nusr/bin\ndebian\n',
  )
  expect(await out('su -s /bin/sh nobody -c "id -un"')).toBe('nobody\n')
})

test('apt installs a real package from the archive, and it runs', async () => {
  // A mirror may be between two states; an index from a moment ago serves as well.
  const update = await vm.commands.run('apt-get update')
  const install = await vm.commands.run(
    'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends hello',
  )
  expect(install.exitCode, update.stderr + install.stderr).toBe(0)
  expect(await out('hello')).toBe('Hello, world!\n')
}, 300_000)

test("the disk's changes stay with the machine", async () => {
  await using other = await Machine.create('debian', { memory: '256M', network: 'none' })
  await vm.files.write('/etc/mine', 'x')
  expect((await other.commands.run('ls /etc/mine')).exitCode).toBe(2)
})

test("the image's own disk is what e2fsck calls clean", async () => {
  const cache = new ImageCache(cacheFolder())
  const image = await findRootImage(cache, 'debian')
  const disk = cache.objectPath(image?.disk.sha256 ?? '')
  execFileSync('qemu-img', ['check', disk])
  const raw = `${process.env['TMPDIR'] ?? '/tmp'}/doppel-debian-${process.pid}.raw`
  try {
    execFileSync('qemu-img', ['convert', '-O', 'raw', disk, raw])
    expect(execFileSync('e2fsck', ['-fn', raw], { encoding: 'utf8' })).toMatch(/debian: \d+/)
  } finally {
    execFileSync('rm', ['-f', raw])
  }
})
