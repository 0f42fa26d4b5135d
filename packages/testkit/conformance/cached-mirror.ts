import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createReadStream } from 'node:fs'

/** What a filled cache's records say of the archive it came from. */
interface LinuxRecord {
  readonly packages: Readonly<Record<string, { readonly filename: string; readonly sha256: string }>>
}

/** A Debian archive served from what a cache holds of the real one, signatures and all. */
export interface CachedMirror {
  readonly url: string
  /** Paths asked for, in order. */
  readonly asked: string[]
  /** Breaks off the next answers for .deb files after so many bytes. */
  cutAfterBytes: number | undefined
  close(): Promise<void>
}

/** Serves the archive that `cacheRoot` (a filled doppel cache) was filled from. */
export async function cachedMirror(cacheRoot: string): Promise<CachedMirror> {
  const record = async (prefix: string): Promise<unknown> => {
    const name = (await readdir(join(cacheRoot, 'records'))).find(candidate => candidate.startsWith(prefix))
    return JSON.parse(await readFile(join(cacheRoot, 'records', name as string), 'utf8'))
  }
  const { packages } = (await record('image-linux')) as LinuxRecord
  const { inRelease } = (await record('release-trixie')) as { readonly inRelease: { readonly sha256: string } }
  const objects = new Map(Object.values(packages).map(({ filename, sha256 }) => [filename, sha256]))
  const objectOf = (path: string): string | undefined =>
    path === 'dists/trixie/InRelease'
      ? inRelease.sha256
      : (objects.get(path) ?? /by-hash\/SHA256\/(\w+)$/.exec(path)?.[1])
  const mirror = { asked: [] as string[], cutAfterBytes: undefined as number | undefined }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURI((request.url ?? '').slice(1))
    mirror.asked.push(path)
    const hash = objectOf(path)
    const file = join(cacheRoot, 'objects', hash?.slice(0, 2) ?? '', hash ?? '')
    const found = hash === undefined ? undefined : await stat(file).catch(() => undefined)
    if (!found) {
      response.writeHead(404).end()
      return
    }
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const partial = start > 0 ? { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` } : {}
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': found.size - start, ...partial })
    const cut = path.endsWith('.deb') ? mirror.cutAfterBytes : undefined
    if (cut === undefined) {
      createReadStream(file, { start }).pipe(response)
      return
    }
    createReadStream(file, { start, end: start + cut - 1 })
      .on('end', () => response.destroy())
      .pipe(response, { end: false })
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(mirror, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  })
}
