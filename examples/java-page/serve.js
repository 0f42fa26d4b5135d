#!/usr/bin/env node
// Serves this page, the packages it imports (types taken away), a Java library and JARs: node serve.js [LIBRARY] [FOLDER] [PORT].
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.ts': 'text/javascript' }

/**
 * The page at /, the library's folder at /library/, and JARs at /jars/.
 * @param {string} library a folder that is java.home
 * @param {string} jars a folder
 */
export function pageServer(library, jars) {
  /** @param {string} path */
  const fileOf = path => {
    // What the address says may not lead out of the three folders.
    const clean = normalize(decodeURIComponent(path))
    if (clean.startsWith('/library/')) return join(library, clean.slice('/library/'.length))
    if (clean.startsWith('/jars/')) return join(jars, clean.slice('/jars/'.length))
    if (/^\/packages\/(?:base|wasm|jvm)\/src\/[\w/.-]+\.ts$/.test(clean)) return join(ROOT, clean)
    if (/^\/(?:index\.html|page\.js)$/.test(clean)) return join(ROOT, 'examples/java-page', clean)
    return clean === '/' ? join(ROOT, 'examples/java-page/index.html') : undefined
  }
  return createServer(async (request, response) => {
    const file = fileOf(new URL(request.url ?? '/', 'http://page').pathname)
    const found = file === undefined ? undefined : await stat(file).catch(() => undefined)
    if (file === undefined || !found?.isFile()) {
      response.writeHead(404).end()
      return
    }
    const type = TYPES[/** @type {keyof typeof TYPES} */ (extname(file))] ?? 'application/octet-stream'
    response.setHeader('content-type', type)
    if (extname(file) === '.ts') response.end(stripTypeScriptTypes(await readFile(file, 'utf8')))
    else createReadStream(file).pipe(response.setHeader('content-length', found.size))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , library = '/usr/lib/jvm/java-17-openjdk-amd64', jars = '.', port = '8417'] = process.argv
  const server = pageServer(library, jars)
  server.listen(Number(port), '127.0.0.1', () => {
    const address = server.address()
    const at = typeof address === 'object' && address ? address.port : port
    process.stdout.write(`http://127.0.0.1:${at}/?jar=/jars/app.jar\n`)
  })
}
