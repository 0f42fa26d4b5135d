import { createHash } from 'node:crypto'
import { type BlockStore, DoppelError } from '@doppel/base'
import { unpacked } from '../decompress.ts'
import { Ext4Builder } from '../ext4/file-system.ts'
import type { FileSystemIdentity } from '../ext4/superblock.ts'
import { applyTar } from '../ext4/tar-layer.ts'
import type { Progress } from '../progress.ts'
import type { ImageConfig } from '../root-image.ts'
import { type Descriptor, type Manifest, readConfig, readManifestOrIndex } from './documents.ts'

/** Where an image's parts come from: a registry, or a layout in a folder. */
export interface OciSource {
  /** Names it in messages. */
  readonly where: string
  /** The first index or manifest. */
  readonly root: () => Promise<Uint8Array>
  /** A part's bytes as they come; whether they are the right ones is checked by whoever reads. */
  readonly blob: (wanted: Descriptor) => Promise<AsyncIterable<Uint8Array>>
}

/** Indexes that lead to indexes; two levels are usual. */
const MAX_INDEXES = 4
/** A manifest or configuration. */
const MAX_DOCUMENT_BYTES = 4 << 20
const MAX_LAYER_BYTES = 2 ** 36

/** An image of a registry or a layout, its parts known and not fetched yet. */
export interface OciImage {
  readonly source: OciSource
  readonly manifest: Manifest
  readonly config: ImageConfig
  /** The SHA-256 of its configuration, which names it. */
  readonly id: string
}

/** Finds the image for this platform. Throws `oci.*`, `net.*`. */
export async function openOciImage(source: OciSource): Promise<OciImage> {
  let found = readManifestOrIndex(await source.root(), source.where)
  for (let depth = 0; 'next' in found; depth++) {
    if (depth === MAX_INDEXES) throw new DoppelError('oci.format', `${source.where}: indexes lead to indexes`)
    found = readManifestOrIndex(await document(source, found.next), source.where)
  }
  const config = readConfig(await document(source, found.config), source.where)
  return { source, manifest: found, config, id: found.config.sha256 }
}

/** Unpacks an image's layers onto an empty disk. Throws `oci.*`, `image.*`, `tree.*`, `disk.*`, `net.*`. */
export async function unpackOciImage(
  { source, manifest }: OciImage,
  store: BlockStore,
  identity: FileSystemIdentity,
  progress?: Progress,
): Promise<void> {
  const builder = new Ext4Builder(store, identity)
  for (const [done, layer] of manifest.layers.entries()) {
    const bytes = checked(await source.blob(layer), layer, source.where)
    const tar = unpacked(layer.packing, bytes, MAX_LAYER_BYTES, source.where)
    await applyTar(builder, tar, { where: source.where, layers: true })
    // A tar may end before its packing does: the rest decides whether the hash is right.
    for await (const _ of bytes);
    progress?.({ label: 'unpacking layers', doneBytes: done + 1, totalBytes: manifest.layers.length })
  }
  await builder.finish()
}

async function document(source: OciSource, wanted: Descriptor): Promise<Uint8Array> {
  if (wanted.sizeBytes > MAX_DOCUMENT_BYTES) {
    throw new DoppelError('oci.format', `${source.where}: a document of ${wanted.sizeBytes} bytes`, { ...wanted })
  }
  const parts: Uint8Array[] = []
  for await (const chunk of checked(await source.blob(wanted), wanted, source.where)) parts.push(chunk)
  return Buffer.concat(parts)
}

/** Passes on what has the size and hash that it was announced with. Throws `oci.digest` at its end otherwise. */
async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  wanted: Descriptor,
  where: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let lengthBytes = 0
  for await (const chunk of bytes) {
    lengthBytes += chunk.length
    if (lengthBytes > wanted.sizeBytes) break
    hash.update(chunk)
    yield chunk
  }
  const found = hash.digest('hex')
  if (lengthBytes === wanted.sizeBytes && found === wanted.sha256) return
  throw new DoppelError('oci.digest', `${where}: a part is not the one that its digest names`, {
    expected: wanted.sha256,
    found,
  })
}
