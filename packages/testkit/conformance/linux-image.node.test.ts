import { createHash } from 'node:crypto'
import { cacheFolder, ImageCache, type LinuxImage, linuxImage } from '@doppel/images'
import { beforeAll, describe, expect, test } from 'vitest'
import { runUnderQemu } from './linux-under-qemu.ts'

// The judge is QEMU: what our image does there, it must do on our board too. Needs Debian's archive or a filled cache.
let image: LinuxImage
beforeAll(async () => {
  image = await linuxImage({ cache: new ImageCache(cacheFolder()) })
}, 600_000)

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const utf8 = (content: string): Uint8Array => new TextEncoder().encode(content)

describe('a command in the linux image', { timeout: 120_000 }, () => {
  test('prints on standard output alone and returns 0', async () => {
    const result = await runUnderQemu(image, { argv: ['uname', '-m'] })
    expect([text(result.stdout), text(result.stderr), result.status]).toEqual(['riscv64\n', '', 0])
  })

  test('sees every hart', async () => {
    const result = await runUnderQemu(image, { argv: ['nproc'] }, undefined, { harts: 4 })
    expect(text(result.stdout)).toBe('4\n')
  })

  test('passes its exit status on, and standard error apart', async () => {
    const result = await runUnderQemu(image, { argv: ['sh', '-c', 'echo out; echo err >&2; exit 7'] })
    expect([text(result.stdout), text(result.stderr), result.status]).toEqual(['out\n', 'err\n', 7])
  })

  test('gets its arguments and environment exactly', async () => {
    const words = ["it's", 'two  spaces', 'new\nline', '"$HOME"', '\\n', '*', '', 'ü', '-e']
    const argv = ['sh', '-c', 'for a; do printf "<%s>" "$a"; done; printf "{%s}" "$GREETING"', 'sh', ...words]
    const result = await runUnderQemu(image, { argv, env: { GREETING: "a 'b' $c" } })
    expect(text(result.stdout)).toBe(`${words.map(word => `<${word}>`).join('')}{a 'b' $c}`)
  })

  test('that does not exist returns 127 and says so', async () => {
    const result = await runUnderQemu(image, { argv: ['no-such-program'] })
    expect(result.status).toBe(127)
    expect(text(result.stderr)).toContain('no-such-program')
  })

  test('killed by a signal returns 128 and its number', async () => {
    expect((await runUnderQemu(image, { argv: ['sh', '-c', 'kill -9 $$'] })).status).toBe(137)
  })

  test('reads the host’s input byte for byte, and its end', async () => {
    const input = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) >> 3)
    const result = await runUnderQemu(image, { argv: ['sha256sum'] }, input)
    expect(text(result.stdout)).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n`)
  })

  test('writes any byte', async () => {
    const input = Uint8Array.from({ length: 5_000 }, (_, i) => i & 0xff)
    expect((await runUnderQemu(image, { argv: ['cat'] }, input)).stdout).toEqual(input)
  })

  test('that ignores its input ends all the same', async () => {
    const result = await runUnderQemu(image, { argv: ['true'] }, utf8('unread\n'.repeat(20_000)))
    expect(result.status).toBe(0)
  })

  test('finds its input empty when the host sends none', async () => {
    expect(text((await runUnderQemu(image, { argv: ['wc', '-c'] })).stdout).trim()).toBe('0')
  })

  test('sees no warning of the kernel’s', async () => {
    const result = await runUnderQemu(image, { argv: ['sh', '-c', 'dmesg -r | grep -E "^<[0-4]>"'] })
    expect(text(result.stdout)).not.toMatch(/warn|oops|bug|taint|call trace/i)
  })

  test('has file systems and drivers that load when asked for', async () => {
    const script = `set -e; grep -q . /sys/class/net/eth0/address; mkdir -p /l /u /w /m
mount -t overlay -o lowerdir=/l,upperdir=/u,workdir=/w none /m 2>/dev/null || { mount -t tmpfs t /t; }
cat /proc/filesystems | grep -q overlay; modprobe ext4; grep -q ext4 /proc/filesystems; modprobe squashfs; modprobe 9p
ls /sys/class/misc/hw_random; echo fine`
    const result = await runUnderQemu(image, { argv: ['sh', '-c', script] }, undefined, {
      extra: '-netdev user,id=n -device virtio-net-pci,netdev=n,romfile=',
    })
    expect([text(result.stderr), text(result.stdout)]).toEqual(['', expect.stringContaining('fine') as string])
  })
})
