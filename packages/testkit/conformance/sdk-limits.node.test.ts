import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from 'doppel'
import { expect, test } from 'vitest'

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  )

test('a machine gives memory back that its guest frees, and makes do with less when told to', async () => {
  await using small = await Machine.create('linux', { memory: '512M', network: 'none' })
  const [command, hundred] = ['free -m | sed -n 2p', 100 << 20]
  const totalMib = async (machine: Machine): Promise<number> =>
    Number((await machine.commands.run(command)).stdout.split(/\s+/)[1])
  await small.commands.run('dd if=/dev/zero of=/tmp/big bs=1M count=150')
  const full = small.getMetrics().memoryBytes
  await small.commands.run('rm /tmp/big')
  await until(() => small.getMetrics().memoryBytes < full - hundred)

  small.setLimits({ memory: 192 << 20 })
  await until(() => small.getMetrics().balloonBytes === 320 << 20)
  expect(small.getMetrics()).toMatchObject({ memoryLimitBytes: 192 << 20 })
  expect(await totalMib(small)).toBeLessThan(192)
  const greedy = await small.commands.run('dd if=/dev/zero of=/dev/null bs=300M count=1')
  expect(greedy.exitCode).not.toBe(0)
  expect(small.getMetrics().memoryBytes).toBeLessThan(192 << 20)

  const [clone] = (await small.fork()) as [Machine]
  expect([clone.getMetrics().memoryLimitBytes, await totalMib(clone)]).toEqual([192 << 20, await totalMib(small)])
  clone.setLimits({ memory: '512M' })
  await until(() => clone.getMetrics().balloonBytes === 0)
  const sums = await clone.commands.run(
    'for i in $(seq 60); do cat /bin/busybox; done >/tmp/big; md5sum </tmp/big; md5sum </tmp/big',
  )
  const [first, second] = sums.stdout.split('\n')
  expect(first).toMatch(/^[0-9a-f]{32}/)
  expect(second).toBe(first)
  await clone.kill()
  expect(() => small.setLimits({ memory: '1G', share: 7 })).toThrow('the most it can have')
  expect(small.getMetrics().share).toBe(100)
})

test('what a disk and a network let through changes while the machine runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-rates-'))
  try {
    const disk = join(folder, 'disk.img')
    await writeFile(disk, new Uint8Array(4 << 20))
    await using machine = await Machine.create('linux', { memory: '128M', disks: [`${disk}:overlay`] })
    const readDisk = 'echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda of=/dev/null bs=64k count=32'
    machine.setLimits({ diskRate: { bytesPerSecond: 1 << 20 } })
    const began = performance.now()
    await machine.commands.run(readDisk)
    // Two mebibytes at one a second, less what may pass at once.
    expect(performance.now() - began).toBeGreaterThan(1500)
    machine.setLimits({ diskRate: { bytesPerSecond: Infinity }, networkRate: 1_000_000 })
    await machine.commands.run(readDisk, { timeoutMs: 60_000 })
    expect(await codeOf(Promise.try(() => machine.setLimits({ networkRate: 1 })))).toBe('limits.network')
    expect(await codeOf(Promise.try(() => machine.setLimits({ diskRate: { operationsPerSecond: 0 } })))).toBe(
      'limits.disk',
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** Resolves when something has come true; a guest does what it is asked in its own time. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let waits = 0; !isTrue(); waits++) {
    if (waits === 1200) throw new Error('it has not come true after a minute')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
