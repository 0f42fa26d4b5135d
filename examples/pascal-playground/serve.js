#!/usr/bin/env node
// Serves this page and the packages it imports (types taken away): node serve.js [PORT].
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.ts': 'text/javascript', '.css': 'text/css' }

const server = createServer(async (request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://page').pathname))
  const isSource = /^\/packages\/(?:base|wasm|pcode)\/src\/[\w/.-]+\.ts$/.test(path)
  const isPage = /^\/[\w-]+\.(?:html|js|css)$/.test(path)
  const file = isSource ? join(ROOT, path) : join(ROOT, 'examples/pascal-playground', isPage ? path : 'index.html')
  const text = isSource || isPage || path === '/' ? await readFile(file, 'utf8').catch(() => undefined) : undefined
  if (text === undefined) {
    response.writeHead(404).end()
    return
  }
  const type = TYPES[/** @type {keyof typeof TYPES} */ (extname(file))]
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8` })
  response.end(isSource ? stripTypeScriptTypes(text) : text)
})
server.listen(Number(process.argv[2] ?? 8418), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : ''}/\n`)
})
