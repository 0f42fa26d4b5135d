import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { Machine } from 'doppel'
import { expect, test } from 'vitest'
import { askExecutive, compileExecutive } from '../bench/executive.ts'

/** Debian's u-boot-qemu: a second system that our own SBI starts in S-mode. */
const U_BOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin'
const PATIENCE_MS = 120_000

/** Waits until a machine's console has printed a text since `from`; returns what it printed. */
async function printed(machine: Machine, wanted: RegExp, from = 0): Promise<string> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 50) {
    const text = new TextDecoder().decode(machine.console.output.subarray(from))
    if (wanted.test(text)) return text
    await sleep(50)
  }
  throw new Error(`not printed: ${wanted}; the end: ${new TextDecoder().decode(machine.console.output.slice(-500))}`)
}

test('Linux under load, U-Boot and a real-time executive run side by side on one thread, each its own machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-three-'))
  try {
    const program = await compileExecutive(folder)
    await using linux = await Machine.create('linux', { memory: '128M' })
    await using boot = await Machine.create({ kernel: U_BOOT, memory: '64M' })
    await using executive = await Machine.create({ program, memory: '16M', latency: 'realtime' })
    const type = (text: string): void => boot.console.type(new TextEncoder().encode(text))
    await printed(boot, /Hit any key/)
    type('\r')
    await printed(boot, /=> $/)
    await printed(executive, /^executive\r\n/)
    await askExecutive(executive)

    // Each has something to work out, at the same time.
    const from = boot.console.output.length
    type('mw.b 82000000 5a 400000; crc32 82000000 400000\r')
    const hash = await linux.commands.run('yes doppel | head -c 8000000 | sha256sum')
    const [line] = (await printed(boot, /==> [0-9a-f]{8}/, from)).match(/==> [0-9a-f]{8}/) ?? []
    const [fast, middle, slow] = await askExecutive(executive)

    const sha256 = createHash('sha256').update('doppel\n'.repeat(1_142_858).slice(0, 8_000_000)).digest('hex')
    expect(hash.stdout).toBe(`${sha256}  -
`)
    expect(line).toBe(`==> ${crc32(new Uint8Array(0x40_0000).fill(0x5a)).toString(16).padStart(8, '0')}`)
    // Each period is one release or was missed: nothing of the guest's time is lost, however little it had.
    const periods = (fast?.released ?? 0) + (fast?.missed ?? 0)
    expect(fast).toMatchObject({ periodUs: 1000 })
    expect(((middle?.released ?? 0) + (middle?.missed ?? 0)) / periods).toBeCloseTo(1 / 5, 1)
    expect(((slow?.released ?? 0) + (slow?.missed ?? 0)) / periods).toBeCloseTo(1 / 20, 1)
    expect(executive.getMetrics()).toMatchObject({ latency: 'realtime', entitlement: 0.25, state: 'running' })
    // Each ends in its own way.
    type('poweroff\r')
    executive.console.type(new TextEncoder().encode('q'))
    expect([await boot.wait(), await executive.wait()]).toEqual([{ kind: 'poweroff' }, { kind: 'poweroff' }])
    expect((await linux.commands.run('uname -s')).stdout).toBe('Linux\n')
  } finally {
    await rm(folder, { recursive: true })
  }
})
