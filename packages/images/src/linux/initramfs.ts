import { DoppelError } from '@doppel/base'
import { collect, unpacked } from '../decompress.ts'
import { type CpioEntry, cpioArchive, parentDirectories } from './cpio.ts'
import { DHCP_SCRIPT, INIT_SCRIPT, PROFILE, SERVE_SCRIPT } from './init-script.ts'
import { moduleClosure, moduleName, modulesAlias, modulesDep } from './modules.ts'

/** The modules of the image; what they depend on comes along. They are loaded when their hardware is there or on use. */
const MODULES: readonly string[] = [
  'virtio_mmio',
  'virtio_blk',
  'virtio_net',
  'virtio_rng',
  'virtio_balloon',
  '9p',
  '9pnet_virtio',
  'ext4',
  // ext4 asks the kernel's crypto layer for it by name; no dependency says so.
  'crc32c_generic',
  'overlay',
  'squashfs',
]

const MAX_MODULE_BYTES = 64 << 20

/** What an initramfs is made of. */
export interface InitramfsParts {
  readonly busybox: Uint8Array
  /** As `uname -r` says it. */
  readonly kernelRelease: string
  /** Modules by path in the package, packed as the package has them. */
  readonly modules: ReadonlyMap<string, Uint8Array>
  /** The kernel's modules.builtin. */
  readonly builtin: string
}

/** Everything of this file and init-script.ts that decides the bytes made, for the image's cache key. */
export const INITRAMFS_RECIPE: string = JSON.stringify(['1', MODULES, INIT_SCRIPT, SERVE_SCRIPT, DHCP_SCRIPT, PROFILE])

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const nameOfPath = (path: string): string => moduleName(path.replace(/^.*\//, '').replace(/\.ko(?:\.\w+)?$/, ''))

/**
 * Packs the initramfs of the `linux` image: an uncompressed cpio, since unpacking in an emulated machine costs more
 * than copying; modules uncompressed for the same reason. Throws `module.*` or `image.*`.
 */
export async function packInitramfs(parts: InitramfsParts): Promise<Uint8Array> {
  const paths = new Map([...parts.modules.keys()].map(path => [nameOfPath(path), path]))
  const builtin = new Set(parts.builtin.split('\n').map(nameOfPath))
  const load = async (name: string): Promise<Uint8Array | undefined> => {
    const path = paths.get(name)
    const packed = path === undefined ? undefined : parts.modules.get(path)
    if (path === undefined || packed === undefined) return undefined
    return await unpackModule(path, packed)
  }
  const modules = await moduleClosure(MODULES, load, builtin)
  const folder = `lib/modules/${parts.kernelRelease}`
  const pathOf = (name: string): string => `${name}.ko`
  const files: CpioEntry[] = [
    { type: 'file', path: 'init', bytes: text(INIT_SCRIPT), mode: 0o755 },
    { type: 'file', path: 'doppel/serve', bytes: text(SERVE_SCRIPT), mode: 0o755 },
    { type: 'file', path: 'bin/busybox', bytes: parts.busybox, mode: 0o755 },
    { type: 'file', path: 'doppel/udhcpc.script', bytes: text(DHCP_SCRIPT), mode: 0o755 },
    { type: 'file', path: 'etc/profile', bytes: text(PROFILE) },
    { type: 'file', path: 'etc/passwd', bytes: text('root::0:0:root:/root:/bin/sh\n') },
    { type: 'file', path: 'etc/group', bytes: text('root:x:0:\ntty:x:5:\n') },
    { type: 'file', path: 'etc/hosts', bytes: text('127.0.0.1 localhost\n') },
    { type: 'file', path: `${folder}/modules.dep`, bytes: text(modulesDep(modules, pathOf)) },
    { type: 'file', path: `${folder}/modules.alias`, bytes: text(modulesAlias(modules)) },
    ...modules.map(({ name, bytes }): CpioEntry => ({ type: 'file', path: `${folder}/${pathOf(name)}`, bytes })),
  ]
  return cpioArchive([
    ...parentDirectories([...files.map(file => file.path), 'dev/console']),
    // Opened by the kernel for /init before anything is mounted.
    { type: 'character-device', path: 'dev/console', major: 5, minor: 1 },
    // The kernel calls it to find a file system's or protocol's module, before busybox is installed too.
    { type: 'directory', path: 'sbin' },
    { type: 'symlink', path: 'sbin/modprobe', target: '/bin/busybox' },
    ...files,
  ])
}

async function unpackModule(path: string, packed: Uint8Array): Promise<Uint8Array> {
  const ending = /\.ko(?:\.(xz|gz|zst))?$/.exec(path)
  if (!ending) throw new DoppelError('module.format', `${path} is not named .ko, .ko.xz, .ko.gz or .ko.zst`, { path })
  const packing = (ending[1] ?? 'none') as 'xz' | 'gz' | 'zst' | 'none'
  async function* once(): AsyncGenerator<Uint8Array> {
    yield packed
  }
  return await collect(unpacked(packing, once(), MAX_MODULE_BYTES, path))
}
