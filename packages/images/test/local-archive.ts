import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import * as openpgp from 'openpgp'

/** A package of the test archive: its control fields and file tree. */
export interface LocalPackage {
  readonly name: string
  readonly fields?: string
  readonly files: Readonly<Record<string, string>>
}

/** A small real Debian archive on this machine: signed by a key of its own, served over HTTP with ranges. */
export interface LocalArchive {
  readonly url: string
  readonly keys: Uint8Array[]
  /** Paths asked for so far, with the Range header when there was one. */
  readonly requests: string[]
  /** What is served, by path; tests change it to break things. */
  readonly served: Map<string, Uint8Array>
  /** Serves only so many bytes of a body, then breaks the connection; for the next request that it applies to. */
  breakAfterBytes: number | undefined
  sign(release: string): Promise<string>
  close(): Promise<void>
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** An ar archive of the given members, deb(5). */
export function arOf(members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [utf8('!<arch>\n')]
  for (const [name, bytes] of members) {
    const size = String(bytes.length).padEnd(10)
    parts.push(utf8(`${name.padEnd(16)}0           0     0     100644  ${size}\`\n`), bytes)
    if (bytes.length % 2) parts.push(utf8('\n'))
  }
  return Buffer.concat(parts)
}

/** A .deb whose data tar is gzip-compressed and holds the given files. */
async function debOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const tar = await packTar(
    Object.entries(files).map(([path, text]) => ({
      header: { name: `./${path}`, size: utf8(text).length, type: 'file' as const, mode: 0o755 },
      body: utf8(text),
    })),
  )
  return arOf([
    ['debian-binary', utf8('2.0\n')],
    ['control.tar.gz', gzipSync(await packTar([]))],
    ['data.tar.gz', gzipSync(tar)],
  ])
}

export async function localArchive(packages: readonly LocalPackage[]): Promise<LocalArchive> {
  const { privateKey, publicKey } = await openpgp.generateKey({
    userIDs: [{ name: 'Archive of the tests' }],
    format: 'object',
    date: new Date('2026-01-01'),
  })
  const served = new Map<string, Uint8Array>()
  const stanzas: string[] = []
  for (const { name, fields = '', files } of packages) {
    const deb = await debOf(files)
    const path = `pool/main/${name}_1.0_riscv64.deb`
    served.set(`/${path}`, deb)
    stanzas.push(
      `Package: ${name}\nVersion: 1.0\nArchitecture: riscv64\n${fields}Filename: ${path}\n` +
        `Size: ${deb.length}\nSHA256: ${sha256(deb)}\n`,
    )
  }
  const index = gzipSync(utf8(stanzas.join('\n')))
  const indexPath = 'main/binary-riscv64/Packages.gz'
  served.set(`/dists/trixie/main/binary-riscv64/by-hash/SHA256/${sha256(index)}`, index)
  const archive: LocalArchive = {
    url: '',
    keys: [publicKey.write()],
    requests: [],
    served,
    breakAfterBytes: undefined,
    sign: async release =>
      await openpgp.sign({
        message: await openpgp.createCleartextMessage({ text: release }),
        signingKeys: privateKey,
        date: new Date('2026-06-01'),
      }),
    close: async () => {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
  const release = `Suite: stable\nCodename: trixie\nVersion: 13.1\nDate: Mon, 01 Jun 2026 00:00:00 UTC
Acquire-By-Hash: yes\nSHA256:\n ${sha256(index)} ${index.length} ${indexPath}\n`
  served.set('/dists/trixie/InRelease', utf8(await archive.sign(release)))
  const server = createServer((request, response) => answer(archive, request, response))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return Object.assign(archive, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function answer(archive: LocalArchive, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? ''
  const range = request.headers.range
  archive.requests.push(range === undefined ? path : `${path} ${range}`)
  const bytes = archive.served.get(path)
  if (bytes === undefined) {
    response.writeHead(404).end()
    return
  }
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
  const rest = bytes.subarray(start)
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': rest.length,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  })
  const breakAt = archive.breakAfterBytes
  if (breakAt !== undefined && breakAt < rest.length) {
    archive.breakAfterBytes = undefined
    response.write(rest.subarray(0, breakAt), () => setImmediate(() => response.destroy()))
  } else response.end(rest)
}
