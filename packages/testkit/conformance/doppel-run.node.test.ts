import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { doppel, type Finished, type Start } from './doppel-process.ts'

/** Runs one command in the linux image and returns what came. */
const guest = (command: readonly string[], flags: readonly string[] = [], start: Start = {}): Promise<Finished> =>
  doppel(['run', ...flags, 'linux', '--', ...command], start)
const shell = (script: string, flags: readonly string[] = [], start: Start = {}): Promise<Finished> =>
  guest(['sh', '-c', script], flags, start)
const said = ({ stdout, stderr, status }: Finished): unknown => ({
  stdout: stdout.toString(),
  stderr: stderr.toString(),
  status,
})
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What a kernel says that is a complaint: a level of warning or worse (`dmesg -r`), or one of its cries. */
const complaints = (log: string): string[] =>
  log.split('\n').filter(line => /^<[0-4]>/.test(line) || /\bBUG\b|\bWARNING\b|\bOops\b|Call Trace|stall/.test(line))

describe.each(['translator', 'interpreter'])('a command under the %s', engine => {
  const flags = ['--engine', engine]

  test('sees four harts', async () => {
    expect(said(await guest(['nproc'], ['--cpus', '4', ...flags]))).toEqual({ stdout: '4\n', stderr: '', status: 0 })
  })

  test('sees a RISC-V machine', async () => {
    expect(said(await guest(['uname', '-m'], flags))).toEqual({ stdout: 'riscv64\n', stderr: '', status: 0 })
  })

  test('gives us its exit status, and its two outputs apart', async () => {
    const result = await shell('echo out; echo err >&2; exit 7', flags)
    expect(said(result)).toEqual({ stdout: 'out\n', stderr: 'err\n', status: 7 })
  })

  test('finds no complaint in the kernel’s log', async () => {
    const { stdout, status } = await guest(['dmesg', '-r'], ['--cpus', '2', ...flags])
    expect(status).toBe(0)
    expect(stdout.toString()).toMatch(/^<5>.*Linux version 6\./m)
    expect(complaints(stdout.toString())).toEqual([])
  })
})

describe('a command’s streams', () => {
  test('carry every byte both ways, a megabyte of them', async () => {
    const input = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i ^ (i >> 8)) & 0xff)
    const { stdout, stderr, status } = await shell('tee /tmp/in; sha256sum /tmp/in >&2', [], { input })
    expect(stderr.toString()).toBe(`${sha256(input)}  /tmp/in\n`)
    expect(sha256(stdout)).toBe(sha256(input))
    expect(status).toBe(0)
  })

  test('end when the input does', async () => {
    expect(said(await guest(['wc', '-c']))).toEqual({ stdout: '0\n', stderr: '', status: 0 })
  })

  test('are those of the script that a shell without a terminal reads', async () => {
    const result = await doppel(['run', 'linux'], { input: 'echo hi; echo err >&2\ncat /etc/nothing || exit 5' })
    expect(result.stdout.toString()).toBe('hi\n')
    expect(result.stderr.toString()).toMatch(/^err\n.*No such file/)
    expect(result.status).toBe(5)
  })

  test('reach a command with its words exactly', async () => {
    const words = ["it's", 'two  spaces', 'new\nline', '"$HOME"', '\\n', '*', '', 'ü', '--', '-e', '$(reboot)', '`']
    const { stdout } = await guest(['sh', '-c', 'for word; do printf "<%s>" "$word"; done', 'sh', ...words])
    expect(stdout.toString()).toBe(words.map(word => `<${word}>`).join(''))
  })

  test('may be closed by their reader', async () => {
    const { stdout, stderr } = await shell('i=0; while [ $i -lt 5 ]; do echo $i; i=$((i+1)); done')
    expect(stdout.toString()).toBe('0\n1\n2\n3\n4\n')
    expect(stderr.toString()).toBe('')
  })
})

describe('the machine', () => {
  test('tells its instruction set, makes random numbers, and knows the time', async () => {
    const before = Date.now()
    const { stdout, stderr, status } = await shell(`
      set -e
      grep -m1 ^isa /proc/cpuinfo; grep -m1 ^mmu /proc/cpuinfo
      dd if=/dev/hwrng bs=64 count=2 2>/dev/null | sha256sum
      dd if=/dev/hwrng bs=64 count=2 2>/dev/null | sha256sum
      date +%s
      a=$(awk '{print $1}' /proc/uptime); sleep 1; b=$(awk '{print $1}' /proc/uptime)
      echo "$a $b"`)
    expect([stderr.toString(), status]).toEqual(['', 0])
    const [isa, mmu, random1, random2, date, uptimes] = stdout.toString().split('\n')
    expect(isa).toMatch(/\brv64imafdc_/)
    for (const name of ['zicntr', 'zihpm', 'zba', 'zbb', 'zbs', 'zicond', 'sstc', 'svinval', 'svnapot', 'svpbmt']) {
      expect(isa).toContain(`_${name}`)
    }
    expect(mmu).toContain('sv57')
    expect(random1).not.toBe(random2)
    const guestMs = Number(date) * 1000
    expect(guestMs).toBeGreaterThan(before - 2000)
    expect(guestMs).toBeLessThan(Date.now() + 2000)
    const [began = 0, ended = 0] = (uptimes ?? '').split(' ').map(Number)
    expect(ended - began).toBeGreaterThanOrEqual(0.99)
    expect(ended - began).toBeLessThan(3)
  })

  test('that takes too long is ended, with 124', async () => {
    const { stderr, status } = await guest(['sleep', '1000'], ['--timeout', '3s'])
    expect(stderr.toString()).toBe('doppel: the machine was ended after 3000 ms [run.timeout]\n')
    expect(status).toBe(124)
  })

  test('whose kernel panics says why, and ends', async () => {
    const { stderr, status } = await guest(['true'], ['--append', 'rdinit=/nowhere'])
    expect(stderr.toString()).toMatch(/^doppel: the guest's kernel panicked: .*mount root fs.* \[run\.panic\]\n$/)
    expect(status).toBe(1)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('ends by %s with its status', async signal => {
    const { status, stderr } = await shell('echo here; sleep 1000', [], {
      onStdout: (text, kill) => text.includes('here') && kill(signal),
    })
    expect([stderr.toString(), status]).toEqual(['', signal === 'SIGTERM' ? 143 : 130])
  })
})
