import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { packingOfBytes, unpacked } from './decompress.ts'
import { copyDisk } from './disk/copy.ts'
import { openDisk } from './disk/open.ts'
import { createQcow2, openQcow2 } from './disk/qcow2.ts'
import { QCOW2_MAGIC } from './disk/qcow2-header.ts'
import { Ext4Builder } from './ext4/file-system.ts'
import type { FileSystemIdentity } from './ext4/superblock.ts'
import { applyTar } from './ext4/tar-layer.ts'
import { openOciImage, unpackOciImage } from './oci/image.ts'
import { layoutFolder, unpackLayout } from './oci/layout.ts'
import type { Progress } from './progress.ts'
import type { ImageConfig } from './root-image.ts'

/** What an import needs. */
export interface ImportOptions {
  readonly identity: FileSystemIdentity
  /** Bytes of the disk made for files; a disk image keeps its own size. */
  readonly sizeBytes: number
  /** An empty folder for what is only needed meanwhile. */
  readonly workFolder: string
  readonly progress?: Progress | undefined
}

/** What came of an import beside the disk. */
export interface Imported {
  readonly kind: 'disk' | 'tar' | 'oci'
  readonly config: ImageConfig
}

const MAX_TAR_BYTES = 2 ** 38
const START_BYTES = 2048
const TAR_MAGIC_OFFSET = 257
/** The magic numbers of an ext2, 3 or 4 file system and of a partition table, and where they are. */
const EXT_MAGIC = [0x438, 0xef53] as const
const MBR_MAGIC = [0x1fe, 0xaa55] as const

/**
 * Makes a new qcow2 disk at `target` of what is at `path`: a tar of a root file system or of an OCI layout (packed with
 * gzip, xz, zstd or not), a folder that is an OCI layout, or a raw or qcow2 disk. What it is, its first bytes say. Throws
 * `image.import` for anything else, `oci.*`, `image.*`, `tree.*`, `disk.*`.
 */
export async function importInto(target: string, path: string, options: ImportOptions): Promise<Imported> {
  const found = await stat(path).catch((error: unknown) => {
    throw new DoppelError('image.import', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { path })
  })
  if (found.isDirectory()) return await importLayout(target, path, path, options)
  const start = found.isFile() ? await firstBytes(path) : new Uint8Array(START_BYTES)
  const view = new DataView(start.buffer)
  const packing = packingOfBytes(start)
  const isTar = new TextDecoder().decode(start.subarray(TAR_MAGIC_OFFSET, TAR_MAGIC_OFFSET + 5)) === 'ustar'
  if (packing !== 'none' || isTar) return await importTar(target, path, packing, options)
  const isDisk =
    view.getUint32(0) === QCOW2_MAGIC ||
    [EXT_MAGIC, MBR_MAGIC].some(([offset, magic]) => view.getUint16(offset, true) === magic)
  if (!isDisk) {
    throw new DoppelError(
      'image.import',
      `${path} is nothing that doppel can import; expected a tar, an OCI layout, or a raw or qcow2 disk`,
      { path },
    )
  }
  const from = await openDisk(path, { readOnly: true })
  try {
    await filled(target, from.sizeBytes, async to => await copyDisk(from, to))
  } finally {
    await from.close()
  }
  return { kind: 'disk', config: {} }
}

async function importTar(
  target: string,
  path: string,
  packing: ReturnType<typeof packingOfBytes>,
  options: ImportOptions,
): Promise<Imported> {
  const tar = (): AsyncIterable<Uint8Array> => {
    const source = createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    return unpacked(packing, source, MAX_TAR_BYTES, path)
  }
  const layout = join(options.workFolder, 'layout')
  if (await unpackLayout(tar(), layout, path)) return await importLayout(target, layout, path, options)
  await filled(target, options.sizeBytes, async store => {
    const builder = new Ext4Builder(store, options.identity)
    await applyTar(builder, tar(), { where: path })
    await builder.finish()
  })
  return { kind: 'tar', config: {} }
}

async function importLayout(
  target: string,
  folder: string,
  where: string,
  { sizeBytes, identity, progress }: ImportOptions,
): Promise<Imported> {
  const image = await openOciImage(await layoutFolder(folder, where))
  await filled(target, sizeBytes, async store => await unpackOciImage(image, store, identity, progress))
  return { kind: 'oci', config: image.config }
}

/** Creates a disk and closes it again whatever comes of filling it. */
async function filled(
  target: string,
  sizeBytes: number,
  fill: (store: Awaited<ReturnType<typeof openQcow2>>) => Promise<void>,
): Promise<void> {
  await createQcow2(target, sizeBytes)
  const store = await openQcow2(target)
  try {
    await fill(store)
  } finally {
    await store.close()
  }
}

async function firstBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const start = new Uint8Array(START_BYTES)
  const handle = await open(path, 'r')
  try {
    await handle.read(start, 0, START_BYTES, 0)
  } finally {
    await handle.close()
  }
  return start
}
