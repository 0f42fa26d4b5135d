/** The program of a machine's thread: a hart, or what compiles regions for machines. */
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '@doppel/base'
import { serveHart, serveTranslations } from '@doppel/riscv'
import type { ThreadRole } from './threads.ts'

assert(parentPort !== null, 'a machine has started this thread')
const port = parentPort
const role = workerData as ThreadRole
const serve = role === 'hart' ? serveHart : serveTranslations
serve({
  post: message => port.postMessage(message),
  onMessage: listener => port.on('message', listener),
})
