import { cacheFolder, findRootImage, ImageCache } from '@doppel/images'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from 'doppel'
import { doppel } from './doppel-process.ts'
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

test('a later start goes on from the first one, with randomness of its own', async () => {
  const folder = join(cacheFolder(), 'starts')
  const starts = (await readdir(folder)).filter(name => name.endsWith('.snap'))
  expect(starts).not.toHaveLength(0)
  const random = 'head -c 16 /dev/urandom | od -An -tx1; cat /proc/uptime'
  const outputs: string[] = []
  for (let i = 0; i < 2; i++) {
    await using other = await Machine.create('debian', { memory: '512M' })
    outputs.push((await other.commands.run(random)).stdout)
  }
  expect(outputs[0]?.split('\n')[0]).not.toBe(outputs[1]?.split('\n')[0])
  // What is cut off is not gone on from, and does no harm.
  for (const start of starts) await truncate(join(folder, start), 1000)
  await using last = await Machine.create('debian', { memory: '512M' })
  expect((await last.commands.run('echo well')).stdout).toBe('well\n')
}, 300_000)

test('an image built on it from a recipe runs as the recipe says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-build-'))
  try {
    await mkdir(join(folder, 'files/sub'), { recursive: true })
    await writeFile(join(folder, 'files/sub/b'), 'deep')
    await writeFile(join(folder, 'app.sh'), '#!/bin/sh\necho "$GREETING $* $(id -un) $(pwd)"\n', { mode: 0o755 })
    const recipe = `FROM debian
      ENV GREETING="good day" PATH=/opt/bin:$PATH
      COPY app.sh /opt/bin/app
      COPY files /srv/data
      WORKDIR /srv
      RUN cat data/sub/b && useradd -m me
      USER me
      ENTRYPOINT ["app"]
      CMD ["default"]`
    await writeFile(join(folder, 'Containerfile'), recipe)
    const built = await doppel(['image', 'build', '--no-cache', '-t', 'test/app:1', folder])
    expect([built.status, built.stderr.toString()]).toEqual([0, ''])
    expect(built.stdout.toString()).toMatch(/STEP 3\/3[^]*deep[^]*built/)
    const ran = await doppel(['run', 'test/app:1'])
    expect([ran.status, ran.stdout.toString()]).toEqual([0, 'good day default me /srv\n'])
    const other = await doppel(['run', 'test/app:1', '--', 'one', 'two  three'])
    expect(other.stdout.toString()).toBe('good day one two  three me /srv\n')
    // The outcome of all steps is kept, and so is none after a file that has changed.
    const again = await doppel(['image', 'build', '-t', 'test/app:1', folder])
    expect(again.stdout.toString()).toMatch(/STEP 3\/3, kept/)
    expect(again.stdout.toString()).not.toContain('deep')
    await writeFile(join(folder, 'files/sub/b'), 'changed')
    const changed = await doppel(['image', 'build', '-t', 'test/app:1', folder])
    expect(changed.stdout.toString()).toMatch(/STEP 3\/3:[^]*changed/)
    // A user that has no name (OCI image-spec, config.md, "User").
    const numbers = ['exec', '-u', '1234:5678', 'numbered', 'sh', '-c', 'id -u; id -g; id -G']
    expect((await doppel(['run', '-d', '--rm', '--name', 'numbered', 'debian'])).status).toBe(0)
    expect((await doppel(numbers)).stdout.toString()).toBe('1234\n5678\n5678\n')
    expect((await doppel(['kill', 'numbered'])).status).toBe(0)
    await writeFile(join(folder, 'Containerfile'), 'FROM debian\nWORKDIR /srv\nUSER 1234:5678\nCMD id -u; id -g; pwd\n')
    expect((await doppel(['image', 'build', '-t', 'test/app:1', folder])).status).toBe(0)
    expect((await doppel(['run', 'test/app:1'])).stdout.toString()).toBe('1234\n5678\n/srv\n')
    await writeFile(join(folder, 'Containerfile'), 'FROM debian\nRUN exit 3\n')
    const failed = await doppel(['image', 'build', '-t', 'test/app:2', folder])
    expect(failed.status).toBe(1)
    expect(failed.stderr.toString()).toMatch(/status 3 \[image\.build\]/)
    expect((await doppel(['image', 'ls'])).stdout.toString()).not.toContain('test/app:2')
  } finally {
    await doppel(['image', 'rm', 'test/app:1'])
    await rm(folder, { recursive: true, force: true })
  }
}, 300_000)

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
