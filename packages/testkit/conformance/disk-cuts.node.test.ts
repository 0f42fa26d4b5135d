import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededEntropy } from '@doppel/base'
import { createQcow2, openDisk } from '@doppel/images'
import { Machine } from 'doppel'
import { installed, RandomSource } from '@doppel/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const missing = installed('qemu-img', 'mke2fs', 'e2fsck', 'debugfs')
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-cuts-'))
  process.env['XDG_RUNTIME_DIR'] = folder
})
afterAll(() => rm(folder, { recursive: true }))

const CUTS = 12
const SECTOR_BYTES = 512
const SECTORS = 40_960

/**
 * Writes sectors of a disk at random for ever, from the given step on; each holds the step that wrote it. A step is
 * printed once it has been flushed.
 */
const WRITER = `
  import { seededEntropy } from '@doppel/base'
  import { openDisk } from '@doppel/images'
  import { RandomSource } from '@doppel/testkit'
  const [path, seed, from] = process.argv.slice(1)
  const disk = await openDisk(path)
  const random = new RandomSource(seededEntropy(BigInt(seed) + 1n))
  const sector = new Uint8Array(${SECTOR_BYTES})
  for (let step = Number(from); ; step++) {
    const at = random.below(${SECTORS})
    new DataView(sector.buffer).setUint32(0, step)
    if (random.below(8) === 0) await disk.discard(at * ${SECTOR_BYTES}, ${SECTOR_BYTES})
    else await disk.write(at * ${SECTOR_BYTES}, sector)
    if (step % 4 !== 0) continue
    await disk.flush()
    process.stdout.write(step + '\\n')
  }
`

test.skipIf(missing)(
  `a qcow2 disk whose writer is killed keeps what was flushed, and its tables${missing ?? ''}`,
  async () => {
    const path = join(folder, 'cut.qcow2')
    await createQcow2(path, SECTORS * SECTOR_BYTES)
    /** What each sector must hold; several steps where the last of them need not have been flushed. */
    const held = new Map<number, number[]>()
    let from = 1
    for (let cut = 0; cut < CUTS; cut++) {
      const args = ['--conditions=source', '--input-type=module', '-e', WRITER, path, String(cut), String(from)]
      const writer = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
      let flushed = 0
      const dies = 1 + cut * 7
      let lines = 0
      writer.stdout.on('data', (bytes: Buffer) => {
        const steps = bytes.toString().trim().split('\n')
        flushed = Number(steps.at(-1))
        lines += steps.length
        if (lines >= dies) writer.kill('SIGKILL')
      })
      await once(writer, 'close')
      // The same steps once more: those after the last flush may have happened, or not.
      const random = new RandomSource(seededEntropy(BigInt(cut) + 1n))
      for (let step = from; step < flushed + 100; step++) {
        const at = random.below(SECTORS)
        const value = random.below(8) === 0 ? 0 : step
        held.set(at, step <= flushed ? [value] : [...(held.get(at) ?? [0]), value])
      }
      from = flushed + 100
      const check = spawnSync('qemu-img', ['check', '-q', path])
      // 3: clusters that are counted and not used, which waste space and harm nothing.
      expect([0, 3]).toContain(check.status)
      const disk = await openDisk(path, { readOnly: true })
      const sector = new Uint8Array(SECTOR_BYTES)
      for (const [at, values] of held) {
        await disk.read(at * SECTOR_BYTES, sector)
        const value = new DataView(sector.buffer).getUint32(0)
        expect(values).toContain(value)
        held.set(at, [value])
      }
      await disk.close()
    }
  },
)

test.skipIf(missing)(
  `a guest's file systems outlive its process, with all that was synchronized${missing ?? ''}`,
  async () => {
    const [raw, qcow2] = [join(folder, 'fs.raw'), join(folder, 'fs.qcow2')]
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', '/etc/apt', raw, '64M'])
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2])
    for (const lines of [5, 40]) {
      const vm = await Machine.create('linux', { memory: '128M', isolation: 'process', disks: [raw, qcow2] })
      const killed = Promise.withResolvers<void>()
      let last = 0
      let seen = 0
      const write = 'i=$((i+1)); for d in a b; do echo $i >/$d/f$((i%20)); done; sync; echo $i'
      const { pid } = JSON.parse(await readFile(join(folder, 'doppel', vm.id, 'machine.json'), 'utf8')) as {
        pid: number
      }
      const writer = vm.commands.run(
        `mkdir -p /a /b; mount -t ext4 /dev/vda /a && mount -t ext4 /dev/vdb /b || exit; i=0; while :; do ${write}; done`,
        {
          onStdout: bytes => {
            const steps = new TextDecoder().decode(bytes).trim().split('\n')
            last = Number(steps.at(-1))
            seen += steps.length
            if (seen >= lines) {
              process.kill(pid, 'SIGKILL')
              killed.resolve()
            }
          },
        },
      )
      await Promise.race([killed.promise, writer])
      await writer.catch(() => undefined)
      expect(seen).toBeGreaterThanOrEqual(lines)
      expect([0, 3]).toContain(spawnSync('qemu-img', ['check', '-q', qcow2]).status)
      const copy = join(folder, 'copy.raw')
      for (const [image, format] of [
        [raw, 'raw'],
        [qcow2, 'qcow2'],
      ] as const) {
        execFileSync('qemu-img', ['convert', '-f', format, '-O', 'raw', image, copy])
        // 0 and 1: nothing to do, or the journal was replayed. Then nothing is left to mend.
        expect([0, 1]).toContain(spawnSync('e2fsck', ['-p', copy]).status)
        expect(spawnSync('e2fsck', ['-fn', copy]).status).toBe(0)
        const file = execFileSync('debugfs', ['-R', `cat f${last % 20}`, copy], { encoding: 'utf8', stdio: 'pipe' })
        expect(Number(file)).toBeGreaterThanOrEqual(last)
      }
    }
  },
)
