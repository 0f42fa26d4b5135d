import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlockStore } from '@doppel/base'
import type { FileSystemIdentity } from '../ext4/superblock.ts'
import { Ext4Builder } from '../ext4/file-system.ts'
import { applyTar } from '../ext4/tar-layer.ts'
import type { Progress } from '../progress.ts'
import type { DebianArchive } from './archive.ts'
import { debTar, unpackDeb } from './deb.ts'
import type { PackageIndex } from './package-index.ts'
import { aptSources } from './second-stage.ts'

/** What a minimal system has beside the required packages. */
const EXTRA: readonly string[] = ['apt']

/** Directories beside /usr that have moved into it (Debian Policy §9.1.1, UsrMerge). */
const MERGED: readonly string[] = ['bin', 'sbin', 'lib', 'lib64']

/**
 * The first stage of a minimal Debian: unpacks its packages onto an empty disk, so that dpkg can run there, and puts them
 * into `folder` for the second stage (see second-stage.ts). Throws `debian.*`, `net.*`, `image.*`, `disk.*`.
 */
export async function bootstrapDisk(
  archive: DebianArchive,
  index: PackageIndex,
  store: BlockStore,
  options: {
    readonly identity: FileSystemIdentity
    readonly folder: string
    readonly suite: string
    readonly architecture: string
    readonly progress?: Progress | undefined
  },
): Promise<void> {
  const { identity, folder, suite, architecture, progress } = options
  const builder = new Ext4Builder(store, identity)
  const plain = { uid: 0, gid: 0, mtime: identity.madeAt }
  for (const name of MERGED) {
    builder.tree.directory(`usr/${name}`, { ...plain, mode: 0o755 })
    builder.tree.put(name, { type: 'symlink', target: `usr/${name}`, attributes: { ...plain, mode: 0o777 } })
  }
  await mkdir(folder, { recursive: true })
  const packages = index.closure([...index.required, ...EXTRA])
  for (const [done, each] of packages.entries()) {
    const deb = await archive.fetch(each)
    await applyTar(builder, debTar(deb, 'data'), { where: each.name })
    await unpackDeb(deb, join(folder, `${each.name}.deb`))
    progress?.({ label: 'unpacking packages', doneBytes: done + 1, totalBytes: packages.length })
  }
  const texts = {
    'etc/apt/sources.list.d/debian.sources': aptSources(archive.mirror, suite),
    'etc/hosts': '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n',
    'etc/hostname': 'debian\n',
    'etc/resolv.conf': '',
  }
  const files: (readonly [path: string, bytes: Uint8Array])[] = Object.entries(texts).map(([path, text]) => [
    path,
    new TextEncoder().encode(text),
  ])
  // apt can install at once, and without a mirror that is whole at the moment.
  files.push(...Object.entries(await archive.lists(architecture)))
  for (const [path, bytes] of files) {
    const content = await builder.content(bytes.length, [bytes])
    builder.tree.put(path, { type: 'file', content, attributes: { ...plain, mode: 0o644 } })
  }
  await builder.finish()
}
