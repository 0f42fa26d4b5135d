import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from 'doppel'
import { installed } from '@doppel/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const missing = installed('qemu-img', 'mke2fs', 'e2fsck', 'debugfs')
let folder: string
let env: Record<string, string>
const run = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await doppel(args, { env })
  if (status !== 0) throw new Error(`doppel ${args.join(' ')}: ${stderr.toString()}`)
  return stdout.toString()
}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-move-'))
  env = { XDG_RUNTIME_DIR: folder }
  process.env['XDG_RUNTIME_DIR'] = folder
})
afterAll(async () => {
  await doppel(['rm', '-f', 'mover', 'job'], { env })
  await rm(folder, { recursive: true })
})

/** Counts, and writes each number to the disk and, every hundred, to the file system for good. */
const COUNT = 'i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i >>/mnt/log; [ $((i % 100)) = 0 ] && sync; done'

test.skipIf(missing)(
  `a busy machine moves to other processes and does not notice${missing ?? ''}`,
  async () => {
    const [raw, disk] = [join(folder, 'disk.raw'), join(folder, 'disk.qcow2')]
    execFileSync('mke2fs', ['-q', '-t', 'ext4', raw, '64M'])
    execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, disk])
    const id = (
      await run('run', '-d', '--name', 'mover', '--disk', disk, '-p', '0:80', '--timeout', '5m', 'linux')
    ).trim()
    const inside = (command: string): Promise<string> => run('exec', 'mover', 'sh', '-c', command)
    await inside(
      'mkdir -p /mnt && mount -t ext4 /dev/vda /mnt && mkdir /tmp/www && echo hello >/tmp/www/index.html && httpd -h /tmp/www',
    )
    await run('exec', '-d', 'mover', 'sh', '-c', COUNT)
    await run('exec', '-d', 'mover', 'sh', '-c', 'while [ ! -e /tmp/stop ]; do :; done')
    const identity = await inside('cat /sys/class/net/eth0/address; ip -4 addr show eth0 | grep inet')
    const published = async (): Promise<string> =>
      await (await fetch(`http://${(await run('port', 'mover')).trim().split(' -> ')[1]}`)).text()
    expect(await published()).toBe('hello\n')

    let counted = 0
    for (const isolation of ['process', 'jailed']) {
      const { pid } = JSON.parse(await run('inspect', 'mover'))[0] as { pid: number }
      const report = JSON.parse(await run('migrate', '--json', '--isolation', isolation, 'mover')) as {
        id: string
        downMs: number
        totalMs: number
      }
      expect(report.id).toBe(id)
      // No measurement, which the benches make: it ran for most of the time.
      expect(report.downMs).toBeLessThan(report.totalMs / 2)
      const [entry] = JSON.parse(await run('inspect', 'mover')) as [{ pid: number; id: string }]
      expect(entry.id).toBe(id)
      expect(entry.pid).not.toBe(pid)
      const now = Number(await inside('tail -n 1 /mnt/log'))
      expect(now).toBeGreaterThan(counted)
      counted = now
      expect(await inside('cat /sys/class/net/eth0/address; ip -4 addr show eth0 | grep inet')).toBe(identity)
      expect(await published()).toBe('hello\n')
    }
    // The image has one owner still, and only one.
    const second = await doppel(['run', '--disk', disk, 'linux', '--', 'true'], { env })
    expect(second.stderr.toString()).toContain('[disk.locked]')

    await inside('touch /tmp/stop; while ! umount /mnt; do sleep 0.1; done')
    await run('kill', 'mover')
    execFileSync('qemu-img', ['check', '-q', disk])
    execFileSync('qemu-img', ['convert', '-O', 'raw', disk, raw])
    execFileSync('e2fsck', ['-fn', raw])
    const log = execFileSync('debugfs', ['-R', 'cat /log', raw], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
    const numbers = log.trimEnd().split('\n').map(Number)
    expect(numbers.length).toBeGreaterThanOrEqual(Math.floor(counted / 100) * 100)
    expect(numbers.every((number, i) => number === i + 1)).toBe(true)
  },
  180_000,
)

test('the command that a machine is for goes on, its output and its end are the machine’s still', async () => {
  const script = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; sleep 0.1; done; exit 4'
  await run('run', '-d', '--name', 'job', '--timeout', '5m', 'linux', '--', 'sh', '-c', script)
  await run('migrate', 'job')
  const lines = (await run('logs', '-f', 'job')).trimEnd().split('\n')
  expect(lines).toEqual(Array.from({ length: 60 }, (_, i) => `line ${i + 1}`))
  expect(JSON.parse(await run('inspect', 'job'))).toMatchObject([{ ended: { exitCode: 4 } }])
}, 60_000)

test('a machine of a program moves out of its own process, and is that program’s still', async () => {
  await using vm = await Machine.create('linux', { memory: '128M', isolation: 'process' })
  await vm.files.write('/tmp/a', new TextEncoder().encode('kept'))
  const { downMs, rounds } = await vm.migrate()
  expect(downMs).toBeGreaterThan(0)
  expect(rounds).toBeGreaterThan(0)
  expect((await vm.commands.run('cat /tmp/a')).stdout).toBe('kept')
  await vm.kill()
  expect((await vm.wait()).kind).toBe('stopped')
}, 60_000)
