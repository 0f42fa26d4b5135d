import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stripTypeScriptTypes } from 'node:module'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')

/** Serves this checkout's sources to a page as JavaScript, and files by the paths given, on loopback. */
export async function servePage(
  html: string,
  files: ReadonlyMap<string, string>,
): Promise<{ server: Server; url: string }> {
  const server = createServer(({ url = '/' }, response) => {
    const reply = (type: string, body: string | Uint8Array): void => {
      response.writeHead(200, { 'content-type': type }).end(body)
    }
    const path = new URL(url, 'http://localhost').pathname
    const file = files.get(path)
    if (path === '/') reply('text/html', html)
    else if (file !== undefined) reply('application/octet-stream', readFileSync(file))
    else if (/^\/packages\/[\w./-]+\.ts$/.test(path) && !path.includes('..')) {
      reply('text/javascript', stripTypeScriptTypes(readFileSync(join(ROOT, path), 'utf8')))
    } else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

/** An import map with this checkout's packages, by their sources. */
export function importMap(): string {
  const folder = join(ROOT, 'packages')
  const imports = readdirSync(folder).map(name => {
    const { name: specifier } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { name: string }
    return [specifier, `/${relative(ROOT, join(folder, name, 'src/index.ts'))}`]
  })
  return JSON.stringify({ imports: Object.fromEntries(imports) as unknown })
}
