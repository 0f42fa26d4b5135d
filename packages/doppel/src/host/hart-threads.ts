import { Worker } from 'node:worker_threads'
import { DoppelError } from '@doppel/base'
import type { HartThread, ThreadOptions } from '@doppel/riscv'

const PROGRAM = new URL('../../bin/hart-thread.js', import.meta.url)
/** Processors that let no store be seen before an earlier one, nor a load before an earlier load. */
const ORDERED = new Set(['x64', 'ia32'])

/** How harts get threads of this host. Starting one throws `run.threads` where the process may not. */
export function hartThreads(): Pick<ThreadOptions, 'startThread' | 'sharing'> {
  return { startThread, sharing: ORDERED.has(process.arch) ? 'ordered' : 'weak' }
}

function startThread(): HartThread {
  let worker: Worker
  try {
    worker = new Worker(PROGRAM, { execArgv: [] })
  } catch (error) {
    throw new DoppelError('run.threads', `a hart's thread does not start: ${(error as Error).message}`, {}, error)
  }
  return {
    post: message => worker.postMessage(message),
    onMessage: listener => worker.on('message', listener),
    onError: listener => worker.on('error', listener),
    hold: holds => (holds ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  }
}
