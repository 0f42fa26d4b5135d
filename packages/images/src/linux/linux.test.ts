import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ControlReader, inputFrame } from './control.ts'
import { cpioArchive, parentDirectories, readCpio } from './cpio.ts'
import { guestArchive } from './guest-archive.ts'
import { packInitramfs } from './initramfs.ts'
import { moduleClosure, modulesAlias, modulesDep, readModuleInfo } from './modules.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

/** A relocatable ELF with nothing but .modinfo (ELF gABI ch. 4). */
function moduleOf(info: string): Uint8Array {
  const names = utf8('\0.modinfo\0.shstrtab\0')
  const data = utf8(info)
  const bytes = new Uint8Array(64 + 3 * 64 + names.length + data.length)
  const view = new DataView(bytes.buffer)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setBigUint64(40, 64n, true)
  view.setUint16(60, 3, true)
  view.setUint16(62, 2, true)
  const section = (index: number, name: number, offset: number, size: number): void => {
    view.setUint32(64 + index * 64, name, true)
    view.setBigUint64(64 + index * 64 + 24, BigInt(offset), true)
    view.setBigUint64(64 + index * 64 + 32, BigInt(size), true)
  }
  section(1, 1, 256, data.length)
  section(2, 10, 256 + data.length, names.length)
  bytes.set(data, 256)
  bytes.set(names, 256 + data.length)
  return bytes
}

describe('a cpio archive', () => {
  test('gives back its entries, in order', () => {
    const archive = cpioArchive([
      { type: 'directory', path: 'bin' },
      { type: 'file', path: 'bin/sh', bytes: utf8('#!'), mode: 0o755 },
      { type: 'symlink', path: 'sh', target: 'bin/sh' },
      { type: 'character-device', path: 'console', major: 5, minor: 1 },
    ])
    expect(readCpio(archive).map(({ path, mode, bytes }) => [path, mode.toString(8), text(bytes)])).toEqual([
      ['bin', '40755', ''],
      ['bin/sh', '100755', '#!'],
      ['sh', '120777', 'bin/sh'],
      ['console', '20600', ''],
    ])
    expect(archive.length % 512).toBe(0)
  })

  test('cut or altered anywhere is read or refused with a code', () => {
    const sound = cpioArchive([{ type: 'file', path: 'a', bytes: utf8('hello') }])
    fc.assert(
      fc.property(fc.nat(sound.length), fc.nat(300), fc.nat(255), (cut, at, value) => {
        const bytes = sound.slice(0, cut)
        bytes[at] = value
        try {
          readCpio(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
    )
  })

  test('has the folders above its files, parents first', () => {
    expect(parentDirectories(['a/b/c', 'a/d', 'e']).map(entry => entry.path)).toEqual(['a', 'a/b'])
  })
})

describe('a kernel module', () => {
  const library: Record<string, Uint8Array> = {
    net: moduleOf('license=GPL\0alias=virtio:d00000001v*\0depends=failover,net-core\0'),
    failover: moduleOf('depends=\0'),
    net_core: moduleOf('depends=builtin_one\0softdep=pre: crc absent\0'),
    crc: moduleOf('alias=crc32c\0'),
    orphan: moduleOf('depends=nowhere\0'),
  }
  const load = (name: string): Promise<Uint8Array | undefined> => Promise.resolve(library[name])
  const builtin = new Set(['builtin_one'])

  test('says what it needs and what it serves', () => {
    expect(readModuleInfo(library['net'] as Uint8Array, 'net')).toEqual({
      depends: ['failover', 'net_core'],
      softBefore: [],
      aliases: ['virtio:d00000001v*'],
    })
  })

  test('comes after all it needs, soft dependencies where they exist', async () => {
    const modules = await moduleClosure(['net'], load, builtin)
    expect(modules.map(module => module.name)).toEqual(['failover', 'crc', 'net_core', 'net'])
    expect(modulesDep(modules, name => `${name}.ko`)).toContain('net.ko: failover.ko net_core.ko crc.ko\n')
    expect(modulesAlias(modules)).toBe('alias crc32c crc\nalias virtio:d00000001v* net\n')
  })

  test.each([['orphan'], ['not_there']])('%s without what it needs is an error', async name => {
    await expect(moduleClosure([name], load, builtin)).rejects.toThrow(
      expect.objectContaining({ code: 'module.missing' }),
    )
  })

  test('that loops is taken once', async () => {
    const loop = moduleOf('depends=loop\0')
    expect(await moduleClosure(['loop'], () => Promise.resolve(loop), builtin)).toHaveLength(1)
  })

  test('cut or altered anywhere is read or refused with a code', () => {
    const sound = library['net'] as Uint8Array
    fc.assert(
      fc.property(fc.nat(sound.length), fc.nat(sound.length - 1), fc.nat(255), (cut, at, value) => {
        const bytes = sound.slice(0, cut)
        bytes[at] = value
        try {
          readModuleInfo(bytes, 'fuzz')
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
    )
  })
})

test('the initramfs is the same bytes for the same parts', async () => {
  const names =
    'virtio_mmio virtio_blk virtio_net virtio-rng virtio_balloon 9p 9pnet_virtio ext4 crc32c_generic overlay squashfs'
  const modules = new Map(names.split(' ').map(name => [`usr/lib/modules/6/kernel/${name}.ko`, moduleOf('depends=\0')]))
  const parts = { busybox: utf8('ELF'), kernelRelease: '6', modules, builtin: 'kernel/fs/fuse/fuse.ko\n' }
  const archive = await packInitramfs(parts)
  expect(await packInitramfs(parts)).toEqual(archive)
  const entries = new Map(readCpio(archive).map(entry => [entry.path, entry]))
  expect(entries.get('init')?.mode.toString(8)).toBe('100755')
  expect(text(entries.get('lib/modules/6/modules.dep')?.bytes)).toContain('virtio_rng.ko:\n')
})

describe('what the host tells the guest', () => {
  const files = (archive: Uint8Array): Record<string, string> =>
    Object.fromEntries(readCpio(archive).map(({ path, bytes }) => [path, text(bytes)]))

  test('quotes every word', () => {
    const archive = guestArchive({ argv: ['echo', "it's", '$x\n'], env: { A: "'" }, nonce: 'n1' })
    expect(files(archive)['doppel/command']).toBe("export A=''\\'''\nexec 'echo' 'it'\\''s' '$x\n'\n")
  })

  test('mounts volumes and takes a login shell when there is no command', () => {
    const volumes = [{ tag: 'v0', path: '/my data', readOnly: true }]
    expect(files(guestArchive({ volumes, nonce: 'n1', hostname: 'h', env: { TERM: 'xterm' } }))).toEqual({
      doppel: '',
      'doppel/setup': "nonce=n1\nname='h'\nvolume 'v0' '/my data' ro\nexport TERM='xterm'\n",
    })
  })

  test.each([
    [{ argv: ['a\0b'], nonce: 'n' }, 'run.command'],
    [{ argv: [], nonce: 'n' }, 'run.command'],
    [{ argv: ['x'.repeat(2 << 20)], nonce: 'n' }, 'run.command'],
    [{ env: { 'A=B': '' }, nonce: 'n' }, 'run.command'],
    [{ nonce: '$(reboot)' }, 'run.command'],
    [{ volumes: [{ tag: 'v', path: 'relative', readOnly: false }], nonce: 'n' }, 'run.volume'],
  ])('case %#: what cannot be said is refused', (setup, code) => {
    expect(() => guestArchive(setup)).toThrow(expect.objectContaining({ code }))
  })
})

describe('control lines', () => {
  const LOG =
    '[ 1.0] boot\r\ndoppel-n1 ready\r\ndoppel-n2 exit 3\r\nxx doppel-n1 input\ndoppel-n1 exit 7\r\n[ 2.0] down'

  test('are found among kernel messages wherever the chunks end, others’ nonces passed over', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(LOG.length), { maxLength: 6 }), cuts => {
        const reader = new ControlReader('n1')
        const at = [0, ...cuts.sort((a, b) => a - b), LOG.length]
        const events = at.slice(1).flatMap((end, i) => reader.feed(utf8(LOG.slice(at[i], end))))
        expect(events).toEqual([{ type: 'ready' }, { type: 'input' }, { type: 'exit', status: 7 }])
      }),
    )
  })

  test('a guest that never ends its line costs no memory and hides nothing later', () => {
    const reader = new ControlReader('n1')
    for (let i = 0; i < 1000; i++) reader.feed(new Uint8Array(10_000).fill(0x78))
    expect(reader.feed(utf8('\ndoppel-n1 exit 0\n'))).toEqual([{ type: 'exit', status: 0 }])
  })

  test('input is framed by its length; none is the end', () => {
    expect([text(inputFrame(utf8('a\nb'))), text(inputFrame(new Uint8Array()))]).toEqual(['3\na\nb', '0\n'])
  })
})
