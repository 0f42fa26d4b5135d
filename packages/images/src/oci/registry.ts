import { createReadStream } from 'node:fs'
import { DoppelError } from '@doppel/base'
import { sha256 as sha256Of } from '../cache/files.ts'
import type { ImageCache } from '../cache/image-cache.ts'
import { download } from '../download.ts'
import { httpGetSmall } from '../http.ts'
import type { Progress } from '../progress.ts'
import { type Descriptor, INDEX_TYPES, MANIFEST_TYPES } from './documents.ts'
import { basicAuthorization, type Credentials } from './credentials.ts'
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

/** Where a registry is asked: only one on this computer is spoken to without TLS. */
function registryUrl(host: string): string {
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(host)
  return `${isLocal ? 'http' : 'https'}://${host}/v2/`
}

/** Asks a registry, again with a token or a login where it wants one; `get` is given the headers for that. */
function authorizer(host: string, login: Credentials | undefined) {
  let headers: Readonly<Record<string, string>> = {}
  return async <T>(get: (headers: Readonly<Record<string, string>>) => Promise<T>): Promise<T> => {
    try {
      return await get(headers)
    } catch (error) {
      const challenge = error instanceof DoppelError && error.details?.['status'] === 401 && error.details['challenge']
      if (typeof challenge !== 'string') throw error
      if ('authorization' in headers) throw login ? refusedLogin(host, login, error) : error
      headers = { authorization: await authorization(challenge, host, login) }
      return await get(headers).catch((again: unknown) => {
        const isRefused = again instanceof DoppelError && again.details?.['status'] === 401
        throw isRefused && login ? refusedLogin(host, login, again) : again
      })
    }
  }
}

function refusedLogin(host: string, { user }: Credentials, cause: unknown): DoppelError {
  return new DoppelError('oci.login', `${host} does not know '${user}' with this password`, { host, user }, cause)
}

async function authorization(challenge: string, host: string, login: Credentials | undefined): Promise<string> {
  if (/^bearer /i.test(challenge)) return `Bearer ${await fetchToken(challenge, host, login)}`
  if (/^basic\b/i.test(challenge) && login) return basicAuthorization(login)
  const reason = /^basic\b/i.test(challenge) ? `log in with doppel login ${host}` : 'it asks in a way unknown here'
  throw new DoppelError('oci.registry', `${host} wants to know who asks: ${reason}`, { host, challenge })
}

/** Asks a registry whether it knows a login. Throws `oci.login` where it does not, `oci.registry`, `net.*`. */
export async function checkLogin(host: string, login: Credentials): Promise<void> {
  await authorizer(host, login)(async headers => await httpGetSmall(registryUrl(host), MAX_MANIFEST_BYTES, headers))
}

/**
 * An image in a registry (OCI distribution-spec 1.1, "Pull"), with a token where it asks for one, an anonymous one without
 * `login`. Throws `net.*`, `oci.registry`, `oci.login`.
 */
export function registrySource(
  reference: Reference,
  cache: ImageCache,
  progress?: Progress,
  login?: Credentials,
): OciSource {
  const { host, repository, version } = reference
  const base = registryUrl(host) + repository
  const authorized = authorizer(host, login)
  const manifest = async (of: string): Promise<Uint8Array> => {
    const accept = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ')
    return await authorized(
      async headers => await httpGetSmall(`${base}/manifests/${of}`, MAX_MANIFEST_BYTES, { accept, ...headers }),
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
        async headers => await download(cache, { url, sha256, sizeBytes, label: repository, headers }, progress),
      )
      return createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    },
  }
}

/** A token (distribution "Token Authentication Specification"). Throws `oci.registry`, `oci.login`, `net.*`. */
async function fetchToken(challenge: string, host: string, login: Credentials | undefined): Promise<string> {
  const fail = (reason: string): DoppelError =>
    new DoppelError('oci.registry', `${host} wants to know who asks: ${reason}`, { host, challenge })
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(match => [match[1], match[2] ?? ''] as const))
  const realm = URL.canParse(fields.get('realm') ?? '') ? new URL(fields.get('realm') ?? '') : undefined
  if (!realm || (realm.protocol !== 'https:' && !['localhost', '127.0.0.1'].includes(realm.hostname))) {
    throw fail('its token service is not one to be trusted')
  }
  for (const name of ['service', 'scope']) {
    const value = fields.get(name)
    if (value !== undefined) realm.searchParams.set(name, value)
  }
  const headers: Record<string, string> = login ? { authorization: basicAuthorization(login) } : {}
  let answer: unknown
  try {
    answer = JSON.parse(new TextDecoder().decode(await httpGetSmall(realm.href, MAX_TOKEN_BYTES, headers)))
  } catch (error) {
    if (login && error instanceof DoppelError && error.details?.['status'] === 401)
      throw refusedLogin(host, login, error)
    if (error instanceof DoppelError) throw error
    throw fail('its token service does not answer in JSON')
  }
  const { token, access_token: other } = (answer ?? {}) as { readonly token?: unknown; readonly access_token?: unknown }
  const found = token ?? other
  // What goes into a header line must not be able to end it.
  if (typeof found !== 'string' || !/^[\x21-\x7e]+$/.test(found)) throw fail('its token service gave no token')
  return found
}
