import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin'
const GCC = 'riscv64-unknown-elf-gcc'
const has = (program: string, flag = '--version'): boolean => spawnSync(program, [flag]).status === 0

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-machine-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(!has('qemu-img') || !has('debugfs', '-V'))('disks, judged by qemu-img and e2fsprogs', () => {
  test('are written, read only, or left as they are', async () => {
    const path = (name: string): string => join(folder, name)
    for (const name of ['plain.raw', 'kept.raw']) {
      await writeFile(path(name), '')
      await truncate(path(name), 32 << 20)
    }
    for (const name of ['deep.qcow2', 'kept.qcow2']) {
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path(name), '32M'])
    }
    const kept = sha256(await readFile(path('kept.qcow2')))
    const data = randomBytes(3 << 20)
    await writeFile(path('data'), data)
    const script = `
      exec 3>&2 2>/tmp/errors
      set -e
      mke2fs /dev/vda >/dev/null; mkdir /m; mount -t ext4 /dev/vda /m; cp /in/data /m/data; umount /m
      dd if=/in/data of=/dev/vdb bs=64k seek=16 conv=fsync; dd if=/dev/vdb bs=64k skip=16 count=48 | cmp - /in/data
      dd if=/in/data of=/dev/vdc bs=1M conv=fsync; dd if=/dev/vdc bs=1M count=3 | cmp - /in/data
      ! dd if=/in/data of=/dev/vdd bs=4k count=1 conv=fsync
      blockdev --getsize64 /dev/vdd; cat /sys/block/vdd/ro; cat /sys/block/vda/serial`
    const disks = ['plain.raw', 'deep.qcow2', 'kept.qcow2:overlay', 'kept.raw:ro'].flatMap(name => [
      '--disk',
      path(name),
    ])
    const run = await doppel(['run', ...disks, '--volume', `${folder}:/in:ro`, 'linux', '--', 'sh', '-c', script])
    expect([run.stdout.toString(), run.stderr.toString(), run.status]).toEqual([`${32 << 20}\n1\ndoppel-disk0`, '', 0])
    execFileSync('e2fsck', ['-fn', path('plain.raw')], { stdio: 'pipe' })
    const file = execFileSync('debugfs', ['-R', 'cat data', path('plain.raw')], { stdio: 'pipe', maxBuffer: 1 << 26 })
    expect(sha256(file)).toBe(sha256(data))
    execFileSync('qemu-img', ['check', '-q', path('deep.qcow2')])
    execFileSync('qemu-img', ['convert', '-O', 'raw', path('deep.qcow2'), path('deep.raw')])
    expect(sha256((await readFile(path('deep.raw'))).subarray(1 << 20, 4 << 20))).toBe(sha256(data))
    expect(sha256(await readFile(path('kept.qcow2')))).toBe(kept)
    expect(await readFile(path('kept.raw'))).toEqual(Buffer.alloc(32 << 20))
  })
})

test('shared folders are read and written, or only read, and lead nowhere else', async () => {
  const [open, shut] = [join(folder, 'open'), join(folder, 'shut')]
  await mkdir(open)
  await mkdir(shut)
  await writeFile(join(open, 'given'), 'from the host\n')
  await writeFile(join(folder, 'secret'), 'secret')
  await symlink(join(folder, 'secret'), join(open, 'absolute'))
  await symlink('../secret', join(open, 'relative'))
  const script = `
    cat /open/given; echo 'from the guest' >/open/made; mkdir /open/deep; mv /open/made /open/deep/moved; rm /open/given
    dd if=/dev/urandom of=/open/big bs=100k count=20 2>/dev/null; sha256sum </open/big; chmod 640 /open/big
    cat /open/absolute /open/relative /open/../secret 2>/dev/null
    echo x 2>/dev/null >/shut/no || echo refused; mount | grep -c virtiofs`
  const volumes = ['--volume', `${open}:/open`, '--volume', `${shut}:/shut:ro`]
  const run = await doppel(['run', ...volumes, 'linux', '--', 'sh', '-c', script])
  const hash = sha256(await readFile(join(open, 'big')))
  expect(run.stdout.toString()).toBe(`from the host\n${hash}  -\nrefused\n2\n`)
  expect(await readFile(join(open, 'deep', 'moved'), 'utf8')).toBe('from the guest\n')
  expect((await stat(join(open, 'big'))).mode & 0o777).toBe(0o640)
  expect((await readdir(open)).sort()).toEqual(['absolute', 'big', 'deep', 'relative'])
  expect(await readdir(shut)).toEqual([])
})

describe.skipIf(!existsSync(OPENSBI))('Debian’s OpenSBI as the firmware', () => {
  test.each(['1', '2'])('boots the kernel on %s harts', async cpus => {
    const flags = ['--firmware', OPENSBI, '--cpus', cpus, '--timeout', '5m']
    const { stdout, stderr, status } = await doppel([
      'run',
      ...flags,
      'linux',
      '--',
      'sh',
      '-c',
      'nproc; dmesg | grep SBI.impl',
    ])
    expect(stdout.toString()).toMatch(new RegExp(`^${cpus}\n.*ID=0x1 `))
    expect([stderr.toString(), status]).toEqual(['', 0])
  })
})

/** A bare-metal program of hart 0; the others wait for ever. */
const bareMetal = async (body: string): Promise<string> => {
  const source = join(folder, 'program.S')
  const program = join(folder, 'program.elf')
  await writeFile(
    source,
    `.globl _start, tohost, fromhost
.macro end code
  la t0, tohost
  li t1, \\code
  sd t1, 0(t0)
1: j 1b
.endm
.text
_start: csrr t0, mhartid
  bnez t0, wait
${body}
wait: wfi
  j wait
.section .tohost, "aw", @progbits
.align 6
tohost: .dword 0
.align 6
fromhost: .dword 0
`,
  )
  const flags = [
    '-nostdlib',
    '-nostartfiles',
    '-static',
    '-march=rv64gc',
    '-misa-spec=2.2',
    '-mabi=lp64d',
    '-mcmodel=medany',
  ]
  execFileSync(GCC, [...flags, '-Wl,-Ttext=0x80000000', source, '-o', program], { stdio: 'pipe' })
  return program
}

describe.skipIf(!has(GCC)).each(['translator', 'interpreter'])('a bare-metal program under the %s', engine => {
  const run = async (body: string, flags: readonly string[] = []): Promise<[number | null, string, string]> => {
    const program = await bareMetal(body)
    const { status, stdout, stderr } = await doppel(['run', '--engine', engine, '--timeout', '60s', ...flags, program])
    return [status, stdout.toString(), stderr.toString()]
  }

  test('passes by writing 1 to tohost', async () => {
    expect(await run('end 1')).toEqual([0, '', ''])
  })

  test('fails with the number of its test', async () => {
    const [status, , stderr] = await run('end (42 << 1 | 1)', ['--cpus', '2'])
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/program\.elf: failed test 42 \[run\.failed\]\n$/) as string,
    ])
  })

  test('prints through the UART', async () => {
    const body = `li a0, 0x10000000\n li a1, 'o'\n sb a1, 0(a0)\n li a1, 'k'\n sb a1, 0(a0)\n end 1`
    expect(await run(body)).toEqual([0, 'ok', ''])
  })

  test.each([
    ['jumps into nothing', 'jr zero', 'instruction access fault'],
    ['has no trap handler', '.word 0', 'instruction access fault'],
    [
      'has a trap handler that traps',
      'la t0, 2f\n csrw mtvec, t0\n ebreak\n.align 2\n2: .word 0',
      'illegal instruction',
    ],
  ])('that %s is told so', async (_, body, why) => {
    const [status, stdout, stderr] = await run(body, ['--cpus', '2'])
    expect(stderr).toMatch(
      new RegExp(`^doppel: the guest is stuck: hart 0 traps .*\\(mtvec\\): ${why}.*\\[run\\.stuck\\]\\n$`),
    )
    expect([status, stdout]).toEqual([1, ''])
  })

  test('may write anything to any register of any device', async () => {
    // xorshift64 numbers into every device of the board, reset and power aside, in widths 1 to 8; faults are passed over.
    const [status, , stderr] = await run(
      `la t0, skip
  csrw mtvec, t0
  li s0, 0x123456789abcdef1
  la s1, devices
next: ld s2, 0(s1)
  beqz s2, done
  ld s3, 8(s1)
  li s4, 6000
again: slli t0, s0, 13
  xor s0, s0, t0
  srli t0, s0, 7
  xor s0, s0, t0
  slli t0, s0, 17
  xor s0, s0, t0
  srli t1, s0, 20
  and t1, t1, s3
  add t1, t1, s2
  andi t2, s0, 7
  li t3, 2
  blt t2, t3, byte
  li t3, 6
  blt t2, t3, word
  andi t1, t1, -8
  sd s0, 0(t1)
  ld t4, 0(t1)
  j more
byte: sb s0, 0(t1)
  lbu t4, 0(t1)
  j more
word: andi t1, t1, -4
  sw s0, 0(t1)
  lw t4, 0(t1)
more: addi s4, s4, -1
  bnez s4, again
  addi s1, s1, 16
  j next
done: end 1
.align 2
skip: csrr t5, mepc
  lhu t6, 0(t5)
  andi t6, t6, 3
  addi t6, t6, -3
  beqz t6, 3f
  addi t5, t5, -2
3: addi t5, t5, 4
  csrw mepc, t5
  mret
.align 3
devices: .dword 0x101000, 0xfff, 0x2000000, 0xffff, 0xc000000, 0x3fff, 0xc200000, 0x3fff, 0x10000000, 0xff
  .dword 0x10001000, 0x7fff, 0x30008000, 0x7fff, 0x30010000, 0xfff, 0x40000000, 0xffff, 0x400000000, 0xffff, 0, 0`,
      ['--disk', `${await blankDisk()}:overlay`, '--volume', `${folder}:/v`],
    )
    expect([status, stderr]).toEqual([0, ''])
  })
})

async function blankDisk(): Promise<string> {
  const path = join(folder, 'blank.raw')
  await writeFile(path, '')
  await truncate(path, 1 << 20)
  return path
}
