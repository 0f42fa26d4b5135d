#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old one gets a sentence instead of a syntax error.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { isMainThread } from 'node:worker_threads'

const NEEDED_MAJOR = 26
const major = Number(process.versions.node.split('.')[0])
if (major < NEEDED_MAJOR) {
  process.stderr.write(
    `doppel: this is Node ${process.versions.node}; doppel needs Node ${NEEDED_MAJOR} or newer. In a checkout, ` +
      'npm ci brings it along and npx doppel uses it. [host.node]\n',
  )
  process.exit(1)
}
// A machine's memory and code lie outside the collected heap, which needs no room to grow for short-lived values: 30 MB
// that would only be held. A thread is part of another program, whose heap is its own.
if (isMainThread) setFlagsFromString('--semi-space-growth-factor=1')
// Node need not compile the same files each time: a fifth of a second.
const cache = process.env.XDG_CACHE_HOME || (process.env.HOME && join(process.env.HOME, '.cache'))
if (cache) nodeModule.enableCompileCache?.(join(cache, 'doppel', 'node'))
const source = new URL('../src/main.ts', import.meta.url)
if (existsSync(source)) {
  // A checkout runs from its sources: every package's `source` export stands for its built one.
  // Where a file of a package names another, there is nothing to look for, and looking takes Node a moment each time.
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('.') && specifier.endsWith('.ts') && context.parentURL
        ? { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
        : next(specifier, { ...context, conditions: [...context.conditions, 'source'] }),
  })
  await import(source.href)
} else await import(new URL('../dist/main.js', import.meta.url).href)
