import { DoppelError } from '@doppel/base'
import type { Packing } from '../decompress.ts'
import type { ImageConfig } from '../root-image.ts'

/** Something named by its hash (OCI image-spec, descriptor.md); only sha256 is known here. */
export interface Descriptor {
  readonly mediaType: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly platform: { readonly os: string; readonly architecture: string } | undefined
}

/** A layer and how it is packed. */
export interface Layer extends Descriptor {
  readonly packing: Packing
}

/** An image's parts (OCI image-spec, manifest.md). */
export interface Manifest {
  readonly config: Descriptor
  readonly layers: readonly Layer[]
}

/** What the architecture of doppel's guests is called (Go's GOARCH). */
const ARCHITECTURE = 'riscv64'

/** Media types of what names other manifests; Docker's older name means the same. */
export const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
/** Media types of manifests. */
export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]
const LAYER_TYPES: Readonly<Record<string, Packing>> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gz',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zst',
  'application/vnd.docker.image.rootfs.diff.tar': 'none',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gz',
}

/** As many as any real image stays below. */
const MAX_LAYERS = 512

type Json = Readonly<Record<string, unknown>>

const fail = (where: string, reason: string): DoppelError =>
  new DoppelError('oci.format', `${where}: ${reason}`, { where })

function parse(bytes: Uint8Array, where: string): Json {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new DoppelError('oci.format', `${where} is not JSON`, { where }, error)
  }
  if (!isObject(value)) throw fail(where, 'expected a JSON object')
  return value
}
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])

/** Reads a descriptor. Throws `oci.format`. */
function readDescriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw fail(where, 'a descriptor is missing')
  const sha256 = /^sha256:([0-9a-f]{64})$/.exec(text(value['digest']))?.[1]
  const sizeBytes = value['size']
  if (sha256 === undefined) throw fail(where, `the digest '${text(value['digest'])}' is not one of SHA-256`)
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw fail(where, `the size of ${sha256} is missing`)
  }
  const platform = isObject(value['platform'])
    ? { os: text(value['platform']['os']), architecture: text(value['platform']['architecture']) }
    : undefined
  return { mediaType: text(value['mediaType']), sha256, sizeBytes, platform }
}

/**
 * What an index or a manifest leads to: the one entry for this platform, or the manifest itself. Throws `oci.format`,
 * and `oci.architecture` where the image is for other computers only.
 */
export function readManifestOrIndex(bytes: Uint8Array, where: string): { readonly next: Descriptor } | Manifest {
  const value = parse(bytes, where)
  if (!Array.isArray(value['manifests'])) return readManifest(value, where)
  const all = list(value['manifests']).map(each => readDescriptor(each, where))
  const known = all.filter(each => INDEX_TYPES.includes(each.mediaType) || MANIFEST_TYPES.includes(each.mediaType))
  const fits = known.find(each => each.platform?.os === 'linux' && each.platform.architecture === ARCHITECTURE)
  const only = known.length === 1 && known[0]?.platform === undefined ? known[0] : undefined
  const next = fits ?? only
  if (next) return { next }
  const found = known.map(each => `${each.platform?.os ?? '?'}/${each.platform?.architecture ?? '?'}`).join(', ')
  throw wrongArchitecture(where, found || 'nothing')
}

function readManifest(value: Json, where: string): Manifest {
  const layers = list(value['layers']).map((each): Layer => {
    const layer = readDescriptor(each, where)
    const packing = LAYER_TYPES[layer.mediaType]
    if (packing === undefined) throw fail(where, `a layer of type '${layer.mediaType}', which doppel cannot unpack`)
    return { ...layer, packing }
  })
  if (layers.length > MAX_LAYERS) throw fail(where, `${layers.length} layers; at most ${MAX_LAYERS}`)
  return { config: readDescriptor(value['config'], where), layers }
}

/** Reads an image's configuration (OCI image-spec, config.md). Throws `oci.format`, `oci.architecture`. */
export function readConfig(bytes: Uint8Array, where: string): ImageConfig {
  const value = parse(bytes, where)
  const architecture = text(value['architecture'])
  if (architecture !== ARCHITECTURE) throw wrongArchitecture(where, `${text(value['os'])}/${architecture}`)
  const config = isObject(value['config']) ? value['config'] : {}
  const words = (field: string): readonly string[] => list(config[field]).map(text)
  const env = words('Env').map(each => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)] as const)
  const [folder, user] = [text(config['WorkingDir']), text(config['User'])]
  return {
    env: Object.fromEntries(env.filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))),
    entrypoint: words('Entrypoint'),
    command: words('Cmd'),
    ...(folder.startsWith('/') && { folder }),
    ...(user !== '' && { user }),
  }
}

function wrongArchitecture(where: string, found: string): DoppelError {
  return new DoppelError('oci.architecture', `${where} is for ${found}; expected linux/${ARCHITECTURE}`, {
    where,
    found,
  })
}
