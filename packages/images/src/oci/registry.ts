import { createReadStream } from 'node:fs'
import { DoppelError } from '@doppel/base'
import { sha256 as sha256Of } from '../cache/files.ts'
import type { ImageCache } from '../cache/image-cache.ts'
import { download } from '../download.ts'
import { httpGetSmall } from '../http.ts'
import type { Progress } from '../progress.ts'
import { type Descriptor, INDEX_TYPES, MANIFEST_TYPES } from './documents.ts'
import type { OciSource } from './image.ts'

/** An image in a registry: `HOST[:PORT]/PATH[:TAG][@sha256:DIGEST]`. */
export interface Reference {
  readonly host: string
  readonly repository: string
  /** A tag, or `sha256:` and a digest. */
  readonly version: string
}

const MAX_MANIFEST_BYTES = 4 << 20
const MAX_TOKEN_BYTES = 1 << 18

/** Reads a reference; undefined where the text names no registry: its first part has no dot, no port, and is not localhost. */
export function readReference(given: string): Reference | undefined {
  const match =
    /^([A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)\/([a-z0-9]+(?:(?:[._/-]|__)[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
      given,
    )
  const [, host, repository, tag, digest] = match ?? []
  if (host === undefined || repository === undefined || !(/[.:[]/.test(host) || host === 'localhost')) return undefined
  return { host, repository, version: digest ?? tag ?? 'latest' }
}

/**
 * An image in a registry (OCI distribution-spec 1.1, "Pull"), with an anonymous token where it asks for one. Only a
 * registry on this computer is spoken to without TLS. Throws `net.*`, `oci.registry`.
 */
export function registrySource(reference: Reference, cache: ImageCache, progress?: Progress): OciSource {
  const { host, repository, version } = reference
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(host)
  const base = `${isLocal ? 'http' : 'https'}://${host}/v2/${repository}`
  let headers: Readonly<Record<string, string>> = {}
  /** Asks again with a token where the registry wants one. */
  const authorized = async <T>(get: () => Promise<T>): Promise<T> => {
    try {
      return await get()
    } catch (error) {
      const challenge = error instanceof DoppelError && error.details?.['status'] === 401 && error.details['challenge']
      if (typeof challenge !== 'string' || 'authorization' in headers) throw error
      headers = { authorization: `Bearer ${await fetchToken(challenge, host)}` }
      return await get()
    }
  }
  const manifest = async (of: string): Promise<Uint8Array> => {
    const accept = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ')
    return await authorized(
      async () => await httpGetSmall(`${base}/manifests/${of}`, MAX_MANIFEST_BYTES, { accept, ...headers }),
    )
  }
  async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  return {
    where: `${host}/${repository}:${version}`.replace(':sha256:', '@sha256:'),
    root: async () => {
      const bytes = await manifest(version)
      if (!version.startsWith('sha256:') || version === `sha256:${sha256Of(bytes)}`) return bytes
      throw new DoppelError('oci.digest', `${host}/${repository} gave another manifest than ${version}`, { version })
    },
    blob: async (wanted: Descriptor) => {
      const isManifest = [...INDEX_TYPES, ...MANIFEST_TYPES].includes(wanted.mediaType)
      if (isManifest) return whole(await manifest(`sha256:${wanted.sha256}`))
      const url = `${base}/blobs/sha256:${wanted.sha256}`
      const { sha256, sizeBytes } = wanted
      const path = await authorized(
        async () => await download(cache, { url, sha256, sizeBytes, label: repository, headers }, progress),
      )
      return createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    },
  }
}

/** An anonymous token (distribution "Token Authentication Specification"). Throws `oci.registry`, `net.*`. */
async function fetchToken(challenge: string, host: string): Promise<string> {
  const fail = (reason: string): DoppelError =>
    new DoppelError('oci.registry', `${host} wants to know who asks: ${reason}`, { host, challenge })
  if (!/^bearer /i.test(challenge)) throw fail('only anonymous tokens are supported')
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(match => [match[1], match[2] ?? ''] as const))
  const realm = URL.canParse(fields.get('realm') ?? '') ? new URL(fields.get('realm') ?? '') : undefined
  if (!realm || (realm.protocol !== 'https:' && !['localhost', '127.0.0.1'].includes(realm.hostname))) {
    throw fail('its token service is not one to be trusted')
  }
  for (const name of ['service', 'scope']) {
    const value = fields.get(name)
    if (value !== undefined) realm.searchParams.set(name, value)
  }
  let answer: unknown
  try {
    answer = JSON.parse(new TextDecoder().decode(await httpGetSmall(realm.href, MAX_TOKEN_BYTES)))
  } catch (error) {
    if (error instanceof DoppelError) throw error
    throw fail('its token service does not answer in JSON')
  }
  const { token, access_token: other } = (answer ?? {}) as { readonly token?: unknown; readonly access_token?: unknown }
  const found = token ?? other
  // What goes into a header line must not be able to end it.
  if (typeof found !== 'string' || !/^[\x21-\x7e]+$/.test(found)) throw fail('its token service gave no token')
  return found
}
