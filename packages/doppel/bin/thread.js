// Where the threads of machines begin; as doppel.js, from the sources in a checkout.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'

const source = new URL('../src/host/thread.ts', import.meta.url)
if (existsSync(source)) {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, 'source'] }),
  })
  await import(source.href)
} else await import(new URL('../dist/host/thread.js', import.meta.url).href)
