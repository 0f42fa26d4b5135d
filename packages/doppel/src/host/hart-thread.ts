/** The program of a hart's thread. */
import { parentPort } from 'node:worker_threads'
import { assert } from '@doppel/base'
import { serveHart } from '@doppel/riscv'

assert(parentPort !== null, 'a hart runs on a thread that was started for it')
const port = parentPort
serveHart({
  post: message => port.postMessage(message),
  onMessage: listener => port.on('message', listener),
})
