import { DoppelError } from '@doppel/base'

/** A server that sends nothing for so long is taken for gone. */
const IDLE_MS = 30_000

type Headers = Readonly<Record<string, string>>

/** An accepted answer: 200 or 206. */
export interface HttpBody {
  readonly status: number
  readonly contentRange: string | undefined
  /** The whole file's, where the server says. */
  readonly sizeBytes: number | undefined
  /** Gives up on what has not been read. */
  readonly cancel: () => void
  readonly chunks: AsyncIterable<Uint8Array>
}

/**
 * GETs an address through the host's network. Throws `net.unreachable` when no answer comes, `net.status` for an
 * answer other than 200 and 206, and, while its chunks are read, `net.interrupted`.
 */
export async function httpGet(
  url: string,
  options: { readonly range?: string; readonly headers?: Headers } = {},
): Promise<HttpBody> {
  const abort = new AbortController()
  let timer = setTimeout(() => abort.abort(), IDLE_MS)
  let response: Response
  try {
    const headers = {
      'accept-encoding': 'identity',
      ...options.headers,
      ...(options.range === undefined ? {} : { range: options.range }),
    }
    response = await fetch(url, { headers, signal: abort.signal })
  } catch (error) {
    clearTimeout(timer)
    throw new DoppelError('net.unreachable', `no answer from ${url}: ${reasonOf(error)}`, { url }, error)
  }
  const { status } = response
  if ((status !== 200 && status !== 206) || response.body === null) {
    clearTimeout(timer)
    await response.body?.cancel()
    throw new DoppelError('net.status', `${url} answered ${status} ${response.statusText}; expected the file`, {
      url,
      status,
      challenge: response.headers.get('www-authenticate') ?? undefined,
    })
  }
  const { body } = response
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        clearTimeout(timer)
        yield chunk
        timer = setTimeout(() => abort.abort(), IDLE_MS)
      }
    } catch (error) {
      throw new DoppelError('net.interrupted', `the connection to ${url} broke: ${reasonOf(error)}`, { url }, error)
    } finally {
      clearTimeout(timer)
    }
  }
  const contentRange = response.headers.get('content-range') ?? undefined
  const size = contentRange?.split('/')[1] ?? response.headers.get('content-length') ?? ''
  return {
    status,
    contentRange,
    sizeBytes: /^\d{1,15}$/.test(size) ? Number(size) : undefined,
    cancel: () => {
      clearTimeout(timer)
      abort.abort()
    },
    chunks: chunks(),
  }
}

/** GETs a small file whole. Throws as `httpGet`, and `net.too-large` beyond `maxBytes`. */
export async function httpGetSmall(url: string, maxBytes: number, headers: Headers = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of (await httpGet(url, { headers })).chunks) {
    length += chunk.length
    if (length > maxBytes) throw new DoppelError('net.too-large', `${url} exceeds ${maxBytes} bytes`, { url, maxBytes })
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

/** fetch hides the reason (a refused connection, an unknown host) one or more causes down. */
function reasonOf(error: unknown): string {
  let inner: unknown = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  if (inner instanceof AggregateError) inner = inner.errors[0]
  if (inner instanceof Error) return inner.name === 'AbortError' ? `silent for ${IDLE_MS / 1000} s` : inner.message
  return String(inner)
}
